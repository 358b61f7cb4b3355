/** The clock of this machine. */
import type { Clock } from "./engine/index.ts";

/** setTimeout counts in 32 bits. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Time and chance as the machine has them. */
export const systemClock: Clock = {
  now: () => Date.now(),
  timer(at, fire) {
    // A longer wait is taken in parts.
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const rest = at - Date.now();
      handle = rest > LONGEST_TIMEOUT_MS ? setTimeout(arm, LONGEST_TIMEOUT_MS) : setTimeout(fire, Math.max(rest, 0));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
  random: () => Math.random(),
};
