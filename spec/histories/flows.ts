/** The flows whose journals are kept, and how each was driven when it was recorded. */
import type { Json } from "../../src/flow/index.ts";
import type { AgentBinding } from "../../src/kernel/index.ts";
import { bindingOf, fanout, lit, path, ScriptedRun, seq, step } from "../kernel/scripted-run.ts";

/** A flow and its course. */
export interface RecordedFlow {
  readonly name: string;
  readonly flow: Json;
  /** Drives a fresh run to its end; gives it back, or the run that a recovery made of it. */
  readonly course: (run: ScriptedRun) => ScriptedRun;
}

const retry = { maxAttempts: 3, backoffMs: 10, backoffFactor: 2, maxBackoffMs: 100, jitter: 0, nonRetryable: [] };

/** The agents of all of them. Changing one makes every kept journal another run's: add, do not change. */
export const BINDINGS: Readonly<Record<string, AgentBinding>> = {
  pure: bindingOf({ retry }),
  effect: bindingOf({ pure: false, retry }),
  sleep: bindingOf({ pure: false, waits: "sleep" }),
  wait_signal: bindingOf({ pure: false, waits: "wait_signal" }),
};

const boom = { kind: "error", error: { code: "boom", message: "boom", retryable: true } } as const;

/** What is recorded. */
export const RECORDED: readonly RecordedFlow[] = [
  {
    name: "sequence",
    flow: seq(step("pure", lit(1), "$.a"), step("effect", path("$.a"), "$.b")),
    course: (run) => {
      run.end("0");
      run.end("1", { kind: "pass", value: "two" });
      return run;
    },
  },
  {
    name: "retries-and-recovery",
    flow: seq(step("effect", lit(1), "$.a"), step("effect", path("$.a"), "$.b")),
    course: (run) => {
      run.end("0", boom);
      run.wake("0");
      run.end("0");
      run.take(run.kernel.started("1", 1, "test"));
      const again = ScriptedRun.recover(run.definition, run.journal);
      again.end("1", { kind: "pass", value: "after the crash" });
      return again;
    },
  },
  {
    name: "race",
    flow: fanout("race", lit([1, 2, 3]), step("effect", path("$.item"), "$.r"), "$.won"),
    course: (run) => {
      run.end("@1");
      return run;
    },
  },
  {
    name: "all-settled-with-a-failure",
    flow: fanout("all_settled", lit(["x", "y"]), step("effect", path("$.item"), "$.r"), "$.all"),
    course: (run) => {
      run.end("@1", { kind: "blocked", value: "no" });
      run.end("@0");
      return run;
    },
  },
  {
    name: "timer-and-signal",
    flow: seq(step("sleep", lit(5_000), "$.s"), step("wait_signal", lit("go"), "$.d")),
    course: (run) => {
      run.wake("0");
      run.take(run.kernel.signal({ name: "go", id: "1", value: { by: "hand" } }, run.now));
      return run;
    },
  },
  {
    name: "caught-in-a-loop",
    flow: {
      kind: "loop",
      counter: path("$.n"),
      cond: lit(true),
      max: 2,
      body: {
        kind: "try",
        body: step("effect", lit(1), "$.a"),
        catch: { kind: "assign", at: path("$.caught"), value: lit(true) },
        err_at: path("$.err"),
      },
    },
    course: (run) => {
      const [first] = run.wanted.keys();
      run.end(first ?? "", { kind: "error", error: { code: "boom", message: "boom", retryable: false } });
      const [second] = run.wanted.keys();
      run.end(second ?? "");
      return run;
    },
  },
  {
    name: "cancelled",
    flow: seq(step("effect", lit(1), "$.a"), step("effect", lit(2), "$.b")),
    course: (run) => {
      run.end("0");
      run.take(run.kernel.cancel({ reason: "enough", by: "test" }));
      run.take(run.kernel.finishCancelled(run.now));
      return run;
    },
  },
];
