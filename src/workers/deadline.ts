/**
 * `call.deadline` as a signal, so that workers have one thing to obey.
 *
 * The engine aborts at its own deadline too; this one also holds where a layer has moved the deadline closer. Where the
 * worker extends it, both move.
 */
import type { Clock, StepAbort, StepCall, Timer } from "../engine/index.ts";

/** The call with a signal that also aborts at its deadline. `clear` takes back the timer and must be called. */
export function withDeadline(
  call: StepCall,
  deadline: number,
  clock: Pick<Clock, "timer">,
): { readonly call: StepCall; readonly clear: () => void } {
  const overdue = new AbortController();
  const giveUpAt = (at: number): Timer =>
    clock.timer(at, () => {
      const message = `agent '${call.agent}' did not finish step ${call.key} before its deadline (policy.timeout_ms)`;
      overdue.abort({ kind: "timeout", message } satisfies StepAbort);
    });
  let timer: Timer | undefined = giveUpAt(deadline);
  const extend = async (moved: number): Promise<void> => {
    const durable = call.extend(moved);
    timer?.cancel();
    timer &&= giveUpAt(moved);
    await durable;
  };
  const clear = (): void => {
    timer?.cancel();
    timer = undefined;
  };
  return { call: { ...call, extend, signal: AbortSignal.any([call.signal, overdue.signal]) }, clear };
}
