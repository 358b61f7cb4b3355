/** Agents that are swarms: which Blueprint they run, and what can be wrong with it. */
import { describe, expect, it } from "vitest";
import { blueprintVersion } from "../../src/blueprint/index.ts";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import { compile, path, step } from "./documents.ts";

const child = (over: JsonObject = {}): JsonObject => ({
  schema_version: "0.1.0",
  id: "child",
  agents: [{ name: "work", kind: "lua", spec: { source: "return 1" } }],
  flow: { kind: "step", ref: "work", in: path("$.topic"), out: path("$.said") },
  ...over,
});

function compileSwarm(spec: Json) {
  const result = compile({ flow: step("team"), agents: [{ name: "team", kind: "swarm", spec }] });
  const errors = result.diagnostics.filter(({ level }) => level === "error");
  return { ...result, errors, agent: result.compiled?.agents.get("team") };
}

describe("the Blueprint of a swarm agent", () => {
  it("is embedded whole, as an object or as the text of one", () => {
    const { agent } = compileSwarm({ blueprint: child() });
    expect(agent).toMatchObject({ kind: "swarm", pure: false });
    expect(agent?.plan).toMatchObject({
      kind: "swarm",
      blueprint: { kind: "embedded", id: "child", document: child() },
    });
    const linked = compileSwarm({ blueprint: JSON.stringify(child()) });
    expect(linked.agent?.plan).toEqual(agent?.plan);
    const version = compile(child() as never).compiled?.version;
    expect(agent?.plan).toMatchObject({ blueprint: { version } });
    expect(version).toBe(blueprintVersion(compile(child() as never).compiled?.canonical ?? ""));
  });

  it("is named by its id or its version", () => {
    expect(compileSwarm({ blueprint: "child" }).agent?.plan).toEqual({
      kind: "swarm",
      blueprint: { kind: "id", id: "child" },
    });
    const version = `sha256:${"a".repeat(64)}`;
    expect(compileSwarm({ blueprint: version, input: "$.a", output: '$["b"]' }).agent?.plan).toEqual({
      kind: "swarm",
      blueprint: { kind: "version", version },
      input: "$.a",
      output: "$.b",
    });
  });

  it("decides what the agent is bound to", () => {
    const digest = (spec: Json): string | undefined => compileSwarm(spec).agent?.bindingDigest;
    const plain = digest({ blueprint: child() });
    expect(digest({ blueprint: child() })).toBe(plain);
    const other = child({ agents: [{ name: "work", kind: "lua", spec: { source: "return 2" } }] });
    const digests = [{ blueprint: other }, { blueprint: child(), output: "$.said" }, { blueprint: "child" }].map(
      digest,
    );
    expect(new Set([plain, ...digests]).size).toBe(4);
  });

  it("is checked with the document it is embedded in, each finding at its place", () => {
    const broken = child({ agents: [], flow: { kind: "step", ref: "nobody", in: path("$.x"), out: path("$.y") } });
    const { errors, compiled } = compileSwarm({ blueprint: broken });
    expect(compiled).toBeUndefined();
    expect(errors).toMatchObject([
      { pointer: "/agents/0/spec/blueprint/flow/ref", element: { type: "agent", name: "team" } },
    ]);
    expect(errors[0]?.message).toMatch(/^in the Blueprint of agent 'team': .*nobody/u);
    const text = compileSwarm({ blueprint: JSON.stringify(broken) });
    expect(text.errors).toMatchObject([{ pointer: "/agents/0/spec/blueprint" }]);
    expect(text.errors[0]?.message).toContain("at /flow/ref");
    expect(compileSwarm({ blueprint: { id: "x" } }).errors.map(({ pointer }) => pointer)).toContain(
      "/agents/0/spec/blueprint",
    );
  });

  it("is not embedded deeper than so often", () => {
    const nested = (depth: number): JsonObject =>
      depth === 0
        ? child()
        : child({ agents: [{ name: "work", kind: "swarm", spec: { blueprint: nested(depth - 1) } }] });
    expect(compileSwarm({ blueprint: nested(7) }).errors).toEqual([]);
    const { errors } = compileSwarm({ blueprint: nested(8) });
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toContain("more than 8 deep");
  });

  it.each([
    [{}, "/agents/0/spec", "needs spec.blueprint"],
    [{ blueprint: 7 }, "/agents/0/spec", "needs spec.blueprint"],
    [{ blueprint: "" }, "/agents/0/spec/blueprint", "empty"],
    [{ blueprint: "a/b" }, "/agents/0/spec/blueprint", "path separator"],
    [{ blueprint: "sha256:00" }, "/agents/0/spec/blueprint", "64 hex digits"],
    [{ blueprint: "{ nothing" }, "/agents/0/spec/blueprint", "not JSON"],
    [{ blueprint: "child", input: "topic" }, "/agents/0/spec/input", "spec.input"],
    [{ blueprint: "child", output: "$." }, "/agents/0/spec/output", "spec.output"],
    [{ blueprint: "child", outptu: "$.a" }, "/agents/0/spec/outptu", "means nothing"],
  ])("is refused as %j, with the place", (spec, pointer, message) => {
    const { errors } = compileSwarm(spec);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.pointer?.startsWith(pointer)).toBe(true);
    expect(errors[0]).toMatchObject({ kind: "invalid-agent-spec", message: expect.stringContaining(message) });
  });
});
