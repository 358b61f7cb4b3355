/**
 * The dispatch contract: what a step's worker is handed and what it answers.
 *
 * A *spawner* is a Dispatch that ends in a worker; a *spawner stack* is layers composed around one. Layers read and
 * transform the call, and keep no private truth: state lives in ctx, the journal or a named store.
 */
import type { Json, JsonObject, StepKey } from "../flow/index.ts";
import type { WorkerStats } from "../kernel/entry.ts";

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
  /** When the attempt is given up, in milliseconds since 1970; absent where the agent's policy sets no timeout. */
  readonly deadline?: number;
  /** Aborted when the run is cancelled, the lane lost its join, or the deadline passed. Every worker obeys it. */
  readonly signal: AbortSignal;
  /** Publishes an event of this attempt. Never throws, never blocks. */
  readonly emit: (event: StepEvent) => void;
}

/** The `reason` of an aborted `StepCall.signal`. */
export interface StepAbort {
  /** `timeout`: the deadline passed. `cancelled`: the run was cancelled or failed, or the lane lost its join. */
  readonly kind: "timeout" | "cancelled";
  readonly message: string;
}

/** Why an attempt failed. `retryable: false` ends the step whatever its retry policy allows. */
export interface StepFailure {
  /** Stable, from the worker's error table, e.g. `lua_error`, `subprocess_spawn`. */
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** What an attempt ended with. `pass`, `blocked` and `skip` are the worker's verdicts; the rest are failures. */
export type StepOutcome =
  | { readonly kind: "pass" | "blocked" | "skip"; readonly value: Json; readonly stats?: WorkerStats }
  | {
      readonly kind: "error" | "timeout";
      readonly error: StepFailure;
      readonly value?: Json;
      readonly stats?: WorkerStats;
    }
  | { readonly kind: "cancelled"; readonly stats?: WorkerStats };

/** Runs one attempt to its end. Rejects only on a defect: every expected failure is an outcome. */
export type Dispatch = (call: StepCall) => Promise<StepOutcome>;

/** A middleware layer. */
export type SpawnerLayer = (next: Dispatch) => Dispatch;
