/** The drill must be able to fail: what it is shown here breaks a rule or depends on the crash. */
import { describe, expect, it } from "vitest";
import type { Executable } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { drill } from "../../src/simulation/drill.ts";
import { type Life, liveThrough } from "../../src/simulation/life.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import { bindingOf, definitionOf, fanout, hash, lit, path, seq, step } from "../kernel/scripted-run.ts";

const bindings = {
  effect: bindingOf({ pure: false }),
  seat: bindingOf({ pure: false, attach: true }),
  sleep: bindingOf({ pure: false, waits: "sleep" }),
  wait_signal: bindingOf({ pure: false, waits: "wait_signal" }),
};

function lives(flow: Json, answer: (input: Json, attempt: number) => Json, seed = 1) {
  const executable: Executable = {
    ...definitionOf(flow, { bindings }),
    workerKind: () => "test",
    dispatch: async ({ input, attempt }) => ({ kind: "pass", value: answer(input, attempt) }),
  };
  const signals = new Map<string, Json>([["go", "signalled"]]);
  return (crashes: readonly number[]): Promise<Life> =>
    liveThrough({
      executable,
      ctx: {},
      context: {},
      hash,
      seed,
      crashes,
      signals,
      stores: openMemoryStores({ now: () => 0 }),
    });
}

const two = seq(step("effect", lit(1), "$.a"), step("effect", path("$.a"), "$.b"));

describe("the crash drill", () => {
  it("finds the same end after a crash at every entry, each effect handed out once for each attempt", async () => {
    const flow = seq(
      two,
      step("sleep", lit(0), "$.s"),
      step("wait_signal", lit("go"), "$.d"),
      fanout("all", lit([1, 2, 3]), step("effect", path("$.item"), "$.r"), "$.all"),
    );
    const live = lives(flow, (input) => input);
    const crashed = await live([4]);
    expect(crashed.end).toMatchObject({ status: "done", ctx: { a: 1, b: 1, d: "signalled" } });
    expect(Math.max(...crashed.dispatched.values())).toBe(1);
    const noTime = lives(seq(two, step("wait_signal", lit("go"), "$.d")), (input) => input);
    const report = await drill(noTime, { kind: "every" }, 1);
    expect(report.runs).toHaveLength(report.undisturbed.entries - 1);
    expect(report.runs.map(({ verdict }) => verdict)).toEqual(report.runs.map(() => "same"));
  });

  it("reports a worker whose answer depends on the attempt, at the position where that shows", async () => {
    const report = await drill(
      lives(two, (_input, attempt) => attempt),
      { kind: "every" },
      1,
    );
    const broken = report.runs.filter(({ verdict }) => verdict === "broken");
    expect(broken.map(({ entry }) => entry)).toContain("step_started 0");
    expect(broken[0]?.problems[0]).toMatch(/^it ended done with .*"a":2.* and not done with .*"a":1/u);
  });

  it("finds the same end where an agent is served from outside, whose attempts are entered again", async () => {
    const report = await drill(
      lives(fanout("all", lit([1, 2, 3]), step("seat", path("$.item"), "$.r"), "$.all"), (_input, attempt) => attempt),
      { kind: "every" },
      1,
    );
    expect(report.runs.map(({ verdict }) => verdict)).toEqual(report.runs.map(() => "same"));
    expect(report.runs.some(({ repeated }) => repeated > 0)).toBe(true);
  });

  it("draws the same random crashes from the same seed", async () => {
    const plan = { kind: "random", runs: 8 } as const;
    const [first, second] = [
      await drill(
        lives(two, () => 1),
        plan,
        5,
      ),
      await drill(
        lives(two, () => 1),
        plan,
        5,
      ),
    ];
    expect(second).toEqual(first);
    expect(new Set(first.runs.map(({ crashes }) => crashes.join())).size).toBeGreaterThan(2);
  });

  it("says so where the run waits for what never comes", async () => {
    const report = await drill(
      lives(step("wait_signal", lit("other"), "$.a"), () => 1),
      { kind: "every" },
      1,
    );
    expect(report.problems).toEqual([expect.stringContaining("does not end")]);
    expect(report.runs).toEqual([]);
  });
});
