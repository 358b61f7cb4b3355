/** The digest of a binding: what it depends on, and what it does not. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import { agent, compile, step } from "./documents.ts";

const digest = (fields: JsonObject, more: JsonObject = {}): string => {
  const { compiled, diagnostics } = compile({ flow: step("a"), agents: [{ name: "a", ...fields }], ...more });
  const found = compiled?.agents.get("a")?.bindingDigest;
  if (found === undefined) throw new Error(JSON.stringify(diagnostics));
  return found;
};

const templated: JsonObject = {
  kind: "subprocess",
  profile: { system_prompt: "S", model: "m", tools: ["T"] },
  runner: { backend: "subprocess", template: "t" },
};
const template = (argv: readonly string[], name = "t"): JsonObject => ({
  subprocesses: [{ name, argv, env: { A: "1", B: "2" } }],
});

describe("a binding digest", () => {
  it("is 64 lower-case hex digits, and always the same", () => {
    expect(digest(agent("a"))).toMatch(/^[0-9a-f]{64}$/);
    expect(digest(agent("a"))).toBe(digest(agent("a")));
  });

  it("does not depend on the order of keys, anywhere", () => {
    const reversed = (value: Json): Json => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .map(([key, inner]) => [key, reversed(inner)] as const)
          .reverse(),
      );
    };
    const document = {
      ...templated,
      meta: { ctx: { z: 1, a: { y: 1, b: 2 } } },
      verdict: { channel: "body", values: ["A"] },
    };
    expect(digest(reversed(document) as JsonObject, reversed(template(["sh"])) as JsonObject)).toBe(
      digest(document, template(["sh"])),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (ctx) => {
        const fields = (value: Json) => agent("a", { meta: { ctx: value } });
        expect(digest(fields(reversed(ctx as Json)))).toBe(digest(fields(ctx as Json)));
      }),
      { numRuns: 25 },
    );
  });

  it("does not depend on defaults being written out, nor on where the runner is written", () => {
    expect(digest({ ...agent("a"), policy: { retry: { max_attempts: 1 } } })).toBe(digest(agent("a")));
    expect(digest({ ...agent("a"), kind: "rust_fn" })).toBe(digest(agent("a")));
    const { runner: _, ...unrun } = templated;
    const named = { ...template(["sh"]), runners: [{ name: "r", runner: { backend: "subprocess", template: "t" } }] };
    expect(digest({ ...unrun, runner_ref: "r" }, named)).toBe(digest(templated, template(["sh"])));
  });

  it.each<[string, JsonObject, JsonObject?]>([
    ["its function", agent("a", { spec: { fn_id: "fetch" } })],
    ["its prompt", agent("a", { profile: { system_prompt: "other" } })],
    ["its contract", agent("a", { verdict: { channel: "body", values: ["A"] } })],
    ["its context", agent("a", { meta: { ctx: { k: 1 } } })],
    ["the Blueprint's context", agent("a"), { default_agent_ctx: { k: 1 } }],
    ["its context policy", agent("a", { meta: { context_policy: { exclude: ["k"] } } })],
    ["its heartbeat", agent("a", { policy: { heartbeat_ms: 1 } })],
    ["its deadline", agent("a", { policy: { timeout_ms: 1 } })],
    ["the number of its attempts", agent("a", { policy: { retry: { max_attempts: 2 } } })],
    ["the errors that end it", agent("a", { policy: { retry: { non_retryable: ["x"] } } })],
  ])("depends on %s", (_, fields, more) => {
    expect(digest(fields, more)).not.toBe(digest(agent("a")));
  });

  it.each<[string, JsonObject]>([
    ["pauses", { retry: { backoff_ms: 5, jitter: 0.5 } }],
    ["concurrency", { concurrency: 3 }],
  ])("does not depend on %s, which change when an attempt is made and not what comes of it", (_, policy) => {
    expect(digest(agent("a", { policy }))).toBe(digest(agent("a")));
  });

  it("depends on the text of a template, and of a chunk, not only on their names", () => {
    expect(digest(templated, template(["sh", "-c"]))).not.toBe(digest(templated, template(["sh"])));
    const lua = (source: string) => ({ kind: "lua", spec: { source } });
    expect(digest(lua("return 1"))).not.toBe(digest(lua("return 2")));
  });

  it("does not depend on other agents", () => {
    const other = compile({ flow: step("a"), agents: [agent("b"), agent("a")] });
    expect(other.compiled?.agents.get("a")?.bindingDigest).toBe(digest(agent("a")));
  });
});
