/**
 * The clock of this machine. It may be set: by hand, by a time service, or by a night's sleep of the machine.
 *
 * L1  No timer fires before its time by the clock, also where the clock was put back or a timeout ends a little early.
 * L2  Where the clock was put forward, what is due by then fires within `LOOK_MS`.
 */
import type { Clock } from "./engine/index.ts";

/** Milliseconds after which a timer looks at the clock again. */
const LOOK_MS = 30_000;

/** Time and chance as the machine has them. */
export const systemClock: Clock = {
  now: () => Date.now(),
  timer(at, fire) {
    let handle: NodeJS.Timeout;
    const wait = (): void => {
      handle = setTimeout(look, Math.min(Math.max(at - Date.now(), 0), LOOK_MS));
    };
    const look = (): void => {
      if (Date.now() < at) wait();
      else fire();
    };
    wait();
    return { cancel: () => clearTimeout(handle) };
  },
  random: () => Math.random(),
};
