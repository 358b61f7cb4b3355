/** What is simulated: flows of every shape, the agents they use, and how much goes wrong. */
import fc from "fast-check";
import type { Json } from "../../src/flow/index.ts";
import type { AgentBinding } from "../../src/kernel/index.ts";
import { bindingOf, fanout, lit, path, seq, step } from "../kernel/scripted-run.ts";

/** One simulation. Equal scenarios are equal simulations. */
export interface Scenario {
  readonly flow: Json;
  /** Of the schedule: what happens in which order. */
  readonly seed: number;
  /** Faults at most: crashes, restarts, takeovers, full disks. */
  readonly faults: number;
  readonly runs: number;
  /** Whether the final ctx is the same whatever the schedule. */
  readonly deterministic: boolean;
}

const retry = { maxAttempts: 4, backoffMs: 10, backoffFactor: 2, maxBackoffMs: 100, jitter: 0.5, nonRetryable: [] };

/**
 * The agents. `broken` always fails; `timed` and `late` have a deadline; the others pass in the end. `seat` and `late` are
 * served from outside, `asked` by a layer that asks somebody outside: they rest.
 */
export const BINDINGS: Readonly<Record<string, AgentBinding>> = {
  pure: bindingOf({ retry }),
  effect: bindingOf({ pure: false, retry }),
  single: bindingOf({ pure: false, retry, concurrency: 1 }),
  timed: bindingOf({ pure: false, retry, timeoutMs: 500 }),
  broken: bindingOf({ pure: false }),
  seat: bindingOf({ pure: false, retry, attach: true }),
  late: bindingOf({ pure: false, retry, attach: true, timeoutMs: 5_000 }),
  asked: bindingOf({ retry }),
  sleep: bindingOf({ pure: false, waits: "sleep" }),
  wait_signal: bindingOf({ pure: false, waits: "wait_signal" }),
};

/** What every run starts from: all that the steps read. */
export const START: Json = { item: 0, a: 1, b: 2, c: null, d: null };

const settled = [
  step("pure", path("$.item"), "$.a"),
  step("effect", path("$.a"), "$.b"),
  step("effect", lit(3), "$.a"),
  step("single", path("$.b"), "$.b"),
  step("seat", path("$.a"), "$.b"),
  step("asked", path("$.b"), "$.a"),
  step("broken", lit(0), "$.never"),
  step("nobody", lit(0), "$.never"),
  step("sleep", lit(50), "$.c"),
  step("sleep", lit(60_000), "$.c"),
  step("wait_signal", lit("go"), "$.d"),
];
const open = [
  step("timed", path("$.a"), "$.a"),
  step("late", path("$.a"), "$.a"),
  step("wait_signal", lit({ name: "go", timeout_ms: 700 }), "$.d"),
];

function flows(steps: readonly Json[], joins: readonly string[]): fc.Arbitrary<Json> {
  return fc.letrec<{ node: Json }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, depthIdentifier: "flow", withCrossShrink: true },
      fc.constantFrom(...steps),
      fc.array(tie("node"), { maxLength: 3 }).map((children) => seq(...children)),
      fc
        .tuple(fc.constantFrom(...joins), tie("node"))
        .map(([join, body]) => fanout(join, lit([1, 2, 3]), body, "$.joined")),
      tie("node").map(
        (body): Json => ({
          kind: "try",
          body,
          catch: { kind: "assign", at: path("$.caught"), value: lit(true) },
          err_at: path("$.err"),
        }),
      ),
      tie("node").map((body): Json => ({ kind: "loop", counter: path("$.n"), cond: lit(true), body, max: 2 })),
    ),
  })).node;
}

const rest = { seed: fc.nat(), faults: fc.nat(6), runs: fc.integer({ min: 1, max: 3 }) };

/** Scenarios whose end does not depend on the schedule. */
export const deterministicScenarios: fc.Arbitrary<Scenario> = fc.record({
  flow: flows(settled, ["all", "all_settled"]),
  ...rest,
  deterministic: fc.constant(true),
});

/** Scenarios where the first of several wins, deadlines pass, and runs are cancelled and paused. */
export const openScenarios: fc.Arbitrary<Scenario> = fc.record({
  flow: flows([...settled, ...open], ["all", "any", "race", "all_settled"]),
  ...rest,
  deterministic: fc.constant(false),
});
