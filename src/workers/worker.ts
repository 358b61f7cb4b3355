/**
 * The contract between the spawner and the worker kinds: what a worker is handed, and what it answers.
 *
 * Owns: the shapes, and how failures and aborts become outcomes.
 * Does not own: what becomes of an answer (spawner.ts).
 *
 * K1  A worker resolves once. It rejects with a WorkerError for an expected failure, with anything else for a defect.
 * K2  When `call.signal` is aborted a worker stops what it started and then resolves or rejects; what it says then no
 *     longer counts: the outcome is the signal's.
 */
import type { StepAbort, StepCall, StepOutcome, WorkerReport } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import type { AgentContextView } from "./context.ts";
import type { WorkerError } from "./errors.ts";

/** One attempt as a worker sees it. */
export interface WorkerJob {
  /** Its `signal` is the one to obey: the deadline is already in it. */
  readonly call: StepCall;
  /** What the agent's context policy lets it see. */
  readonly view: AgentContextView;
}

/** A named output beside the answer, in the order of staging. */
export interface StagedPart {
  readonly name: string;
  readonly content: Json;
}

/** What a worker came to. */
export interface WorkerAnswer extends WorkerReport {
  readonly value: Json;
  /** `skip` leaves the step's `out` unwritten. */
  readonly verdict: "pass" | "blocked" | "skip";
  /** Absent: none. */
  readonly parts?: readonly StagedPart[];
  /** True: the agent's verdict contract does not apply, because this is not the agent's own answer. */
  readonly unjudged?: boolean;
}

/** Does one attempt (K1, K2). */
export type Worker = (job: WorkerJob) => Promise<WorkerAnswer>;

/** The outcome of an attempt that was aborted, from the signal's reason. */
export function stopOutcome(signal: AbortSignal): StepOutcome {
  const reason: unknown = signal.reason;
  if (isStepAbort(reason) && reason.kind === "timeout") {
    return { kind: "timeout", error: { code: "step_timeout", message: reason.message, retryable: true } };
  }
  return { kind: "cancelled" };
}

/** The outcome of an attempt that failed with `error`. */
export function failureOutcome(error: WorkerError, more: WorkerReport & { value?: Json } = {}): StepOutcome {
  const { code, message, retryable, report } = error;
  return { kind: "error", error: { code, message, retryable }, ...report, ...more };
}

function isStepAbort(reason: unknown): reason is StepAbort {
  return typeof reason === "object" && reason !== null && "kind" in reason && "message" in reason;
}
