/** A host that dies between two moments, and the next one that goes on: whose worker is called again, and whose not. */
import { describe, expect, it } from "vitest";
import type { Engine, Executable, RunHandle } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import type { Stores } from "../../stores/ports.ts";
import { bindingOf, fanout, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture, type HeldCall } from "./engine-fixture.ts";

const effect = bindingOf({ pure: false });

/** The stores of a host that dies as soon as so many completions are durable: it hears of nothing any more. */
function dyingAfter(stores: Stores, completions: number): Stores {
  let left = completions;
  const never = new Promise<never>(() => {});
  return {
    ...stores,
    journals: {
      ...stores.journals,
      append: async (batch) => {
        if (left <= 0) return never;
        left -= batch.flatMap(({ rows }) => rows).filter(({ type }) => type === "step_completed").length;
        const results = await stores.journals.append(batch);
        return left > 0 ? results : never;
      },
    },
  };
}

/** Hosts one after the other over the same stores. */
class Lives {
  readonly fixture = new EngineFixture();
  readonly executable: Executable;
  #lives = 0;

  constructor(flow: Json, agents: readonly string[]) {
    this.executable = this.fixture.executable(flow, Object.fromEntries(agents.map((agent) => [agent, effect])));
  }

  /** A host that dies after so many completions more. */
  begin(completions: number): Engine {
    this.#lives += 1;
    return this.fixture.newEngine(`life-${this.#lives}`, { stores: dyingAfter(this.fixture.stores, completions) });
  }

  launch(completions: number, ctx: Json = {}): RunHandle {
    const run = this.begin(completions).launch({ executable: this.executable, ctx, context: {} });
    run.result.catch(() => {});
    return run;
  }

  /** The next host; the one before is dead. */
  async next(completions = Number.POSITIVE_INFINITY): Promise<void> {
    expect(await this.begin(completions).recover()).toEqual({ resumed: 1, putAside: 0 });
  }

  /** The call of this number, once it has arrived. */
  async call(number: number): Promise<HeldCall> {
    await this.fixture.arrived(number);
    const call = this.fixture.held[number - 1];
    if (call === undefined) throw new Error(`call ${number} has not arrived`);
    return call;
  }

  /** The keys of all calls of workers so far, in their order. */
  get called(): readonly string[] {
    return this.fixture.held.map(({ call: { key } }) => key);
  }

  async end(runId: string): Promise<Json> {
    while ((await this.fixture.stores.runs.get(runId))?.status === "running") await settle();
    const last = (await this.fixture.journal(runId)).at(-1);
    expect(last).toMatchObject({ type: "run_finished" });
    return (last?.["value"] as { inline: Json } | undefined)?.inline ?? null;
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Until so many completions of a run are durable. */
async function completed(lives: Lives, runId: string, count: number): Promise<void> {
  const done = async (): Promise<number> =>
    (await lives.fixture.journal(runId)).filter(({ type }) => type === "step_completed").length;
  while ((await done()) < count) await settle();
}

describe("a host that dies when a completion is durable, and before it does anything with it", () => {
  it("has called the worker of each turn of a loop once, though their inputs are equal", async () => {
    const body = step("a", lit("same"), "$.a");
    const lives = new Lives({ kind: "loop", counter: path("$.n"), cond: lit(true), max: 3, body }, ["a"]);
    const run = lives.launch(1);
    for (let turn = 1; turn <= 3; turn += 1) {
      const { end } = await lives.call(turn);
      end({ kind: "pass", value: `turn ${turn}` });
      await completed(lives, run.runId, turn);
      if (turn < 3) await lives.next(1);
    }
    expect(lives.called).toHaveLength(3);
    expect(new Set(lives.called).size).toBe(3);
    expect(await lives.end(run.runId)).toMatchObject({ a: "turn 3" });
  });

  it("leaves what three of five equal lanes gave at their places, and only the other two are executed", async () => {
    const flow = fanout("all", lit(["x", "x", "x", "x", "x"]), step("a", path("$.item"), "$.y"), "$.all");
    const lives = new Lives(flow, ["a"]);
    const run = lives.launch(3);
    await lives.call(5);
    for (const lane of [3, 0, 2]) {
      lives.fixture.held[lane]?.end({ kind: "pass", value: `lane ${lane}` });
      await settle();
    }
    await completed(lives, run.runId, 3);
    await lives.next();
    const again = [await lives.call(6), await lives.call(7)];
    expect(again.map(({ call }) => [call.key, call.attempt])).toEqual([
      ["@1", 2],
      ["@4", 2],
    ]);
    for (const { call, end } of again) end({ kind: "pass", value: `${call.key} again` });
    expect(await lives.end(run.runId)).toMatchObject({
      all: [{ y: "lane 0" }, { y: "@1 again" }, { y: "lane 2" }, { y: "lane 3" }, { y: "@4 again" }],
    });
    expect(lives.called).toHaveLength(7);
  });

  it("does not take one step of an agent for another with the same input", async () => {
    const lives = new Lives(seq(step("a", lit("same"), "$.one"), step("a", lit("same"), "$.two")), ["a"]);
    const run = lives.launch(1);
    (await lives.call(1)).end({ kind: "pass", value: "first" });
    await completed(lives, run.runId, 1);
    await lives.next();
    (await lives.call(2)).end({ kind: "pass", value: "second" });
    expect(await lives.end(run.runId)).toEqual({ one: "first", two: "second" });
    expect(lives.called).toEqual(["0", "1"]);
  });

  it("goes into the catch of a blocked step without executing the body again, also from within the catch", async () => {
    const flow = {
      kind: "try",
      body: step("a", lit(1), "$.a"),
      catch: step("b", path("$.why"), "$.b"),
      err_at: path("$.why"),
    };
    const lives = new Lives(flow, ["a", "b"]);
    const run = lives.launch(1);
    (await lives.call(1)).end({ kind: "blocked", value: "no" });
    await completed(lives, run.runId, 1);
    await lives.next();
    const first = await lives.call(2);
    // In the middle of the catch: this life is left as it is.
    await lives.next();
    const { call, end } = await lives.call(3);
    expect([first.call.agent, call.agent]).toEqual(["b", "b"]);
    expect(call.input).toEqual(first.call.input);
    end({ kind: "pass", value: "caught" });
    expect(await lives.end(run.runId)).toMatchObject({ b: "caught" });
    expect(lives.called).toEqual(["body", "catch", "catch"]);
  });

  it("leaves a skip a skip: nothing is written, and nobody is asked again", async () => {
    const lives = new Lives(seq(step("a", lit(1), "$.a"), step("b", lit(2), "$.b")), ["a", "b"]);
    const run = lives.launch(1, { a: "untouched" });
    (await lives.call(1)).end({ kind: "skip", value: "ignored" });
    await completed(lives, run.runId, 1);
    await lives.next();
    (await lives.call(2)).end({ kind: "pass", value: "B" });
    expect(await lives.end(run.runId)).toEqual({ a: "untouched", b: "B" });
    expect(lives.called).toEqual(["0", "1"]);
  });
});

describe("a host that dies after a newer version of its run's Blueprint is there", () => {
  it("is followed by one that goes on with the version the run is pinned to", async () => {
    const lives = new Lives(seq(step("a", lit(1), "$.a"), step("b", lit("old"), "$.b")), ["a", "b"]);
    const run = lives.launch(1);
    (await lives.call(1)).end();
    await completed(lives, run.runId, 1);
    lives.fixture.executable(seq(step("a", lit(1), "$.a"), step("b", lit("new"), "$.b")), { a: effect, b: effect });
    await lives.next();
    const { call, end } = await lives.call(2);
    expect(call.input).toBe("old");
    end();
    expect(await lives.end(run.runId)).toEqual({ a: 1, b: "old" });
  });
});
