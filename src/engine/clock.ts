/** Time and chance as the engine sees them. The one real implementation is host.ts's; tests drive their own. */

/** A timer that can be taken back. */
export interface Timer {
  cancel(): void;
}

/** Time in milliseconds since 1970, timers, and randomness. */
export interface Clock {
  now(): number;
  /** Calls `fire` once, at or after `at`. */
  timer(at: number, fire: () => void): Timer;
  /** In [0, 1). */
  random(): number;
}
