import { describe, expect, it } from "vitest";
import type { CompiledAgent } from "../../src/blueprint/compiled.ts";
import type { VerdictContract } from "../../src/blueprint/schema.ts";
import type { StepCall } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { blocked } from "../../src/workers/function-registry.ts";
import { contextHeader, contextView, createSpawner, directiveText, FunctionRegistry } from "../../src/workers/index.ts";
import { ManualClock } from "../engine/manual-clock.ts";
import { failureOf, makeAgent, makeBlueprint, makeCall, makeParts, spawnerOf } from "./step-fixture.ts";

const identity = { kind: "function", fnId: "identity" } as const;

/** The outcome of a step whose agent answers `value` after staging `parts`. */
function answering(
  value: unknown,
  over: Partial<CompiledAgent> = {},
  parts: readonly [string, Json][] = [],
  call: Partial<StepCall> = {},
) {
  const functions = new FunctionRegistry().register("f", {
    pure: true,
    run: (_input, { emit }) => {
      for (const [name, content] of parts) emit({ type: "artifact", name, content });
      return value as Json;
    },
  });
  return spawnerOf(makeAgent({ kind: "function", fnId: "f" }, over), { functions })(makeCall(call));
}

describe("routing", () => {
  it("gives each step to its own agent's worker", async () => {
    const functions = new FunctionRegistry().register("other", { pure: true, run: () => "other" });
    const agents = [makeAgent(identity), makeAgent({ kind: "function", fnId: "other" }, { name: "second" })];
    const spawner = createSpawner(makeBlueprint(agents), makeParts({ functions }));
    expect(await spawner(makeCall({ agent: "second" }))).toMatchObject({ value: "other" });
    expect(await spawner(makeCall())).toMatchObject({ value: { by: "baseline-identity" } });
  });

  it("names an unknown agent and the agents there are", async () => {
    const failure = failureOf(await spawnerOf(makeAgent(identity))(makeCall({ agent: "constructor" })));
    expect(failure).toMatchObject({ code: "agent_unknown", retryable: false });
    expect(failure.message).toContain("'constructor'");
    expect(failure.message).toContain("'scout'");
  });

  it.each([
    { kind: "operator", seat: "main", systemPrompt: "" },
    { kind: "agent_block", spec: {}, systemPrompt: "", tools: [] },
    { kind: "llm", spec: {}, systemPrompt: "", tools: [] },
    { kind: "swarm", blueprint: { kind: "id", id: "other" } },
  ] as const)("says what is missing for an agent of kind $kind", async (plan) => {
    const failure = failureOf(await spawnerOf(makeAgent(plan))(makeCall()));
    expect(failure).toMatchObject({ code: "no_worker", retryable: false });
    expect(failure.message).toContain(`of kind '${plan.kind}'`);
  });

  it("rejects only on a defect", async () => {
    const lua = { invoke: () => Promise.reject(new TypeError("a defect")) };
    const spawner = spawnerOf(makeAgent({ kind: "lua", source: "", label: "x", host: [] }), { lua });
    await expect(spawner(makeCall())).rejects.toThrow("a defect");
  });
});

describe("what an answer becomes", () => {
  it("folds what is staged and what is final", async () => {
    const parts: [string, Json][] = [
      ["summary", "the summary"],
      ["diff", { lines: 3 }],
    ];
    expect(await answering("final text", {}, parts)).toMatchObject({
      kind: "pass",
      value: { out: "final text", parts: { summary: "the summary", diff: { lines: 3 } } },
    });
    expect(await answering('[{"id":1}]')).toMatchObject({ value: [{ id: 1 }] });
  });

  it("stays text where the context says so, also when the agent may not see that", async () => {
    const contextPolicy = { include: [], exclude: [], steps_exclude: [] };
    const outcome = await answering('{"a":1}', { contextPolicy }, [["p", "[1]"]], {
      context: { submit_format: "text" },
    });
    expect(outcome).toMatchObject({ value: { out: '{"a":1}', parts: { p: "[1]" } } });
  });

  it("is a skip where it is the marker, also as text", async () => {
    expect(await answering({ __mse_skip: true, value: { a: 1 } })).toMatchObject({ kind: "skip", value: { a: 1 } });
    expect(await answering('{"__mse_skip":true}')).toMatchObject({ kind: "skip", value: null });
  });

  it("is not a skip where it is blocked", async () => {
    const marker = { __mse_skip: true, value: 1 };
    expect(await answering(blocked(marker))).toMatchObject({ kind: "blocked", value: marker });
  });
});

describe("a verdict contract", () => {
  const contract = (channel: VerdictContract["channel"]): { verdict: VerdictContract } => ({
    verdict: { channel, values: ["PASS", "BLOCKED"] },
  });

  it.each(["PASS", "BLOCKED"])("lets the body %s through", async (word) => {
    expect(await answering(word, contract("body"))).toMatchObject({ kind: "pass", value: word });
  });

  it("refuses any other body, naming agent, channel, value and words", async () => {
    const outcome = await answering("MAYBE", contract("body"));
    expect(outcome).toMatchObject({ kind: "error", value: "MAYBE" });
    const failure = failureOf(outcome);
    expect(failure).toMatchObject({ code: "verdict_rejected", retryable: true });
    for (const word of ["verdict contract violation", "'scout'", "body", "'MAYBE'", "'PASS'", "'BLOCKED'"]) {
      expect(failure.message).toContain(word);
    }
  });

  it("compares what was submitted, before folding, and anything but text by its JSON", async () => {
    expect(failureOf(await answering({ verdict: "PASS" }, contract("body"))).message).toContain('{"verdict":"PASS"}');
    const values = { verdict: { channel: "body" as const, values: ['{"a":1}', "true"] } };
    expect((await answering('{"a":1}', values)).kind).toBe("pass");
    expect((await answering({ a: 1 }, values)).kind).toBe("pass");
    expect((await answering(true, values)).kind).toBe("pass");
    expect((await answering('{ "a": 1 }', values)).kind).toBe("error");
  });

  it("reads the last part named verdict, and no other", async () => {
    const parts: [string, Json][] = [
      ["verdict", "MAYBE"],
      ["other", "X"],
      ["verdict", "PASS"],
    ];
    expect(await answering("report", contract("part"), parts)).toMatchObject({
      kind: "pass",
      value: { out: "report", parts: { verdict: "PASS", other: "X" } },
    });
    expect(failureOf(await answering("PASS", contract("part"))).message).toContain("staged no part named 'verdict'");
    expect(failureOf(await answering("r", contract("part"), [["verdict", "MAYBE"]])).message).toContain(
      "in its part 'verdict'",
    );
  });

  it("does not bind blocked and skipped answers", async () => {
    expect((await answering(blocked("MAYBE"), contract("body"))).kind).toBe("blocked");
    expect((await answering({ __mse_skip: true }, contract("part"))).kind).toBe("skip");
  });

  it("clips what it shows", async () => {
    const failure = failureOf(await answering("x".repeat(100_000), contract("body")));
    expect(failure.message.length).toBeLessThan(1000);
  });
});

describe("a deadline", () => {
  /** An agent that ends when its signal says so. */
  const waiting = new FunctionRegistry().register("wait", {
    pure: true,
    run: (_input, { signal }) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped")));
      }),
  });
  const agent = makeAgent({ kind: "function", fnId: "wait" });

  it("ends the attempt as a timeout, and not before", async () => {
    const clock = new ManualClock(1_000);
    const outcome = spawnerOf(agent, { functions: waiting, clock })(makeCall({ deadline: 1_500 }));
    clock.advance(499);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect(failureOf(await outcome)).toMatchObject({ code: "step_timeout", retryable: true });
    expect(clock.pending).toBe(0);
  });

  it("leaves no timer behind an attempt that ends in time", async () => {
    const clock = new ManualClock(1_000);
    const outcome = await spawnerOf(makeAgent(identity), { clock })(makeCall({ deadline: 1_500 }));
    expect(outcome.kind).toBe("pass");
    expect(clock.pending).toBe(0);
  });

  it("does not hide why the engine aborted", async () => {
    const clock = new ManualClock(1_000);
    const abort = new AbortController();
    const outcome = spawnerOf(agent, { functions: waiting, clock })(
      makeCall({ deadline: 1_500, signal: abort.signal }),
    );
    abort.abort({ kind: "cancelled", message: "the lane lost" });
    expect(await outcome).toEqual({ kind: "cancelled" });
    expect(clock.pending).toBe(0);
  });
});

describe("the context view", () => {
  const context = {
    project_root: "/p",
    work_dir: "/w",
    task_metadata: { issue: 7 },
    project_name_alias: "alias",
    org_conventions: ["x"],
    loop_idx: 2,
  };

  it("has identity, the named keys, and everything else as extra", () => {
    expect(contextView(makeCall({ context }), undefined)).toEqual({
      task_id: "ST-00000000000000bb",
      agent: "scout",
      attempt: 1,
      run_id: "R-00000000000000aa",
      project_root: "/p",
      work_dir: "/w",
      task_metadata: { issue: 7 },
      project_name_alias: "alias",
      extra: { org_conventions: ["x"], loop_idx: 2 },
    });
  });

  it("leaves out what is absent or of the wrong type", () => {
    const call = makeCall({ context: { work_dir: 5, run_id: "R-forged" } });
    expect(contextView(call, undefined)).toEqual({
      task_id: "ST-00000000000000bb",
      agent: "scout",
      attempt: 1,
      run_id: "R-00000000000000aa",
    });
  });

  const policy = (over: { include?: string[]; exclude?: string[] }) => ({ exclude: [], steps_exclude: [], ...over });

  it("keeps what is included, drops what is excluded, and excluding wins; identity stays", () => {
    const seen = (over: { include?: string[]; exclude?: string[] }) =>
      Object.keys(contextView(makeCall({ context }), policy(over)));
    expect(seen({ include: ["work_dir", "loop_idx"] })).toEqual(["task_id", "agent", "attempt", "work_dir", "extra"]);
    expect(seen({ include: [] })).toEqual(["task_id", "agent", "attempt"]);
    expect(seen({ include: ["work_dir"], exclude: ["work_dir"] })).toEqual(["task_id", "agent", "attempt"]);
    expect(contextView(makeCall({ context }), policy({ exclude: ["org_conventions", "run_id", "agent"] }))).toEqual({
      task_id: "ST-00000000000000bb",
      agent: "scout",
      attempt: 1,
      project_root: "/p",
      work_dir: "/w",
      task_metadata: { issue: 7 },
      project_name_alias: "alias",
      extra: { loop_idx: 2 },
    });
  });

  it("takes odd keys as plain keys", () => {
    const odd = JSON.parse('{"__proto__":{"work_dir":"/evil"},"constructor":1}') as StepCall["context"];
    const view = contextView(makeCall({ context: odd }), undefined);
    expect(view.work_dir).toBeUndefined();
    expect(JSON.stringify(view.extra)).toBe('{"__proto__":{"work_dir":"/evil"},"constructor":1}');
  });

  it("is told in header lines of a fixed order", () => {
    expect(contextHeader(contextView(makeCall({ context }), undefined))).toBe(
      'project_name_alias: alias\nproject_root: /p\nwork_dir: /w\ntask_metadata: {"issue":7}\norg_conventions: ["x"]\nloop_idx: 2\n',
    );
    expect(contextHeader(contextView(makeCall(), undefined))).toBe("");
  });
});

it("gives text as it is, anything else as compact JSON, to whoever takes a text", () => {
  expect(directiveText("go\n")).toBe("go\n");
  expect(directiveText({ b: 1, a: [null] })).toBe('{"b":1,"a":[null]}');
  expect(directiveText(null)).toBe("null");
});
