/**
 * The flow machine: a run of a program as data. It says which steps it wants, is handed one outcome at a time, and can be
 * saved and restored whenever it waits, which is whenever nobody is calling it.
 *
 * M1  Same program, same ctx, same extern values, same outcomes in the same order: same events, same ctx, same end.
 *     Nothing else decides anything: no clock, no randomness, no order of object keys, no moment at which `take` is called.
 * M2  Everything that follows from an outcome has happened when `handIn` returns.
 * M3  A key is wanted once. A step that was cancelled is never announced afterwards, and its outcome is refused.
 * M4  A value that leaves (inputs, `ctx`, events, saved forms) never changes; a value that enters is never changed.
 * M5  A call that throws has changed nothing.
 */
import type { CtxSnapshot } from "../ctx.ts";
import { FlowError } from "../error.ts";
import { type Externs, noExterns } from "../externs.ts";
import { limitExceeded } from "../failures.ts";
import type { Json } from "../json.ts";
import { inspectJson } from "../json-inspect.ts";
import type { FlowPath } from "../path.ts";
import type { FlowProgram } from "../program.ts";
import type { StepKey } from "../step-key.ts";
import { enter, fail, type Move } from "./move.ts";
import type { Operation } from "./operation.ts";
import { restoreRun } from "./restore.ts";
import { advance, failed } from "./run.ts";
import { type LaneOrder, RunState, type RunStatus } from "./run-state.ts";
import { saveRun } from "./save.ts";
import { answerStep, checkLeaving } from "./step.ts";
import type { FlowEvent, FlowOutcome, StepRequest } from "./step-request.ts";

/** What a machine may be given. */
export interface MachineOptions {
  /** Host functions. Default: none, every `call_extern` fails. */
  readonly externs?: Externs;
}

/** What a new machine may be given. */
export interface StartOptions extends MachineOptions {
  /**
   * Whether lanes run `together` (the default) or `in_turn`: each starts when the one before it has settled, and none
   * after the fanout is decided, which is how flow.ir's synchronous evaluator runs them. Kept with the saved form.
   */
  readonly lanes?: LaneOrder;
}

/** A run of a flow. */
export class FlowMachine {
  readonly #run: RunState;

  private constructor(run: RunState) {
    this.#run = run;
  }

  /** Starts a run and lets it come to its first steps. Throws FlowError `invalid_value` or `limit_exceeded` for the ctx. */
  static start(program: FlowProgram, ctx: Json, options: StartOptions = {}): FlowMachine {
    const snapshot = entering(program, ctx, "the initial ctx");
    const run = new RunState(program, snapshot, options.externs ?? noExterns, options.lanes ?? "together");
    advance(run, enter(program.operations[0] as Operation, undefined, run.root));
    return new FlowMachine(run);
  }

  /** Continues a saved run of the same program. Throws FlowError `invalid_state` where the saved form does not fit. */
  static restore(program: FlowProgram, saved: Json, options: MachineOptions = {}): FlowMachine {
    return new FlowMachine(restoreRun(program, saved, options.externs ?? noExterns));
  }

  /** Whether the run waits for outcomes or has ended, and how. */
  get status(): RunStatus {
    return this.#run.status;
  }

  /** The ctx of the whole flow as it is now: final once `completed`; as far as it came once `failed`. */
  get ctx(): Json {
    return this.#run.root.ctx.snapshot().value;
  }

  /** As `ctx`; null where that is too large to be printed, which no ctx of a completed run is. */
  get printableCtx(): Json {
    const { ctx } = this;
    try {
      checkLeaving(this.#run, ctx, "the ctx");
      return ctx;
    } catch (error) {
      if (!(error instanceof FlowError) || error.kind !== "limit_exceeded") throw error;
      return null;
    }
  }

  /** Why the run failed. */
  get error(): FlowError | undefined {
    return this.#run.error;
  }

  /** What the machine wants its driver to know since the last take, in order. Steps answered in between are left out. */
  take(): readonly FlowEvent[] {
    const { events, leaves } = this.#run;
    this.#run.events = [];
    const taken: FlowEvent[] = [];
    for (const event of events) {
      if (event.kind !== "leaf") {
        taken.push(event);
      } else if (leaves.get(event.request.key) === event) {
        event.announced = true;
        taken.push({ kind: "step", request: event.request });
      }
    }
    return taken;
  }

  /** The steps that are wanted and not answered, in the order they were wanted. */
  *pending(): Generator<StepRequest, void, undefined> {
    for (const leaf of this.#run.leaves.values()) {
      leaf.announced = true;
      yield leaf.request;
    }
  }

  /**
   * Hands in the outcome of an open step and runs until the machine waits again or has ended. Throws FlowError
   * `unknown_step` for a key that is not open, `invalid_value` for a value that is not JSON. A value beyond the limits
   * ends the run.
   */
  handIn(key: StepKey, outcome: FlowOutcome): void {
    const run = this.#run;
    const leaf = run.leaves.get(key);
    if (leaf === undefined) {
      const why =
        run.status === "running"
          ? "it was never wanted, is answered already, or was cancelled"
          : `the run has ${run.status}`;
      throw new FlowError("unknown_step", `no open step has the key '${key}': ${why}`, { key });
    }
    const entered =
      outcome.kind === "value" ? this.#entering(outcome.value, `the outcome of step '${key}'`) : { depth: 0 };
    run.leaves.delete(key);
    leaf.scope.waiting = undefined;
    const { operation, parent, scope } = leaf;
    let move: Move;
    try {
      if ("error" in entered) throw entered.error;
      move = answerStep(leaf, outcome, entered.depth);
    } catch (error) {
      move = failed(error, operation, parent, scope);
    }
    advance(run, move);
  }

  /**
   * Writes a value into the ctx of the whole flow from outside, as if another task shared it: lanes that run do not see
   * it, a `try` that fails takes it back. Throws FlowError `type_error` (op `path.write`), `invalid_value`, or
   * `invalid_state` once the run has ended. A ctx that becomes too deep ends the run.
   */
  write(at: FlowPath, value: Json): void {
    const run = this.#run;
    if (run.status !== "running")
      throw new FlowError("invalid_state", `cannot write '${at.text}': the run has ${run.status}`);
    const entered = this.#entering(value, `the value for '${at.text}'`);
    try {
      if ("error" in entered) throw entered.error;
      run.meter.reset();
      run.root.ctx.write(at, value, entered.depth);
    } catch (error) {
      if (!(error instanceof FlowError) || error.kind !== "limit_exceeded") throw error;
      advance(run, fail(undefined, run.root, error));
    }
  }

  /** The run as JSON. Throws FlowError `limit_exceeded` where a ctx is too large to be printed. */
  save(): Json {
    return saveRun(this.#run);
  }

  /** A value that enters a running machine: reaching a limit is the run's failure, not the caller's. */
  #entering(value: Json, what: string): { readonly depth: number } | { readonly error: FlowError } {
    try {
      return entering(this.#run.program, value, what);
    } catch (error) {
      if (error instanceof FlowError && error.kind === "limit_exceeded") return { error };
      throw error;
    }
  }
}

const entering = (program: FlowProgram, value: Json, what: string): CtxSnapshot => {
  const inspection = inspectJson(value, program.limits);
  if ("depth" in inspection) return { value, depth: inspection.depth };
  const { limit, message, pointer } = inspection.problem;
  if (limit !== undefined) throw limitExceeded(limit, program.limits[limit], `${what} is ${message}`);
  throw new FlowError("invalid_value", `${what} is not JSON${pointer === "" ? "" : ` at ${pointer}`}: ${message}`, {
    details: { pointer },
  });
};
