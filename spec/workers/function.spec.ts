import { Type } from "@sinclair/typebox";
import { describe, expect, it } from "vitest";
import type { StepCall, StepOutcome } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { blocked, FunctionRegistry, pass, skip } from "../../src/workers/index.ts";
import { failureOf, makeAgent, makeCall, spawnerOf } from "./step-fixture.ts";

function run(functions: FunctionRegistry, fnId: string, call: Partial<StepCall> = {}): Promise<StepOutcome> {
  return spawnerOf(makeAgent({ kind: "function", fnId }), { functions })(makeCall(call));
}

/** The outcome of a function that runs `body`. */
function outcomeOf(body: () => unknown, call: Partial<StepCall> = {}): Promise<StepOutcome> {
  return run(new FunctionRegistry().register("f", { pure: true, run: body as () => Json }), "f", call);
}

describe("identity", () => {
  it("answers who it is and its prompt, text verbatim and anything else as compact JSON", async () => {
    const functions = new FunctionRegistry();
    expect(await run(functions, "identity", { input: "go" })).toEqual({
      kind: "pass",
      value: { by: "baseline-identity", agent: "scout", echoed: "go" },
      stats: { worker_kind: "function" },
    });
    expect(await run(functions, "identity", { input: { b: [1], a: null } })).toMatchObject({
      value: { echoed: '{"b":[1],"a":null}' },
    });
    expect(functions.get("identity")?.pure).toBe(true);
  });
});

describe("a registered function", () => {
  it("is told what it serves, and answers a value or a promise of one", async () => {
    const functions = new FunctionRegistry().register("told", {
      pure: false,
      run: async (input, { agent, stepId, attempt, idempotencyKey, runId, key, context }) => ({
        input,
        agent,
        stepId,
        attempt,
        idempotencyKey,
        runId,
        key,
        root: context.project_root ?? null,
      }),
    });
    const outcome = await run(functions, "told", { input: [1], attempt: 3, context: { project_root: "/p" } });
    expect(outcome).toMatchObject({
      kind: "pass",
      value: {
        input: [1],
        agent: "scout",
        stepId: "ST-00000000000000bb",
        attempt: 3,
        idempotencyKey: "R-00000000000000aa/1/3",
        root: "/p",
      },
    });
  });

  it("may say its verdict", async () => {
    expect(await outcomeOf(() => pass({ a: 1 }))).toMatchObject({ kind: "pass", value: { a: 1 } });
    expect(await outcomeOf(() => blocked("no"))).toMatchObject({ kind: "blocked", value: "no" });
    expect(await outcomeOf(() => skip())).toMatchObject({ kind: "skip", value: null });
    expect(await outcomeOf(async () => blocked("later"))).toMatchObject({ kind: "blocked", value: "later" });
  });

  it("publishes events, and its artifacts become parts", async () => {
    const functions = new FunctionRegistry().register("stages", {
      pure: true,
      run: (_input, { emit }) => {
        emit({ type: "progress", stage: "half" });
        emit({ type: "artifact", name: "diff", content: '{"lines":3}' });
        return "final";
      },
    });
    const call = makeCall();
    expect(await run(functions, "stages", { emit: call.emit })).toMatchObject({
      kind: "pass",
      value: { out: "final", parts: { diff: { lines: 3 } } },
    });
    expect(call.events).toHaveLength(2);
  });

  it("fails with what it throws", async () => {
    const failure = failureOf(
      await outcomeOf(() => {
        throw new Error("out of luck");
      }),
    );
    expect(failure).toEqual({
      code: "function_error",
      message: "function 'f' of agent 'scout' failed: out of luck",
      retryable: true,
    });
    expect(failureOf(await outcomeOf(() => Promise.reject("a string"))).message).toContain("a string");
  });

  it.each([
    ["undefined", () => undefined, "it is undefined"],
    ["NaN", () => ({ a: [1, Number.NaN] }), "/a/1 is NaN"],
    ["a date", () => ({ at: new Date(0) }), "/at is an instance of Date"],
    ["a function", () => ({ "a/b": () => 1 }), "/a~1b is a function"],
    ["a hole", () => new Array(1), "/0 is undefined"],
    [
      "a cycle",
      () => {
        const list: unknown[] = [];
        list.push(list);
        return list;
      },
      "cyclic",
    ],
  ])("must answer JSON: %s", async (_name, body, expected) => {
    const failure = failureOf(await outcomeOf(body));
    expect(failure.code).toBe("function_value");
    expect(failure.message).toContain(expected);
  });

  it("takes plain objects without a prototype, and odd keys", async () => {
    const value = Object.assign(Object.create(null) as object, { constructor: 1 });
    expect(await outcomeOf(() => value)).toMatchObject({ kind: "pass", value: { constructor: 1 } });
  });

  it("does not hold an aborted attempt up when it ignores its signal", async () => {
    const abort = new AbortController();
    const started = Promise.withResolvers<void>();
    const never = new Promise<Json>(() => undefined);
    const functions = new FunctionRegistry().register("deaf", {
      pure: true,
      run: () => {
        started.resolve();
        return never;
      },
    });
    const outcome = run(functions, "deaf", { signal: abort.signal });
    await started.promise;
    abort.abort({ kind: "timeout", message: "too slow" });
    expect(await outcome).toEqual({
      kind: "timeout",
      error: { code: "step_timeout", message: "too slow", retryable: true },
    });
  });

  it("is not called when the attempt was aborted before it began", async () => {
    const called: string[] = [];
    const signal = AbortSignal.abort({ kind: "cancelled", message: "enough" });
    const outcome = await outcomeOf(() => called.push("called"), { signal });
    expect(outcome).toEqual({ kind: "cancelled" });
    expect(called).toEqual([]);
  });

  it("is named with what the host has, where it is not registered", async () => {
    const failure = failureOf(await run(new FunctionRegistry(), "scorer"));
    expect(failure).toMatchObject({ code: "function_unknown", retryable: false });
    expect(failure.message).toContain("'scorer'");
    expect(failure.message).toContain("'identity'");
  });
});

describe("a schema", () => {
  const functions = new FunctionRegistry().register("add", {
    input: Type.Object({ a: Type.Number(), b: Type.Number() }, { additionalProperties: false }),
    output: Type.Object({ sum: Type.Integer() }),
    pure: true,
    run: ({ a, b }) => (a + b < 0 ? (blocked("negative") as never) : { sum: a + b }),
  });

  it("types and checks the input", async () => {
    expect(await run(functions, "add", { input: { a: 1, b: 2 } })).toMatchObject({ kind: "pass", value: { sum: 3 } });
    const failure = failureOf(await run(functions, "add", { input: { a: "1", c: 2 } }));
    expect(failure).toMatchObject({ code: "function_input", retryable: false });
    expect(failure.message).toBe(
      "function 'add' of agent 'scout' cannot take its input: it must have required property 'b'; it must not have the key 'c'; /a must be number",
    );
  });

  it("checks the output of a pass, and not of a blocked answer", async () => {
    const failure = failureOf(await run(functions, "add", { input: { a: 1, b: 0.5 } }));
    expect(failure.code).toBe("function_output");
    expect(failure.message).toContain("/sum must be integer");
    expect(await run(functions, "add", { input: { a: -2, b: 0 } })).toMatchObject({
      kind: "blocked",
      value: "negative",
    });
  });

  it("is published with the function", () => {
    expect(functions.get("add")?.schema).toMatchObject({ required: ["a", "b"] });
  });
});

describe("registering", () => {
  it("refuses an id twice, and ids that are none", () => {
    const functions = new FunctionRegistry();
    const definition = { pure: true, run: () => null };
    expect(() => functions.register("identity", definition)).toThrow(/registered already/);
    expect(() => functions.register("", definition)).toThrow(/cannot be a function id/);
    expect(() => functions.register("a b", definition)).toThrow(/cannot be a function id/);
    expect(functions.list().map(({ id }) => id)).toEqual(["identity"]);
  });
});
