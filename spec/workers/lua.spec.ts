import { describe, expect, it } from "vitest";
import type { CompiledAgent } from "../../src/blueprint/compiled.ts";
import type { StepCall } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { LuaError, type LuaInvocation, type LuaResult } from "../../src/lua/index.ts";
import type { HostFunction, LuaScript } from "../../src/workers/index.ts";
import { ManualClock } from "../engine/manual-clock.ts";
import { failureOf, makeAgent, makeCall, spawnerOf } from "./step-fixture.ts";

const plan = { kind: "lua", source: "return 1", label: "scout.lua", host: [] } as const;

/** A pool that keeps what it is asked and answers with `result`. */
function pool(result: Partial<LuaResult> | Error = { value: 1 }) {
  const invocations: LuaInvocation[] = [];
  return {
    invocations,
    async invoke(invocation: LuaInvocation): Promise<LuaResult> {
      invocations.push(invocation);
      if (result instanceof Error) throw result;
      return { value: null, printed: [], ...result };
    },
  };
}

/** What the pool is asked for one call. */
async function asked(call: Partial<StepCall> = {}, over: Partial<CompiledAgent> = {}): Promise<LuaInvocation> {
  const lua = pool();
  await spawnerOf(makeAgent(plan, over), { lua, clock: new ManualClock(5_000) })(makeCall(call));
  expect(lua.invocations).toHaveLength(1);
  return lua.invocations[0] as LuaInvocation;
}

/** The outcome of a chunk that returns `value`. */
const returning = (value: Json) => spawnerOf(makeAgent(plan), { lua: pool({ value }) })(makeCall());

describe("the globals of a chunk", () => {
  it("are the step's identity and prompt", async () => {
    expect((await asked({ input: "plain words", attempt: 2 })).globals).toEqual({
      _PROMPT: "plain words",
      _AGENT: "scout",
      _TASK_ID: "ST-00000000000000bb",
      _ATTEMPT: 2,
    });
  });

  it.each<[Json, Json]>([
    [{ a: [1, null] }, { a: [1, null] }],
    ['{"a":1}', { a: 1 }],
    ["42", 42],
    [true, true],
    [null, null],
  ])("hold the input %j parsed as _CTX", async (input, expected) => {
    const { globals } = await asked({ input });
    expect(globals).toHaveProperty("_CTX", expected);
    expect(globals).toHaveProperty("_PROMPT", typeof input === "string" ? input : JSON.stringify(input));
  });

  it.each(["{not json", "", "[".repeat(600) + "]".repeat(600)])("hold no _CTX for the text %j", async (input) => {
    expect((await asked({ input })).globals).not.toHaveProperty("_CTX");
  });

  it("hold the context that the agent may see", async () => {
    const context = { task_metadata: { issue: 7 }, tone: "calm", hidden: 1, work_dir: "/w" };
    const contextPolicy = { exclude: ["hidden"], steps_exclude: [] };
    const { globals } = await asked({ context }, { contextPolicy });
    expect(globals).toMatchObject({ _TASK_METADATA: { issue: 7 }, _AGENT_CTX: { tone: "calm" } });
    expect((await asked()).globals).not.toHaveProperty("_AGENT_CTX");
  });
});

describe("an invocation", () => {
  it("is seeded by run, key and attempt, and told the time", async () => {
    expect(await asked({ key: "2.~1.0", attempt: 3 })).toMatchObject({
      seed: "R-00000000000000aa/2.~1.0/3",
      nowMs: 5_000,
    });
  });

  it("is of the agent's chunk, and of the same image every time", async () => {
    const lua = pool();
    const spawner = spawnerOf(makeAgent({ ...plan, host: ["fetch"] }), { lua });
    await spawner(makeCall());
    await spawner(makeCall());
    const [first, second] = lua.invocations;
    expect(first?.image).toEqual({ source: "return 1", chunkName: "scout.lua", host: ["fetch"], kind: "worker" });
    expect(second?.image).toBe(first?.image);
  });

  it("may compute as long as its policy lets it run, and never less than by default", async () => {
    const policy = (timeoutMs: number) => ({ policy: { ...makeAgent(plan).policy, timeoutMs } });
    expect((await asked()).limits).toBeUndefined();
    expect((await asked({}, policy(600_000))).limits).toEqual({ cpuMs: 600_000, wallMs: 600_000 });
    expect((await asked({}, policy(10))).limits).toEqual({ cpuMs: 2_000, wallMs: 10_000 });
    expect((await asked({}, policy(2_592_000_000))).limits).toEqual({ cpuMs: 86_400_000, wallMs: 86_400_000 });
  });

  it("is of a registered script where the agent names one", async () => {
    const lua = pool();
    const luaScripts = new Map<string, LuaScript>([["score", { source: "return 2", label: "score.lua" }]]);
    const agent = makeAgent({ kind: "lua", fnId: "score", label: "x", host: [] });
    await spawnerOf(agent, { lua, luaScripts })(makeCall());
    expect(lua.invocations[0]?.image).toMatchObject({ source: "return 2", chunkName: "score.lua" });
  });

  it("is not made for a script that the host does not have", async () => {
    const agent = makeAgent({ kind: "lua", fnId: "score", label: "x", host: [] });
    const failure = failureOf(await spawnerOf(agent)(makeCall()));
    expect(failure).toMatchObject({ code: "lua_script_unknown", retryable: false });
    expect(failure.message).toContain("'score'");
  });
});

describe("what a chunk returns", () => {
  it.each<[Json, object]>([
    [7, { kind: "pass", value: 7 }],
    [null, { kind: "pass", value: null }],
    [[{ ok: false }], { kind: "pass", value: [{ ok: false }] }],
    [{ a: 1 }, { kind: "pass", value: { a: 1 } }],
    [{ value: { a: 1 } }, { kind: "pass", value: { a: 1 } }],
    [
      { value: null, ok: true },
      { kind: "pass", value: null },
    ],
    [
      { value: "no", ok: false },
      { kind: "blocked", value: "no" },
    ],
    [
      { ok: false, why: "x" },
      { kind: "blocked", value: { ok: false, why: "x" } },
    ],
    [
      { ok: "false", value: 1 },
      { kind: "pass", value: 1 },
    ],
    [{ value: { __mse_skip: true, value: 3 } }, { kind: "skip", value: 3 }],
    [
      { __mse_skip: true, value: 3 },
      { kind: "skip", value: 3 },
    ],
    ['{"a":1}', { kind: "pass", value: { a: 1 } }],
  ])("%j", async (value, expected) => {
    expect(await returning(value)).toMatchObject({ ...expected, stats: { worker_kind: "lua" } });
  });

  it("comes with what it printed, as events", async () => {
    const call = makeCall();
    await spawnerOf(makeAgent(plan), { lua: pool({ printed: ["a", "b"] }) })(call);
    expect(call.events).toEqual([
      { type: "progress", stage: "print", note: "a" },
      { type: "progress", stage: "print", note: "b" },
    ]);
  });
});

describe("a failing chunk", () => {
  it.each([
    [new LuaError("lua_error", "boom", { chunk: "scout.lua", line: 3 }), "agent 'scout': scout.lua:3: boom", true],
    [
      new LuaError("lua_error", "scout.lua:3: boom", { chunk: "scout.lua", line: 3 }),
      "agent 'scout': scout.lua:3: boom",
      true,
    ],
    [
      new LuaError("lua_syntax", "unexpected symbol", { chunk: "scout.lua" }),
      "agent 'scout': scout.lua: unexpected symbol",
      false,
    ],
    [
      new LuaError("lua_cpu_limit", "it ran for more than 2000 ms"),
      "agent 'scout': it ran for more than 2000 ms",
      true,
    ],
    [new LuaError("lua_memory_limit", "too much"), "agent 'scout': too much", false],
  ])("is an error with code, place and message: %s", async (error, message, retryable) => {
    const outcome = await spawnerOf(makeAgent(plan), { lua: pool(error) })(makeCall());
    expect(outcome).toEqual({ kind: "error", error: { code: error.code, message, retryable } });
  });

  it("is cancelled where its pool was closed, and stopped as its signal says", async () => {
    const cancelled = new LuaError("lua_cancelled", "the pool was disposed");
    expect(await spawnerOf(makeAgent(plan), { lua: pool(cancelled) })(makeCall())).toEqual({ kind: "cancelled" });
    const abort = new AbortController();
    const lua = {
      async invoke(): Promise<LuaResult> {
        abort.abort({ kind: "timeout", message: "over" });
        throw cancelled;
      },
    };
    const outcome = await spawnerOf(makeAgent(plan), { lua })(makeCall({ signal: abort.signal }));
    expect(failureOf(outcome)).toMatchObject({ code: "step_timeout", message: "over" });
  });
});

describe("host functions", () => {
  const granted = makeAgent({ ...plan, host: ["add", "gone"] });

  it("are told who calls, and answer", async () => {
    const seen: unknown[] = [];
    const add: HostFunction = (arg, { agent, runId, stepId, attempt, idempotencyKey, context, signal }) => {
      seen.push({
        arg,
        agent,
        runId,
        stepId,
        attempt,
        idempotencyKey,
        root: context.project_root,
        aborted: signal.aborted,
      });
      return 3;
    };
    const lua = pool();
    await spawnerOf(granted, { lua, hostFunctions: new Map([["add", add]]) })(
      makeCall({ context: { project_root: "/p" } }),
    );
    const host = lua.invocations[0]?.host;
    const { signal } = new AbortController();
    expect(await host?.("add", { a: 1 }, signal)).toBe(3);
    expect(seen).toEqual([
      {
        arg: { a: 1 },
        agent: "scout",
        runId: "R-00000000000000aa",
        stepId: "ST-00000000000000bb",
        attempt: 1,
        idempotencyKey: "R-00000000000000aa/1/1",
        root: "/p",
        aborted: false,
      },
    ]);
    await expect(host?.("gone", null, signal)).rejects.toThrow("this host has no function 'gone'");
  });

  it("do not exist for an agent that is granted none", async () => {
    expect((await asked()).host).toBeUndefined();
  });
});
