/** A step the flow wants and has no outcome for yet, and the rules about its attempts. */
import type { Json, StepRequest } from "../flow/index.ts";
import type { AttemptMemory } from "./attempt-memory.ts";
import type { AgentBinding } from "./definition.ts";
import type { StepDigests } from "./entry.ts";
import type { AttemptOutcome } from "./outcome.ts";

/** A completion recorded by another run, offered for reuse (see fork in spec/design.md). */
export interface RecordedCompletion {
  readonly digests: StepDigests;
  readonly outcome: AttemptOutcome["kind"];
  readonly value?: Json;
  readonly error?: { readonly code: string; readonly message: string };
  readonly run: string;
  readonly seq: number;
}

/** What an open step is doing. `waiting`: for a timer or a signal, with no worker. */
export type StepPhase = "running" | "backoff" | "waiting";

/** An open step: wanted by the flow, not yet completed. */
export interface OpenStep {
  readonly request: StepRequest;
  readonly binding: AgentBinding;
  readonly digests: StepDigests;
  attempt: number;
  /** Attempts that failed; those a crash interrupted do not count against the retry policy. */
  failures: number;
  /** Whether the journal knows of this attempt before it completes. */
  journaled: boolean;
  /** Whether a worker may have got this attempt. */
  started: boolean;
  phase: StepPhase;
  /** What the journal keeps of the attempt under way. */
  memory: AttemptMemory;
  /** When the backoff or the timer is over. */
  wakeAt?: number;
}

/** Binding of a step whose agent the Blueprint does not declare: it completes with the error `no_agent` at once. */
export const NO_AGENT: AgentBinding = Object.freeze({
  digest: "",
  pure: true,
  retry: { maxAttempts: 1, backoffMs: 0, backoffFactor: 1, maxBackoffMs: 0, jitter: 0, nonRetryable: [] },
});

/** Whether a failed attempt is followed by another. */
export function retries(step: OpenStep, outcome: AttemptOutcome): boolean {
  if (outcome.kind !== "error" && outcome.kind !== "timeout") return false;
  const { retry } = step.binding;
  if (outcome.error?.retryable === false || retry.nonRetryable.includes(outcome.error?.code ?? outcome.kind))
    return false;
  return step.failures + 1 < retry.maxAttempts;
}

/** Whether a record is of the same work: same node, same binding, same input. */
export function reusable(record: RecordedCompletion | undefined, digests: StepDigests): record is RecordedCompletion {
  if (record === undefined) return false;
  const { node, binding, input } = record.digests;
  return node === digests.node && binding === digests.binding && input === digests.input;
}
