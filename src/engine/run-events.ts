/**
 * What an observer of a live run sees: steps as they start and end, and what workers say meanwhile.
 *
 * These events are for watching. They are lossless while one watches and not durable; the journal is the record.
 */
import type { StepKey } from "../flow/index.ts";
import type { Degradation, OutcomeKind, RunResult, WorkerStats } from "../kernel/index.ts";
import type { StepEvent } from "./dispatch.ts";

/** One event of a live run. Times in milliseconds since 1970. */
export type RunEvent =
  | { readonly type: "run_started"; readonly at: number }
  | {
      readonly type: "step_started";
      readonly at: number;
      readonly key: StepKey;
      readonly attempt: number;
      readonly agent: string;
    }
  | {
      readonly type: "step_event";
      readonly at: number;
      readonly key: StepKey;
      readonly attempt: number;
      readonly event: StepEvent;
    }
  | {
      readonly type: "step_completed";
      readonly at: number;
      readonly key: StepKey;
      readonly attempt: number;
      readonly agent: string;
      readonly outcome: OutcomeKind;
      /** Not negative, also where the clock was put back meanwhile. */
      readonly durationMs: number;
      readonly message?: string;
      /** When the next attempt starts, where the failed one is retried. */
      readonly retryAt?: number;
      readonly stats?: WorkerStats;
      readonly degradations?: readonly Degradation[];
    }
  | { readonly type: "fanout_joined"; readonly at: number; readonly key: StepKey; readonly winner?: number }
  | { readonly type: "cancel_requested"; readonly at: number; readonly reason: string }
  /** It only waits and has left memory; `wakeAt` is when it comes back by itself, absent where a signal must call it. */
  | { readonly type: "run_parked"; readonly at: number; readonly wakeAt?: number }
  | { readonly type: "run_finished"; readonly at: number; readonly result: RunResult };

/** Called for every event, in order. What it throws is a defect of the observer and ends the process. */
export type RunObserver = (event: RunEvent) => void;

/** The same for the events of all runs. */
export type HostObserver = (runId: string, event: RunEvent) => void;
