/** Limits how many attempts of one agent are under way at once, first come first served. */

/** Gives a place back. */
export type Release = () => void;

interface Waiter {
  readonly places: number;
  readonly grant: (release: Release) => void;
}

/** Places by key; a key without waiters or holders costs nothing. */
export class FairSemaphore {
  readonly #held = new Map<string, number>();
  readonly #waiting = new Map<string, Waiter[]>();

  /** Attempts waiting for a place of this key. */
  waiting(key: string): number {
    return this.#waiting.get(key)?.length ?? 0;
  }

  /**
   * Waits for one of `places`. Resolves undefined, holding nothing, if the signal aborts first.
   * @param places at least 1.
   */
  async acquire(key: string, places: number, signal: AbortSignal): Promise<Release | undefined> {
    if (signal.aborted) return undefined;
    const held = this.#held.get(key) ?? 0;
    if (held < places) return this.#grant(key, held);
    return new Promise((resolve) => {
      const queue = this.#waiting.get(key) ?? [];
      this.#waiting.set(key, queue);
      const waiter: Waiter = {
        places,
        grant: (release) => {
          signal.removeEventListener("abort", giveUp);
          resolve(release);
        },
      };
      const giveUp = (): void => {
        queue.splice(queue.indexOf(waiter), 1);
        if (queue.length === 0) this.#waiting.delete(key);
        resolve(undefined);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      queue.push(waiter);
    });
  }

  /** Takes a place at once, also where none is free: for what had one before and cannot wait again. */
  take(key: string): Release {
    return this.#grant(key, this.#held.get(key) ?? 0);
  }

  #grant(key: string, held: number): Release {
    this.#held.set(key, held + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#release(key);
    };
  }

  #release(key: string): void {
    const held = (this.#held.get(key) ?? 1) - 1;
    if (held === 0) this.#held.delete(key);
    else this.#held.set(key, held);
    const queue = this.#waiting.get(key);
    const first = queue?.[0];
    // More may be held than there are places (`take`): then the place that comes free is not one to give.
    if (queue === undefined || first === undefined || held >= first.places) return;
    queue.shift();
    if (queue.length === 0) this.#waiting.delete(key);
    first.grant(this.#grant(key, held));
  }
}
