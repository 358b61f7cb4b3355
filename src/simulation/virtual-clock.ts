/**
 * Virtual time: it moves only when somebody fires the next timer, and then straight to that timer's time.
 *
 * C1  Timers fire in the order of their times, equal times in the order they were set, one a call.
 * C2  A view's timers never fire after the view is stopped: what a dead host had planned does not happen.
 */
import type { Clock, Timer } from "../engine/index.ts";

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
  readonly view: object;
}

/** A host's clock. */
export interface ClockView extends Clock {
  /** Takes all its timers away for ever (C2). */
  stop(): void;
}

/** The time of one simulation. */
export class VirtualClock {
  readonly #planned = new Set<Planned>();
  #now: number;
  #order = 0;

  /** @param now milliseconds since 1970. */
  constructor(now = 1_000_000) {
    this.#now = now;
  }

  /** Milliseconds since 1970. */
  get now(): number {
    return this.#now;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#planned.size;
  }

  /** A clock for one host. `random` is its source of chance, in [0, 1). */
  view(random: () => number): ClockView {
    const view = {};
    let stopped = false;
    return {
      now: () => this.#now,
      random,
      timer: (at, fire): Timer => {
        const planned: Planned = { at, order: this.#order++, fire, view };
        if (!stopped) this.#planned.add(planned);
        return { cancel: () => void this.#planned.delete(planned) };
      },
      stop: () => {
        stopped = true;
        for (const planned of this.#planned) if (planned.view === view) this.#planned.delete(planned);
      },
    };
  }

  /** Moves time to the next timer and fires it (C1); false where there is none. */
  fireNext(): boolean {
    let next: Planned | undefined;
    for (const planned of this.#planned) {
      if (next === undefined || planned.at < next.at || (planned.at === next.at && planned.order < next.order)) {
        next = planned;
      }
    }
    if (next === undefined) return false;
    this.#planned.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.fire();
    return true;
  }
}
