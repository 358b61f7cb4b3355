/**
 * `call.deadline` as a signal, so that workers have one thing to obey.
 *
 * The engine aborts at its own deadline too; this one also holds where a layer has moved the deadline closer.
 */
import type { Clock, StepAbort, StepCall } from "../engine/index.ts";

/** A signal that also aborts at the call's deadline. `clear` takes back the timer and must be called. */
export function deadlineSignal(
  call: StepCall,
  deadline: number,
  clock: Pick<Clock, "timer">,
): { readonly signal: AbortSignal; readonly clear: () => void } {
  const overdue = new AbortController();
  const timer = clock.timer(deadline, () => {
    const message = `agent '${call.agent}' did not finish step ${call.key} before its deadline (policy.timeout_ms)`;
    overdue.abort({ kind: "timeout", message } satisfies StepAbort);
  });
  return { signal: AbortSignal.any([call.signal, overdue.signal]), clear: () => timer.cancel() };
}
