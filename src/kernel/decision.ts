/** What a kernel is asked with and what it answers: plain data between it and its driver. */
import type { Json, JsonObject, StepKey, StepRequest } from "../flow/index.ts";
import type { AttemptMemory } from "./attempt-memory.ts";
import type { AgentBinding } from "./definition.ts";
import type { BehaviourFlag, ForkOrigin, HashText, ParentAttempt } from "./entry.ts";
import type { ValuelessBody } from "./journal-chain.ts";
import type { OpenStep, RecordedCompletion } from "./open-step.ts";
import type { RunResult } from "./run-result.ts";
import type { Seat } from "./seats.ts";
import type { SavedSignals } from "./signal-box.ts";

/** Something the driver must do. */
export type Decision =
  | { readonly kind: "append"; readonly body: ValuelessBody; readonly value?: Json }
  | {
      readonly kind: "attempt";
      readonly key: StepKey;
      readonly attempt: number;
      readonly request: StepRequest;
      readonly binding: AgentBinding;
      /** It may start only when all appends before it are durable (kernel K4). */
      readonly barrier: boolean;
      /** What the journal has of it. */
      readonly memory: AttemptMemory;
      /** It began in an earlier life of the run and is entered again as it was: no start is journaled. */
      readonly attached: boolean;
    }
  /** Call `wake` with these at `at`, or soon after. A later `wake_at` of the same key replaces it. */
  | { readonly kind: "wake_at"; readonly key: StepKey; readonly attempt: number; readonly at: number }
  | { readonly kind: "abort"; readonly key: StepKey; readonly attempt: number; readonly reason: AbortReason }
  | { readonly kind: "finished"; readonly result: RunResult };

/** A decision to make the journal longer. */
export type AppendDecision = Extract<Decision, { readonly kind: "append" }>;

/** Why an attempt is told to stop before its end. */
export type AbortReason = "cancelled" | "lost_join" | "run_failed";

/** How the kernel is set up. */
export interface KernelOptions {
  readonly hash: HashText;
  /** Completions that may be taken over instead of executing a step, by key. */
  readonly records?: ReadonlyMap<StepKey, RecordedCompletion>;
  /** Values of impure externs recorded by earlier lives of this run, by `siteId`. */
  readonly externValues?: ReadonlyMap<string, Json>;
  /** Values of impure externs that another run recorded, by `siteId`: taken over and journaled where they are asked for. */
  readonly offeredExterns?: ReadonlyMap<string, Json>;
  /** Attempts of a key that earlier courses of this run have used: the next gets the number after. */
  readonly used?: ReadonlyMap<StepKey, number>;
  /** Entries before this seq stand as recorded, whatever the digests of their steps are by now. Default 0: none. */
  readonly keepBefore?: number;
  /** What the run was started with. Default: nothing. */
  readonly behaviour?: ReadonlySet<BehaviourFlag>;
}

/** What of a run outlives the course its flow took. */
export interface KeptState {
  readonly signals: SavedSignals;
  /** Absent: none has changed. */
  readonly seats?: readonly Seat[];
}

/** What the entry of a rerun carries: the run's own id, as the origin of what is taken over, and what was left. */
export interface RerunState extends KeptState {
  readonly run: string;
}

/** Where a replay begins. */
export interface RestartOptions extends KernelOptions {
  readonly now: number;
  /** What an earlier course left. */
  readonly kept?: KeptState;
}

/** Where a saved kernel stands. */
export interface RestoreOptions extends KernelOptions {
  /** The seq it was saved at, for messages. */
  readonly at: number;
}

/** What a new run is recorded with. */
export interface StartOptions {
  readonly now: number;
  /** The host's version, for the record. */
  readonly engine: string;
  /** What the launch supplies to workers beside the ctx. */
  readonly context: JsonObject;
  readonly forkedFrom?: ForkOrigin;
  readonly parent?: ParentAttempt;
}

/** A kernel as JSON. */
export interface SavedKernel extends KeptState {
  /** Absent: nothing. */
  readonly behaviour?: readonly BehaviourFlag[];
  readonly machine: Json;
  readonly open: readonly ({ readonly key: StepKey } & Omit<OpenStep, "request" | "binding">)[];
  readonly cancel?: { readonly reason: string };
}

/** The appends among decisions, in their order. */
export function appendsOf(decisions: readonly Decision[]): AppendDecision[] {
  return decisions.filter((decision) => decision.kind === "append");
}
