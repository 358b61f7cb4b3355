/**
 * A byte string that grows, outside VM memory.
 *
 * Owns: the buffer and its bound.
 */

/** Collects bytes up to a limit. */
export class ByteOutput {
  #buffer: Buffer;
  #size = 0;
  readonly #limit: number;
  readonly #overflow: () => Error;

  /** `expected` bytes are made room for at once; past `limit`, what `overflow` returns is thrown. */
  constructor(expected: number, limit: number, overflow: () => Error) {
    this.#buffer = Buffer.allocUnsafe(expected + 64);
    this.#limit = limit;
    this.#overflow = overflow;
  }

  byte(value: number): void {
    if (this.#size === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#size++] = value;
  }

  /** Appends a copy of `source` from `from` to `to`. */
  range(source: Buffer, from: number, to: number): void {
    if (this.#size + to - from > this.#buffer.length) this.#grow(to - from);
    source.copy(this.#buffer, this.#size, from, to);
    this.#size += to - from;
  }

  /** What was collected. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }

  #grow(by: number): void {
    if (this.#size + by > this.#limit) throw this.#overflow();
    const larger = Buffer.allocUnsafe(Math.max(this.#size + by, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#size);
    this.#buffer = larger;
  }
}
