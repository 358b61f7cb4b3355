/** A clock that a test moves. Timers fire in time order, ties in the order they were set. */
import type { Clock, Timer } from "../../src/engine/index.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0;
  }

  timer(at: number, fire: () => void): Timer {
    const pending: Pending = { at, order: this.#order++, fire };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves time on, firing what is due in between. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (;;) {
      const due = [...this.#pending]
        .filter(({ at }) => at <= target)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.#pending.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fire();
    }
    this.#now = target;
  }
}
