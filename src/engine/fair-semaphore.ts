/** Limits how many attempts of one agent are under way at once, first come first served. */

/** Gives a place back. */
export type Release = () => void;

interface Waiter {
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
    const next = queue?.shift();
    if (queue?.length === 0) this.#waiting.delete(key);
    next?.grant(this.#grant(key, held));
  }
}
