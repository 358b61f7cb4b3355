/**
 * What a script prints, kept for the result.
 *
 * Owns: the lines and their bound. Past it lines are dropped, not refused: what a script says must not fail its step.
 */

/** A line counts this much beside its bytes. */
const LINE_BYTES = 16;

/** Lines printed since the last `take`, and how much was printed before. */
export class PrintLog {
  readonly #limit: number;
  #lines: string[] = [];
  #bytes: number;

  /** `bytes`: what earlier stretches of the invocation have printed. */
  constructor(limit: number, bytes: number) {
    this.#limit = limit;
    this.#bytes = bytes;
  }

  /** Bytes so far, for the next stretch. */
  get bytes(): number {
    return this.#bytes;
  }

  add(line: string): void {
    if (this.#bytes > this.#limit) return;
    this.#bytes += Buffer.byteLength(line) + LINE_BYTES;
    if (this.#bytes <= this.#limit) this.#lines.push(line);
    else this.#lines.push(`[more than ${this.#limit} bytes printed: the rest is dropped]`);
  }

  /** The lines, which are then forgotten. */
  take(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }
}
