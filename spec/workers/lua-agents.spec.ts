/** Lua agents with the real pool. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CompiledAgent } from "../../src/blueprint/compiled.ts";
import type { StepCall } from "../../src/engine/index.ts";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import { LuaPool } from "../../src/lua/index.ts";
import type { HostFunction } from "../../src/workers/index.ts";
import { runBlueprint } from "./blueprint-run.ts";
import { failureOf, makeAgent, makeCall, resultOf, spawnerOf } from "./step-fixture.ts";

let lua: LuaPool;
beforeAll(() => {
  lua = new LuaPool({ threads: 1 });
});
afterAll(() => lua[Symbol.asyncDispose]());

interface Given {
  readonly call?: Partial<StepCall>;
  readonly host?: Readonly<Record<string, HostFunction>>;
  readonly agent?: Partial<CompiledAgent>;
}

/** The outcome of a chunk. */
function run(source: string, { call = {}, host = {}, agent = {} }: Given = {}) {
  const plan = { kind: "lua", source, label: "scout.lua", host: Object.keys(host).sort() } as const;
  return spawnerOf(makeAgent(plan, agent), { lua, hostFunctions: new Map(Object.entries(host)) })(makeCall(call));
}

describe("a Lua agent", () => {
  it("sees its step", async () => {
    const source = "return { _PROMPT, _AGENT, _TASK_ID, _ATTEMPT, _CTX.q, _TASK_METADATA.issue, _AGENT_CTX.tone }";
    const context = { task_metadata: { issue: 7 }, tone: "calm" };
    const outcome = await run(source, { call: { input: { q: "why" }, context, attempt: 2 } });
    expect(outcome).toMatchObject({
      kind: "pass",
      value: ['{"q":"why"}', "scout", "ST-00000000000000bb", 2, "why", 7, "calm"],
    });
  });

  it("finds no global for what is absent", async () => {
    const source = "return { _CTX == nil, _TASK_METADATA == nil, _AGENT_CTX == nil, host == nil }";
    expect(await run(source, { call: { input: "prose" } })).toMatchObject({ value: [true, true, true, true] });
  });

  it.each<[string, object]>([
    ["return 'text'", { kind: "pass", value: "text" }],
    ["return", { kind: "pass", value: null }],
    ["return { value = { a = 1 } }", { kind: "pass", value: { a: 1 } }],
    ["return { value = 'no', ok = false }", { kind: "blocked", value: "no" }],
    ["return { ok = false, why = 'x' }", { kind: "blocked", value: { ok: false, why: "x" } }],
    ["return { __mse_skip = true, value = 1 }", { kind: "skip", value: 1 }],
    ["return '[1,2]'", { kind: "pass", value: [1, 2] }],
  ])("answers by returning: %s", async (source, expected) => {
    expect(await run(source)).toMatchObject(expected);
  });

  it("names chunk and line where it fails", async () => {
    const failure = failureOf(await run("local x = 1\nerror('boom')"));
    expect(failure).toMatchObject({ code: "lua_error", retryable: true });
    expect(failure.message).toContain("agent 'scout'");
    expect(failure.message).toContain("scout.lua:2");
    expect(failure.message).toContain("boom");
    expect(failureOf(await run("return +"))).toMatchObject({ code: "lua_syntax", retryable: false });
  });

  it("prints into events", async () => {
    const call = makeCall();
    await run("print('a', 1) print('b')", { call: { emit: call.emit } });
    expect(call.events).toEqual([
      { type: "progress", stage: "print", note: "a\t1" },
      { type: "progress", stage: "print", note: "b" },
    ]);
  });

  it("prints into events before it fails, too", async () => {
    const call = makeCall();
    failureOf(await run("print('so far') error('no further')", { call: { emit: call.emit } }));
    expect(call.events).toEqual([{ type: "progress", stage: "print", note: "so far" }]);
  });

  it("draws the same random numbers in the same attempt, and others in another", async () => {
    const source = "return { math.random(), math.random() }";
    const draw = async (attempt: number): Promise<Json> => resultOf(await run(source, { call: { attempt } }));
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  it("keeps nothing from one attempt to the next", async () => {
    const source = "seen = (seen or 0) + 1 return seen";
    expect(await run(source)).toMatchObject({ value: 1 });
    expect(await run(source)).toMatchObject({ value: 1 });
  });

  it("is stopped by its signal, in the middle of a loop", async () => {
    const abort = new AbortController();
    const source = "host.started() while true do end";
    const started: HostFunction = () => {
      abort.abort({ kind: "cancelled", message: "enough" });
      return null;
    };
    expect(await run(source, { host: { started }, call: { signal: abort.signal } })).toEqual({ kind: "cancelled" });
  });

  it("is stopped when it computes for too long", async () => {
    const impatient = new LuaPool({ threads: 1, limits: { cpuMs: 20 } });
    try {
      const plan = { kind: "lua", source: "while true do end", label: "scout.lua", host: [] } as const;
      const outcome = await spawnerOf(makeAgent(plan), { lua: impatient })(makeCall());
      expect(failureOf(outcome).code).toBe("lua_cpu_limit");
    } finally {
      await impatient[Symbol.asyncDispose]();
    }
  });
});

describe("a host function", () => {
  it("takes and gives JSON, waits, and knows its caller", async () => {
    const add: HostFunction = async (arg, { agent }) => {
      const { a, b } = arg as { a: number; b: number };
      return { sum: a + b, agent };
    };
    const outcome = await run("return host.add({ a = 1, b = 2 })", { host: { add } });
    expect(outcome).toMatchObject({ kind: "pass", value: { sum: 3, agent: "scout" } });
  });

  it("raises what it throws, which the script may catch", async () => {
    const fail: HostFunction = () => {
      throw new Error("out of order");
    };
    const caught = await run(
      "local ok, message = pcall(host.fail, 1) return { ok = true, value = tostring(message) }",
      { host: { fail } },
    );
    expect(resultOf<string>(caught)).toContain("out of order");
    const failure = failureOf(await run("return host.fail(1)", { host: { fail } }));
    expect(failure.code).toBe("lua_host");
    expect(failure.message).toContain("out of order");
  });

  it("is not there without a grant", async () => {
    const outcome = await run("return { host.granted ~= nil, host.other == nil }", { host: { granted: () => 1 } });
    expect(outcome).toMatchObject({ value: [true, true] });
  });
});

it("Lua agents of a Blueprint decide by their verdict contract", async () => {
  const document = (source: string): JsonObject => ({
    agents: [
      { name: "gate", kind: "lua", spec: { source }, verdict: { channel: "body", values: ["PASS", "BLOCKED"] } },
    ],
    metadata: { lints: { all: "allow" } },
    flow: { kind: "step", ref: "gate", in: { op: "path", at: "$" }, out: { op: "path", at: "$.verdict" } },
  });
  const { ctx } = await runBlueprint(document("return _CTX.n > 3 and 'BLOCKED' or 'PASS'"), {
    ctx: { n: 3 },
    parts: { lua },
  });
  expect(ctx).toEqual({ n: 3, verdict: "PASS" });
  const { error } = await runBlueprint(document("return 'MAYBE'"), { parts: { lua } });
  for (const word of ["verdict contract violation", "MAYBE", "PASS", "BLOCKED"]) expect(error).toContain(word);
});
