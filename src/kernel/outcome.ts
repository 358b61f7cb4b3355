/** How an attempt ends, as the driver reports it and as the flow sees it. */
import type { FlowOutcome, Json } from "../flow/index.ts";
import type { Degradation, OutcomeKind, WorkerStats } from "./entry.ts";

/** What an attempt ended with. */
export interface AttemptOutcome {
  readonly kind: OutcomeKind;
  readonly value?: Json;
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean };
  readonly stats?: WorkerStats;
  /** Absent: none. */
  readonly degradations?: readonly Degradation[];
  /** When the worker got it, in milliseconds since 1970. */
  readonly startedAt: number;
}

/** An outcome as the flow sees it: only a pass has a value, a skip writes nothing, all else is an error that `try` catches. */
export function flowOutcome(outcome: Pick<AttemptOutcome, "kind" | "value" | "error">): FlowOutcome {
  switch (outcome.kind) {
    case "pass":
      return { kind: "value", value: outcome.value ?? null };
    case "skip":
      return { kind: "skip" };
    case "blocked":
      return { kind: "error", message: `blocked: ${JSON.stringify(outcome.value ?? null)}` };
    case "error":
    case "timeout":
    case "cancelled":
      return { kind: "error", message: outcome.error?.message ?? outcome.kind };
    default:
      return outcome.kind satisfies never;
  }
}
