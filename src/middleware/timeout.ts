/**
 * The timeout layer: gives up what is inside it after a time.
 *
 * The signal handed inside aborts at the deadline, whoever looks at it; a worker that ignores its signal is the engine's
 * business.
 */
import type { LayerOptions } from "../blueprint/index.ts";
import type { Clock, SpawnerLayer, StepAbort } from "../engine/index.ts";

/** The layer. A deadline that is nearer already stays. */
export function timeout(
  { timeout_ms: timeoutMs }: NonNullable<LayerOptions["timeout"]>,
  { clock }: { readonly clock: Pick<Clock, "now" | "timer"> },
): SpawnerLayer {
  return function timeoutLayer(next) {
    return async (call) => {
      const deadline = clock.now() + timeoutMs;
      if (call.deadline !== undefined && call.deadline <= deadline) return next(call);
      const overdue = new AbortController();
      const message = `agent '${call.agent}' did not finish step ${call.key} within ${timeoutMs} ms (the layer 'timeout')`;
      const timer = clock.timer(deadline, () => overdue.abort({ kind: "timeout", message } satisfies StepAbort));
      try {
        const outcome = await next({ ...call, deadline, signal: AbortSignal.any([call.signal, overdue.signal]) });
        if (outcome.kind !== "cancelled" || !overdue.signal.aborted || call.signal.aborted) return outcome;
        return { kind: "timeout", error: { code: "step_timeout", message, retryable: true } };
      } finally {
        timer.cancel();
      }
    };
  };
}
