/**
 * The dispatch contract: what a step's worker is handed and what it answers.
 *
 * A *spawner* is a Dispatch that ends in a worker; a *spawner stack* is layers composed around one. Layers read and
 * transform the call, and keep no private truth: state lives in ctx, the journal or a named store.
 */
import type { Json, JsonObject, StepKey } from "../flow/index.ts";
import type { Degradation, WorkerStats } from "../kernel/entry.ts";

/** A run's id: `R-` and 16 or more lower-case hex digits. */
export type RunId = string & { readonly __brand?: "RunId" };

/** Something observable that a worker or a layer says while a step runs. Lossy, except that artifacts become parts. */
export type StepEvent =
  | { readonly type: "progress"; readonly stage: string; readonly note?: string }
  | { readonly type: "partial"; readonly chunk: string }
  | { readonly type: "artifact"; readonly name: string; readonly content: Json }
  | { readonly type: "warning"; readonly code: string; readonly message: string };

/** One attempt of one step, as handed to the outermost layer. Layers pass on a changed copy, never mutate it. */
export interface StepCall {
  readonly runId: RunId;
  readonly key: StepKey;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** `ST-` and 16 hex digits, the same for every attempt of a step; what the reference calls the task id. */
  readonly stepId: string;
  /** The flow's `step.ref`: the agent's name. */
  readonly agent: string;
  /** The evaluated `step.in`. */
  readonly input: Json;
  /** Runtime keys that layers supply, strongest tier already merged (project_root, work_dir, ...). */
  readonly context: JsonObject;
  /** `run/key/attempt`: the same for every delivery of this attempt, for workers that can deduplicate. */
  readonly idempotencyKey: string;
  /**
   * When it was scheduled, in milliseconds since 1970. Survives a restart, also where the restart made it a new attempt: what
   * waits in order goes by it.
   */
  readonly scheduledAt: number;
  /** The run's fence when this attempt was first scheduled; the same after a restart. Tokens are bound to it. */
  readonly fence: number;
  /** When the attempt is given up, in milliseconds since 1970; absent where nothing sets a timeout. As of the dispatch. */
  readonly deadline?: number;
  /** Aborted when the run is cancelled, the lane lost its join, the deadline passed or the run is parked. Every worker obeys it. */
  readonly signal: AbortSignal;
  /** Publishes an event of this attempt, and is its sign of life. Never throws, never blocks. */
  readonly emit: (event: StepEvent) => void;
  /** What layers and the worker recorded for this attempt; survives a restart. */
  readonly memo: StepMemo;
  /**
   * Says that the attempt now only waits for something outside. While all live attempts of a run do, the run may leave
   * memory: the signal is then aborted with `parked`, and what the attempt still answers is ignored. `until`: when it wants
   * to be back at the latest, in milliseconds since 1970. The returned function takes it back. An attempt that a restart
   * would repeat (no `attach`, neither of its agent nor of a memo) is not parked.
   */
  readonly rest: (until?: number) => () => void;
  /**
   * Moves the attempt's deadline, in milliseconds since 1970; durable when it resolves. Rejects with EngineError
   * `attempt_over`, `invalid_deadline`, or as the journal does. A layer that extends while `next` runs leaves `deadline` out
   * of what it hands on.
   */
  readonly extend: (deadline: number) => Promise<void>;
}

/** The longest name of a memo, in UTF-16 units. */
export const MAX_MEMO_NAME = 200;
/** The longest JSON text of a memo's value, in UTF-16 units. */
export const MAX_MEMO_TEXT: number = 1024 * 1024;
/** Names an attempt may record memos under. */
export const MAX_MEMOS = 100;

/**
 * What one attempt keeps over a restart: a few small values by name, `<layer>` or `<layer>/<detail>`. Gone with the
 * attempt's end; the next attempt begins with none.
 */
export interface StepMemo {
  /** What was put last under the name. */
  get(name: string): Json | undefined;
  /**
   * Keeps a value; everything journaled before it and itself are durable when it resolves. `attach`: from now on a restart
   * enters this attempt again instead of repeating it. The same value again costs nothing. Rejects with EngineError
   * `invalid_memo` or `attempt_over`, or as the journal does.
   */
  put(name: string, value: Json, options?: { readonly attach?: boolean }): Promise<void>;
}

/** The `reason` of an aborted `StepCall.signal`. */
export interface StepAbort {
  /**
   * `timeout`: the deadline passed, or no sign of life came. `cancelled`: the run was cancelled or failed, or the lane lost
   * its join: what was asked for outside is withdrawn. `parked`: this host lets the attempt go, which is not its end: the run
   * leaves memory, or the host stops; what was asked for outside is left as it is.
   */
  readonly kind: "timeout" | "cancelled" | "parked";
  readonly message: string;
  /** The code a timeout is recorded with. Default `step_timeout`. */
  readonly code?: string;
}

/** Why an attempt failed. `retryable: false` ends the step whatever its retry policy allows. */
export interface StepFailure {
  /** Stable, from the worker's error table, e.g. `lua_error`, `subprocess_spawn`. */
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** What a worker reports beside its answer, whatever the answer is. */
export interface WorkerReport {
  readonly stats?: WorkerStats;
  /** Absent: none. */
  readonly degradations?: readonly Degradation[];
}

/** The report alone, of whatever holds one. */
export function reportOf({ stats, degradations }: WorkerReport): WorkerReport {
  return {
    ...(stats === undefined ? {} : { stats }),
    ...(degradations === undefined || degradations.length === 0 ? {} : { degradations }),
  };
}

/** What an attempt ended with. `pass`, `blocked` and `skip` are the worker's verdicts; the rest are failures. */
export type StepOutcome = WorkerReport &
  (
    | { readonly kind: "pass" | "blocked" | "skip"; readonly value: Json }
    | { readonly kind: "error" | "timeout"; readonly error: StepFailure; readonly value?: Json }
    | { readonly kind: "cancelled" }
  );

/** Runs one attempt to its end. Rejects only on a defect: every expected failure is an outcome. */
export type Dispatch = (call: StepCall) => Promise<StepOutcome>;

/** A middleware layer. */
export type SpawnerLayer = (next: Dispatch) => Dispatch;
