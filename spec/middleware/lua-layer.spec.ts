import { afterAll, describe, expect, it } from "vitest";
import type { StepCall } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { LuaPool } from "../../src/lua/index.ts";
import { compose } from "../../src/middleware/index.ts";
import { luaLayer } from "../../src/middleware/lua-layer.ts";
import { failureOf, makeAgent, makeBlueprint, makeCall } from "../workers/step-fixture.ts";
import { BLOCKED, failing, layerParts, PASS, scripted } from "./layer-fixture.ts";

const lua = new LuaPool({ threads: 1 });
afterAll(() => lua[Symbol.asyncDispose]());

const compiled = makeBlueprint([
  makeAgent({ kind: "function", fnId: "identity" }),
  makeAgent({ kind: "function", fnId: "identity" }, { name: "backup" }),
  makeAgent({ kind: "operator", seat: "lead", systemPrompt: "" }, { name: "person" }),
]);

function policy(source: string, worker = scripted(), options: { max_retries?: number } = {}) {
  const layer = luaLayer({ source, ...options }, { ...layerParts({ compiled }), lua });
  return { run: compose([layer], worker), worker };
}

/** A memo that says how it is used. */
function seenMemo(kept: Readonly<Record<string, Json>> = {}) {
  const memos = new Map(Object.entries(kept));
  const puts: string[] = [];
  const memo: StepCall["memo"] = {
    get: (name) => memos.get(name),
    put: async (name, value, options) => {
      puts.push(`${name}${options?.attach ? " attach" : ""} ${JSON.stringify(value)}`);
      memos.set(name, value);
    },
  };
  return { memo, puts };
}

describe("a Lua policy's before", () => {
  it("sees the call, and lets it go on where it says nothing", async () => {
    const { run, worker } = policy(`
      function before(call)
        assert(call.agent == "scout" and call.attempt == 1 and call.key == "1" and call.input.n == 3)
        assert(call.context.tone == "calm" and call.task_id ~= nil and call.run_id ~= nil)
      end`);
    const call = makeCall({ input: { n: 3 }, context: { tone: "calm" } });
    expect(await run(call)).toEqual(PASS);
    expect(worker.calls[0]).toMatchObject({ agent: "scout", input: { n: 3 } });
  });

  it("routes and rewrites the input", async () => {
    const { run, worker } = policy(
      `return { before = function(call) return { route = "backup", input = { n = call.input.n + 1 } } end }`,
    );
    await run(makeCall({ input: { n: 3 } }));
    expect(worker.calls[0]).toMatchObject({ agent: "backup", input: { n: 4 } });
  });

  it("refuses, with its reason", async () => {
    const { run, worker } = policy(`function before(call) return { refuse = "too risky" } end`);
    expect(failureOf(await run(makeCall()))).toEqual({
      code: "policy_refused",
      message: "the Lua policy refused step 1 of 'scout': too risky",
      retryable: false,
    });
    expect(worker.calls).toEqual([]);
  });

  it.each([
    ["raises", `function before() error("oops") end`, /oops/],
    ["does not parse", `function before( end`, /policy\.lua/],
    ["returns no table", `function before() return 1 end`, /before must return a table/],
    ["returns what means nothing", `function before() return { rout = "x" } end`, /'rout', which means nothing/],
    [
      "routes to nobody",
      `function before() return { route = "nobody" } end`,
      /'nobody', which is no agent; there are 'scout'/,
    ],
    ["routes to a prototype", `function before() return { route = "constructor" } end`, /which is no agent/],
    ["says a number why", `function before() return { refuse = 7 } end`, /refuse must be a text/],
    ["never ends", `function before() while true do end end`, /./],
  ])("that %s fails the step", async (_, source, message) => {
    const { run, worker } = policy(source);
    const failure = failureOf(await run(makeCall()));
    expect(failure).toMatchObject({ code: "policy_failed", retryable: false });
    expect(failure.message).toMatch(message);
    expect(worker.calls).toEqual([]);
  });

  it("reaches nothing outside, and remembers nothing", async () => {
    const { run } = policy(`
      count = (count or 0) + 1
      function before(call)
        assert(io == nil and os.execute == nil and host == nil and require == nil)
        assert(count == 1)
      end`);
    expect(await run(makeCall())).toEqual(PASS);
    expect(await run(makeCall())).toEqual(PASS);
  });

  it("names the author's own lines", async () => {
    const { run } = policy(`local x = 1\n\nfunction before() error("here") end`);
    expect(failureOf(await run(makeCall())).message).toContain("policy.lua:3: here");
  });
});

describe("a Lua policy's after", () => {
  it("sees the outcome, and leaves it where it says nothing", async () => {
    const { run } = policy(
      `
      function after(call, outcome)
        assert(outcome.kind == "blocked" and outcome.ok == false and outcome.value == "no" and call.tries == 1)
      end`,
      scripted(BLOCKED),
    );
    expect(await run(makeCall())).toEqual(BLOCKED);
  });

  it.each<[string, string, object]>([
    ["a value", `{ value = { a = 1 } }`, { kind: "blocked", value: { a: 1 } }],
    ["ok", `{ ok = true }`, { kind: "pass", value: "no" }],
    ["both", `{ ok = true, value = 5 }`, { kind: "pass", value: 5 }],
    ["a verdict", `{ verdict = "skip" }`, { kind: "skip", value: "no" }],
  ])("rewrites the outcome by %s", async (_, answer, outcome) => {
    const { run } = policy(`function after() return ${answer} end`, scripted(BLOCKED));
    expect(await run(makeCall())).toEqual(outcome);
  });

  it("turns a failure into a value, and keeps what the attempt took", async () => {
    const stats = { worker_kind: "test" };
    const { run } = policy(
      `function after(_, o) return { ok = true, value = o.error.code } end`,
      scripted({ ...failing(), stats } as never),
    );
    expect(await run(makeCall())).toEqual({ kind: "pass", value: "boom", stats });
  });

  it("has the worker called again, as often as it may", async () => {
    const worker = scripted(failing(), failing(), PASS);
    const source = `function after(call, o) if o.kind == "error" then return { retry = true } end end`;
    expect(await policy(source, worker).run(makeCall())).toEqual(PASS);
    expect(worker.calls).toHaveLength(3);
    const stubborn = scripted(failing());
    expect(failureOf(await policy(source, stubborn, { max_retries: 1 }).run(makeCall())).code).toBe("boom");
    expect(stubborn.calls).toHaveLength(2);
  });

  it("refuses what has run", async () => {
    const { run } = policy(`function after() return { refuse = "not good enough" } end`);
    expect(failureOf(await run(makeCall()))).toMatchObject({
      code: "policy_refused",
      message: expect.stringContaining("not good enough"),
    });
  });

  it("that fails leaves the outcome, and a warning says so", async () => {
    const { run } = policy(`function after() error("oops") end`);
    const call = makeCall();
    expect(await run(call)).toEqual(PASS);
    expect(call.events).toMatchObject([
      { type: "warning", code: "lua_layer", message: expect.stringContaining("oops") },
    ]);
  });
});

describe("a Lua policy's decisions", () => {
  it("are kept before they are carried out, also those to do nothing", async () => {
    const { memo, puts } = seenMemo();
    await policy(`function before() return { input = 2 } end function after() end`).run(makeCall({ memo }));
    expect(puts).toEqual(['lua_layer/before {"input":2}', "lua_layer/after-1 {}"]);
  });

  it("are not made again when the attempt is entered again", async () => {
    const { memo } = seenMemo({
      "lua_layer/before": { route: "backup" },
      "lua_layer/after-1": { outcome: { kind: "pass", value: "as decided" } },
    });
    const { run, worker } = policy(
      `function before() error("asked again") end function after() error("asked again") end`,
      scripted(BLOCKED),
    );
    expect(await run(makeCall({ memo }))).toEqual({ kind: "pass", value: "as decided" });
    expect(worker.calls[0]?.agent).toBe("backup");
  });

  it("to hand a step to an operator make it one that is entered again", async () => {
    const { memo, puts } = seenMemo();
    await policy(`function before() return { route = "person" } end`).run(makeCall({ memo }));
    expect(puts).toContain('lua_layer/route attach "person"');
  });
});
