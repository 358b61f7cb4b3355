import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KEEP_FAILED, KEEP_FINISHED, type StepGroup, StepTree, tallyTotal } from "../../src/cli/run/step-tree.ts";
import { treeLines } from "../../src/cli/run/step-tree-lines.ts";
import { makeStyle } from "../../src/cli/style.ts";
import type { JsonObject } from "../../src/flow/index.ts";
import type { RunEvent } from "../../src/host.ts";
import { completed, joined, progress, runFinished, runStarted, started } from "./run-events.ts";

const style = makeStyle(false);

function tree(...events: readonly RunEvent[]): StepTree {
  const made = new StepTree();
  for (const event of events) made.apply(event);
  return made;
}

function lines(made: StepTree, maxLines = 40, now = 1000): readonly string[] {
  return treeLines(made, { style, title: "demo", now, frame: 0, maxLines });
}

describe("the step tree", () => {
  it("shows steps in order, running ones counting up", () => {
    const made = tree(
      runStarted(),
      started("0", "fetch", 0),
      completed("0", "fetch", 120, 120),
      started("1", "parse", 120),
    );
    expect(lines(made)).toEqual(["⠋ demo  1 running, 1 done  1.00s", "  ✓ fetch  120ms", "  ⠋ parse  880ms"]);
  });

  it("nests loops, turns, fanouts and lanes by step key", () => {
    const made = tree(
      runStarted(),
      started("2.~0.0.@0", "a", 0),
      started("2.~0.0.@1", "a", 0),
      completed("2.~0.0.@0", "a", 5, 5),
      completed("2.~0.0.@1", "a", 5, 5),
      joined("2.~0.0", 5),
      started("2.~0.1", "judge", 5),
      completed("2.~0.1", "judge", 9, 4),
      started("2.~1.0.@0", "a", 9),
    );
    expect(lines(made)).toEqual([
      "⠋ demo  1 running, 3 done  1.00s",
      "  ⠋ loop  1 running, 3 done",
      "    ✓ turn 1  3 done",
      "      ✓ fanout  2 done",
      "        ✓ lane 1 a  5ms",
      "        ✓ lane 2 a  5ms",
      "      ✓ judge  4ms",
      "    ⠋ turn 2  1 running",
      "      ⠋ fanout  1 running",
      "        ⠋ lane 1 a  991ms",
    ]);
  });

  it("nests the lanes of a fanout that is the whole flow", () => {
    const made = tree(runStarted(), started("@0", "a", 0), started("@1", "b", 0), joined("root", 7, 1), runFinished(7));
    expect(lines(made)).toEqual([
      "demo  2 cancelled  7ms",
      "  ✓ fanout  2 cancelled",
      "    ■ lane 1 a  cancelled  7ms",
      "    ■ lane 2 won b  cancelled  7ms",
    ]);
  });

  it("shows attempts, failures and what workers say", () => {
    const made = tree(
      runStarted(),
      started("0", "net", 0),
      completed("0", "net", 10, 10, { outcome: "error", message: "reset\nby peer", retryAt: 500 }),
    );
    expect(lines(made, 40, 100)).toEqual(["⠋ demo  1 retrying  100ms", "  ↻ net  retrying  10ms  reset by peer"]);
    made.apply(started("0", "net", 500, 2));
    made.apply(progress("0", 600, "upload", "3 of 9"));
    expect(lines(made).at(-1)).toBe("  ⠋ net  attempt 2  500ms  upload: 3 of 9");
    made.apply(completed("0", "net", 700, 200, { attempt: 2, outcome: "timeout", message: "too slow" }));
    expect(lines(made).at(-1)).toBe("  ✗ net  attempt 2  timeout  200ms  too slow");
    expect(made.total).toBe(1);
  });

  it("tells how a program ended that left no message", () => {
    const end = completed("0", "p", 9, 9, { outcome: "blocked" });
    const stats = (data: JsonObject): object => ({ ...end, stats: { adapter_data: data } });
    const shown = (data: JsonObject): string | undefined => lines(tree(runStarted(), stats(data) as RunEvent)).at(-1);
    expect(shown({ exit_code: 3 })).toBe("  ✗ p  blocked  9ms  exit code 3");
    expect(shown({ exit_code: null, signal: "SIGKILL" })).toBe("  ✗ p  blocked  9ms  killed by SIGKILL");
    expect(shown({})).toBe("  ✗ p  blocked  9ms");
  });

  it("counts a step that never started", () => {
    const made = tree(runStarted(), completed("0", "ghost", 1, 0, { outcome: "error", message: "no agent" }));
    expect(made.root.tally).toMatchObject({ failed: 1, running: 0 });
  });

  it("takes control characters of workers as blanks", () => {
    const made = tree(runStarted(), started("0", "a\u001b[2Jb\u0007", 0), progress("0", 1, "x\r\ny"));
    expect(lines(made).at(-1)).toBe("  ⠋ ab  1.00s  x y");
  });

  it("closes what still runs when the run ends", () => {
    const made = tree(runStarted(), started("0.@0", "a", 0), started("0.@1", "a", 0), runFinished(30));
    expect(made.root.tally).toMatchObject({ running: 0, cancelled: 2 });
  });

  it("folds the lanes of a wide fanout, running and failed ones first", () => {
    const made = tree(runStarted());
    for (let lane = 0; lane < 100; lane += 1) made.apply(started(`0.@${lane}`, "a", 0));
    for (let lane = 0; lane < 95; lane += 1) {
      made.apply(completed(`0.@${lane}`, "a", 5, 5, lane === 40 ? { outcome: "error", message: "bad" } : {}));
    }
    expect(lines(made)).toEqual([
      "⠋ demo  5 running, 94 done, 1 failed  1.00s",
      "  ⠋ fanout  5 running, 94 done, 1 failed",
      "    … 92 more steps:  92 done",
      "    ✗ lane 41 a  5ms  bad",
      "    ✓ lane 94 a  5ms",
      "    ✓ lane 95 a  5ms",
      "    ⠋ lane 96 a  1.00s",
      "    ⠋ lane 97 a  1.00s",
      "    ⠋ lane 98 a  1.00s",
      "    ⠋ lane 99 a  1.00s",
      "    ⠋ lane 100 a  1.00s",
    ]);
  });

  it("folds early steps where the screen is short", () => {
    const made = tree(runStarted());
    for (let step = 0; step < 10; step += 1) {
      made.apply(started(`${step}`, `s${step}`, 0));
      if (step < 9) made.apply(completed(`${step}`, `s${step}`, 1, 1));
    }
    expect(lines(made, 5)).toEqual([
      "⠋ demo  1 running, 9 done  1.00s",
      "  … 7 more steps:  7 done",
      "  ✓ s7  1ms",
      "  ✓ s8  1ms",
      "  ⠋ s9  1.00s",
    ]);
  });

  it("takes a joined fanout as good, whatever single lanes came to", () => {
    const made = tree(runStarted());
    made.apply(started("0.@0", "a", 0));
    made.apply(started("0.@1", "a", 0));
    made.apply(completed("0.@0", "a", 1, 1, { outcome: "error", message: "no" }));
    expect(lines(made)[1]).toBe("  ⠋ fanout  1 running, 1 failed");
    made.apply(completed("0.@1", "a", 2, 2));
    expect(lines(made)[1]).toBe("  ✗ fanout  1 done, 1 failed");
    made.apply(joined("0", 2, 1));
    expect(lines(made).slice(1)).toEqual([
      "  ✓ fanout  1 done, 1 failed",
      "    ✗ lane 1 a  1ms  no",
      "    ✓ lane 2 won a  2ms",
    ]);
  });

  it("keeps memory within bounds and its counts exact", () => {
    const made = tree(runStarted());
    const steps = 5 * KEEP_FINISHED;
    for (let turn = 0; turn < steps; turn += 1) {
      const key = `0.~${turn}.0`;
      made.apply(started(key, "a", turn));
      made.apply(completed(key, "a", turn, 0, turn % 3 === 0 ? { outcome: "error", message: "no" } : {}));
    }
    const loop = [...made.root.children.values()][0] as StepGroup;
    expect(loop.children.size).toBeLessThanOrEqual(KEEP_FINISHED + KEEP_FAILED);
    expect(loop.tally.passed + loop.tally.failed).toBe(steps);
    expect(lines(made, 20).length).toBeLessThanOrEqual(20);
  });

  it("never shows more lines than there is room for, and counts every step", () => {
    const key = fc
      .array(fc.tuple(fc.constantFrom("", "~", "@"), fc.nat(12)), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.map(([sign, number]) => `${sign}${number}`).join("."));
    const outcome = fc.constantFrom("pass", "error", "skip", "cancelled", "open") as fc.Arbitrary<string>;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, outcome), { maxLength: 120 }),
        fc.integer({ min: 2, max: 40 }),
        (steps, room) => {
          const made = tree(runStarted());
          for (const [stepKey, ended] of steps) {
            made.apply(started(stepKey, "a", 0));
            if (ended !== "open") made.apply(completed(stepKey, "a", 1, 1, { outcome: ended as "pass" }));
          }
          expect(lines(made, room).length).toBeLessThanOrEqual(room);
          expect(tallyTotal(made.root.tally)).toBe(new Set(steps.map(([stepKey]) => stepKey)).size);
        },
      ),
    );
  });
});
