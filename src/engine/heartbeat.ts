/** The heartbeat of one attempt: fires once where no sign of life comes in time. */
import type { Clock, Timer } from "./clock.ts";

/** A watch over an attempt; stopped at first. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #lost: () => void;
  #timer: Timer | undefined;
  #due = 0;
  #runs = false;

  /** @param everyMs the longest silence, in milliseconds. */
  constructor(clock: Clock, everyMs: number, lost: () => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#lost = lost;
  }

  /** From now on silence counts. */
  start(): void {
    this.#runs = true;
    this.beat();
  }

  /** Silence no longer counts. */
  stop(): void {
    this.#runs = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A sign of life. */
  beat(): void {
    if (!this.#runs) return;
    this.#due = this.#clock.now() + this.#everyMs;
    // A beat only moves the time: one timer is set for many beats.
    if (this.#timer === undefined) this.#arm();
  }

  #arm(): void {
    this.#timer = this.#clock.timer(this.#due, () => {
      this.#timer = undefined;
      if (this.#due > this.#clock.now()) this.#arm();
      else {
        this.#runs = false;
        this.#lost();
      }
    });
  }
}
