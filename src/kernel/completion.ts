/** The entry that closes an attempt. */
import type { ValuelessBody } from "./journal-chain.ts";
import type { OpenStep } from "./open-step.ts";
import type { AttemptOutcome } from "./outcome.ts";

/** What else there is to say of an end. */
export interface CompletionOrigin {
  /** When the next attempt follows: this outcome is not the step's own then. */
  readonly retryAt?: number;
  /** The completion it was taken over from. */
  readonly reusedFrom?: { readonly run: string; readonly seq: number };
}

/** The `step_completed` of an attempt, without its value. */
export function completionOf(step: OpenStep, outcome: AttemptOutcome, how: CompletionOrigin): ValuelessBody {
  return {
    type: "step_completed",
    key: step.request.key,
    attempt: step.attempt,
    agent: step.request.ref,
    digests: step.digests,
    outcome: outcome.kind,
    accepted: how.retryAt === undefined,
    ...(outcome.error === undefined ? {} : { error: { code: outcome.error.code, message: outcome.error.message } }),
    ...(how.retryAt === undefined ? {} : { retry_at: how.retryAt }),
    started_at: outcome.startedAt,
    ...(outcome.stats === undefined ? {} : { stats: outcome.stats }),
    ...(outcome.degradations === undefined ? {} : { degradations: outcome.degradations }),
    ...(how.reusedFrom === undefined ? {} : { reused_from: how.reusedFrom }),
  };
}
