/** The flows whose journals are kept, and how each was driven when it was recorded. */
import type { Json } from "../../src/flow/index.ts";
import type { AgentBinding, ValuelessBody } from "../../src/kernel/index.ts";
import {
  bindingOf,
  call,
  definitionOf,
  fanout,
  hash,
  lit,
  path,
  ScriptedRun,
  seq,
  step,
} from "../kernel/scripted-run.ts";

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
  operator: bindingOf({ pure: false, attach: true }),
};

/** As BINDINGS, when the effect's agent was another. */
const FORMER = { ...BINDINGS, effect: bindingOf({ pure: false, retry, digest: hash("former") }) };

/** The impure externs of all of them, as they were when the journals were recorded. */
export const EXTERNS: Readonly<Record<string, () => Json>> = { dice: () => 4 };

/** The definition of a flow here. */
export const recordedDefinition = (flow: Json, over: { bindings?: typeof BINDINGS; impure?: typeof EXTERNS } = {}) =>
  definitionOf(flow, { bindings: BINDINGS, impure: EXTERNS, ...over });

const twoEffects = seq(step("effect", lit(1), "$.a"), step("effect", path("$.a"), "$.b"));

/** A run of `twoEffects` whose first step is done, as the agent was then. */
const formerRun = (): ScriptedRun => {
  const run = ScriptedRun.start(recordedDefinition(twoEffects, { bindings: FORMER }));
  run.end("0");
  return run;
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
  {
    name: "operator-over-a-restart",
    flow: step("operator", lit("please"), "$.said"),
    course: (run) => {
      const { key } = run.wanted.get("root" as never) ?? { key: "root" as never };
      run.take(run.kernel.seatChanged({ seat: "main", generation: 1, holder: "S-1", reason: "acquired" }));
      run.take(run.kernel.memo(key, 1, "operator", { name: "request", attach: true }, { id: "Q-1" }) ?? []);
      run.take(run.kernel.extend(key, 1, "operator", 60_000) ?? []);
      run.take(run.kernel.seatChanged({ seat: "main", generation: 2, reason: "released" }));
      const again = ScriptedRun.recover(run.definition, run.journal);
      again.take(again.kernel.seatChanged({ seat: "main", generation: 3, holder: "S-2", reason: "acquired" }));
      again.end("root", {
        kind: "pass",
        value: "done",
        degradations: [{ tool: "web", error: "off", fallback: "guess" }],
      });
      return again;
    },
  },
  {
    name: "impure-extern",
    flow: seq({ kind: "assign", at: path("$.thrown"), value: call("dice") }, step("effect", path("$.thrown"), "$.a")),
    course: (run) => {
      run.end("1");
      return run;
    },
  },
  {
    name: "paused",
    flow: seq(step("effect", lit(1), "$.a"), step("effect", lit(2), "$.b")),
    course: (run) => {
      append(run, { type: "run_suspended", code: "paused", reason: "lunch" });
      run.end("0");
      append(run, { type: "run_resumed", reason: "back" });
      run.end("1");
      return run;
    },
  },
  {
    name: "kept-over-a-divergence",
    flow: twoEffects,
    course: ({ definition }) => {
      const run = ScriptedRun.resume(definition, formerRun().journal, "reuse");
      run.end("1", { kind: "pass", value: "new" });
      return run;
    },
  },
  {
    name: "rerun-after-a-divergence",
    flow: twoEffects,
    course: ({ definition }) => {
      const run = ScriptedRun.resume(definition, formerRun().journal, "rerun");
      run.end("0", { kind: "pass", value: "anew" });
      run.end("1");
      return run;
    },
  },
  {
    name: "fork",
    flow: twoEffects,
    course: ({ definition }) => {
      const source = ScriptedRun.start(definition);
      source.end("0", { kind: "pass", value: "taken over" });
      const run = ScriptedRun.start(
        definition,
        {},
        {
          forkedFrom: { run: "R-1", key: "1", entries: source.journal.length },
          records: source.completions("R-1"),
        },
      );
      run.end("1");
      return run;
    },
  },
  {
    name: "signal-nobody-waited-for",
    flow: seq(step("effect", lit(1), "$.a"), step("wait_signal", lit("go"), "$.b")),
    course: (run) => {
      run.take(run.kernel.signal({ name: "go", id: "1", value: "early" }, run.now));
      run.take(run.kernel.signal({ name: "other", id: "2", value: "kept" }, run.now));
      run.end("0");
      return run;
    },
  },
];

function append(run: ScriptedRun, body: ValuelessBody): void {
  run.take([{ kind: "append", body }]);
}
