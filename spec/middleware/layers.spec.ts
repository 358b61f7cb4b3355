import { describe, expect, it } from "vitest";
import type { CompiledBlueprint } from "../../src/blueprint/compiled.ts";
import type { Dispatch, SpawnerLayer, StepCall, StepOutcome } from "../../src/engine/index.ts";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import { agentContext } from "../../src/middleware/agent-context.ts";
import { compose, openStepMeta, repeating, taskContext } from "../../src/middleware/index.ts";
import { projectNameAlias } from "../../src/middleware/project-name-alias.ts";
import { stepContext } from "../../src/middleware/step-context.ts";
import { makeAgent, makeBlueprint, makeCall } from "../workers/step-fixture.ts";
import { stackAround } from "./layer-fixture.ts";

/** A spawner that keeps the calls it gets. */
function recorder(): Dispatch & { readonly calls: StepCall[] } {
  const calls: StepCall[] = [];
  const spawn = (call: StepCall): Promise<StepOutcome> => {
    calls.push(call);
    return Promise.resolve({ kind: "pass", value: null });
  };
  return Object.assign(spawn, { calls });
}

const identity = { kind: "function", fnId: "identity" } as const;

function blueprint(context: JsonObject = {}, over: Partial<CompiledBlueprint> = {}): CompiledBlueprint {
  return makeBlueprint([makeAgent(identity, { context })], over);
}

describe("a stack of layers", () => {
  it("is entered from the first to the last, and left the other way", async () => {
    const trail: string[] = [];
    const named =
      (name: string): SpawnerLayer =>
      (next) =>
      async (call) => {
        trail.push(`${name} in`);
        const outcome = await next(call);
        trail.push(`${name} out`);
        return outcome;
      };
    await compose([named("a"), named("b")], recorder())(makeCall());
    expect(trail).toEqual(["a in", "b in", "b out", "a out"]);
  });

  it("without layers is the spawner", async () => {
    const spawner = recorder();
    expect(compose([], spawner)).toBe(spawner);
  });

  it("hands on the changed call, and leaves the caller's as it was", async () => {
    const spawner = recorder();
    const call = makeCall({ input: "before" });
    await compose([(next) => (given) => next({ ...given, input: "after" })], spawner)(call);
    expect(spawner.calls[0]?.input).toBe("after");
    expect(call.input).toBe("before");
  });

  it("may be answered by a layer that calls nobody", async () => {
    const spawner = recorder();
    const outcome = await compose([() => async () => ({ kind: "skip", value: 1 })], spawner)(makeCall());
    expect(outcome).toEqual({ kind: "skip", value: 1 });
    expect(spawner.calls).toEqual([]);
  });

  it("refuses a layer that calls next twice in one dispatch, naming it", async () => {
    const greedy: SpawnerLayer = function greedy(next) {
      return async (call) => {
        await next(call);
        return next(call);
      };
    };
    const spawner = recorder();
    await expect(compose([(next) => next, greedy], spawner)(makeCall())).rejects.toMatchObject({
      code: "next_called_twice",
      message: expect.stringContaining("layer 'greedy' called next twice for step 1 of agent 'scout'"),
    });
    expect(spawner.calls).toHaveLength(1);
  });

  it("lets a layer that says so repeat, one call after the other", async () => {
    const spawner = recorder();
    const thrice = repeating(function thrice(next) {
      return async (call) => {
        await next(call);
        await next({ ...call, input: 2 });
        return next({ ...call, input: 3 });
      };
    });
    await compose([thrice], spawner)(makeCall());
    expect(spawner.calls.map(({ input }) => input)).toEqual(["go", 2, 3]);
  });

  it("refuses two calls of next at once, also of a layer that may repeat", async () => {
    const spawner = recorder();
    const hasty = repeating(function hasty(next) {
      return async (call) => {
        const [first] = await Promise.all([next(call), next(call)]);
        return first;
      };
    });
    await expect(compose([hasty], spawner)(makeCall())).rejects.toMatchObject({
      code: "next_called_twice",
      message: expect.stringContaining("layer 'hasty' called next while its last call was under way"),
    });
    expect(spawner.calls).toHaveLength(1);
  });

  it("lets a repeating layer repeat what is around a layer that may not", async () => {
    const spawner = recorder();
    const twice = repeating((next) => async (call) => {
      await next(call);
      return next(call);
    });
    await compose([twice, (next) => (call) => next(call)], spawner)(makeCall());
    expect(spawner.calls).toHaveLength(2);
  });

  it("serves many dispatches at once, each with its own next", async () => {
    const spawner = recorder();
    const stack = compose([(next) => (call) => next(call)], spawner);
    await Promise.all(Array.from({ length: 50 }, (_, index) => stack(makeCall({ attempt: index + 1 }))));
    expect(spawner.calls).toHaveLength(50);
  });
});

describe("the $step_meta envelope", () => {
  const metas = new Map<string, JsonObject>([["strict", { tone: "strict", depth: 1 }]]);
  const open = (input: Json) => openStepMeta(input, "scout", metas);

  it.each<[Json, { directive: Json; context?: JsonObject }]>([
    ["text", { directive: "text" }],
    [[{ $step_meta: {} }], { directive: [{ $step_meta: {} }] }],
    [{ a: 1 }, { directive: { a: 1 } }],
    [{ $in: 1 }, { directive: { $in: 1 } }],
    [
      { $step_meta: {}, $in: { q: 1 }, ignored: 2 },
      { directive: { q: 1 }, context: {} },
    ],
    [
      { $step_meta: { inline: { k: 1 } }, a: 1 },
      { directive: { a: 1 }, context: { k: 1 } },
    ],
    [{ $step_meta: { ref: "strict" } }, { directive: "", context: { tone: "strict", depth: 1 } }],
    [
      { $step_meta: { ref: "strict", inline: { depth: 2 } }, $in: null },
      { directive: null, context: { tone: "strict", depth: 2 } },
    ],
    [
      { $step_meta: { ref: null, inline: null }, $in: "x" },
      { directive: "x", context: {} },
    ],
  ])("%j", (input, expected) => {
    expect(open(input)).toEqual(expected);
  });

  it.each<[Json, RegExp]>([
    [{ $step_meta: null }, /agent 'scout'.*must be an object/],
    [{ $step_meta: [] }, /must be an object/],
    [{ $step_meta: { ref: 7 } }, /\.ref must be a name/],
    [{ $step_meta: { inline: "x" } }, /\.inline must be an object/],
    [{ $step_meta: { ref: "lax" } }, /\.ref names 'lax', which is not in metas; defined are 'strict'/],
    [{ $step_meta: { ref: "constructor" } }, /names 'constructor'/],
  ])("refuses %j", (input, expected) => {
    expect(() => open(input)).toThrow(expected);
  });

  it("says so where the Blueprint defines no metas", () => {
    expect(() => openStepMeta({ $step_meta: { ref: "x" } }, "scout", new Map())).toThrow(/defines none/);
  });
});

describe("the context layers", () => {
  it("opens the envelope, so that it never reaches a worker", async () => {
    const spawner = recorder();
    const call = makeCall({ input: { $step_meta: { inline: { tone: "calm" } }, $in: "go" } });
    await compose([stepContext(blueprint())], spawner)(call);
    expect(spawner.calls[0]).toMatchObject({ input: "go", context: { tone: "calm" } });
  });

  it("lets the launch win over the step, and the step over the agent", async () => {
    const spawner = recorder();
    const call = makeCall({
      context: { a: "launch" },
      input: { $step_meta: { inline: { a: "step", b: "step" } }, $in: 1 },
    });
    const compiled = blueprint({ a: "agent", b: "agent", c: "agent" });
    await compose([stepContext(compiled), agentContext(compiled)], spawner)(call);
    expect(spawner.calls[0]?.context).toEqual({ a: "launch", b: "step", c: "agent" });
  });

  it("answers an envelope it cannot open with an error, and calls no worker", async () => {
    const spawner = recorder();
    const outcome = await compose(
      [stepContext(blueprint())],
      spawner,
    )(makeCall({ input: { $step_meta: { ref: "x" } } }));
    expect(outcome).toEqual({
      kind: "error",
      error: { code: "step_meta", message: expect.stringContaining("'x'"), retryable: false },
    });
    expect(spawner.calls).toEqual([]);
  });

  it("hands a call on untouched where there is nothing to add", async () => {
    const spawner = recorder();
    const call = makeCall({ agent: "unknown" });
    await compose([stepContext(blueprint()), agentContext(blueprint())], spawner)(call);
    expect(spawner.calls[0]).toBe(call);
  });
});

it("turns a task input into context keys, leaving out what is absent", () => {
  expect(taskContext({ project_root: "/p", task_metadata: null })).toEqual({ project_root: "/p", task_metadata: null });
  expect(taskContext({})).toEqual({});
});

describe("the layers of a launch", () => {
  it("let the launch and the alias win over the agent", async () => {
    const spawner = recorder();
    const metadata = { project_name_alias: "atlas" };
    const compiled = blueprint(
      { project_name_alias: "agent's", work_dir: "/agent", extra: 1 },
      { blueprint: { id: "t", metadata } as unknown as CompiledBlueprint["blueprint"] },
    );
    await stackAround(spawner, { compiled })(makeCall({ context: taskContext({ work_dir: "/task" }) }));
    expect(spawner.calls[0]?.context).toEqual({ project_name_alias: "atlas", work_dir: "/task", extra: 1 });
  });

  it("include the alias", async () => {
    const spawner = recorder();
    await compose([projectNameAlias("atlas")], spawner)(makeCall({ context: { a: 1 } }));
    expect(spawner.calls[0]?.context).toEqual({ a: 1, project_name_alias: "atlas" });
  });
});
