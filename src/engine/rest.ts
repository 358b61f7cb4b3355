/** Whether an attempt only waits for something outside, and until when: everybody who said so and has not taken it back. */

/** The rests of one attempt. */
export class Rests {
  readonly #held = new Set<{ readonly until: number | undefined }>();
  readonly #changed: (resting: boolean) => void;

  /** @param changed told where the attempt comes to rest, and where it no longer does. */
  constructor(changed: (resting: boolean) => void) {
    this.#changed = changed;
  }

  /** Whether there is one. */
  get any(): boolean {
    return this.#held.size > 0;
  }

  /** The earliest time one of them ends at, in milliseconds since 1970; undefined: none does by itself. */
  get until(): number | undefined {
    const times = [...this.#held].flatMap(({ until }) => (until === undefined ? [] : [until]));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** One more; the returned function takes it back. */
  begin(until?: number): () => void {
    const rest = { until };
    this.#held.add(rest);
    this.#changed(true);
    return () => {
      if (this.#held.delete(rest)) this.#changed(this.any);
    };
  }
}
