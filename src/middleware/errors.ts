/** MiddlewareError: the one error class of this layer, and the outcomes it stands for. */
import type { StepOutcome } from "../engine/index.ts";

/**
 * Stable codes. The first is thrown; the others are what an attempt fails with.
 * - `next_called_twice`: a layer dispatched one call twice. A defect of the layer: to try again is the engine's business.
 * - `step_meta`: a step's `$step_meta` envelope is malformed or names a context that does not exist.
 * - `hook_refused`: the main agent does not want the step to start.
 * - `policy_refused`: the Blueprint's Lua policy refuses the step.
 * - `policy_failed`: the Lua policy raised an error, went past its limits, or decided something that makes no sense.
 * - `circuit_open`: the agent has failed too often lately; a later attempt may go through.
 * - `bulkhead_full`: as many attempts of the agent are under way and wait as may.
 * - `queue_full`: as many steps wait for the key as may.
 * - `queue_key`: the input has no value at the path that a queue is chosen by.
 * - `budget_exhausted`: the run has spent what it may.
 */
export type MiddlewareErrorCode =
  | "next_called_twice"
  | "step_meta"
  | "hook_refused"
  | "policy_refused"
  | "policy_failed"
  | "circuit_open"
  | "bulkhead_full"
  | "queue_full"
  | "queue_key"
  | "budget_exhausted";

/** Any failure of this layer. */
export class MiddlewareError extends Error {
  override readonly name = "MiddlewareError";
  readonly code: MiddlewareErrorCode;

  constructor(code: MiddlewareErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The outcome of a step that a layer does not let through. `retryable`: a later attempt may be. */
export function refusal(code: MiddlewareErrorCode, message: string, retryable = false): StepOutcome {
  return { kind: "error", error: { code, message, retryable } };
}
