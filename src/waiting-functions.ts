/** The functions that every host has and no worker runs: the kernel waits for a timer or a signal instead. */
import type { WaitingAgent } from "./kernel/index.ts";

/** Their `fn_id`s. */
export const WAITING_FUNCTIONS: readonly WaitingAgent[] = ["sleep", "sleep_until", "wait_signal"];

/** Whether a `fn_id` is one of WAITING_FUNCTIONS. */
export function isWaitingFunction(fnId: string): fnId is WaitingAgent {
  return WAITING_FUNCTIONS.some((known) => known === fnId);
}
