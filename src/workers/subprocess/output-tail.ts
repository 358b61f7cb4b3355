/** The last bytes of a stream, in bounded memory. */
export class OutputTail {
  readonly #capacity: number;
  readonly #chunks: Uint8Array[] = [];
  #held = 0;
  #seen = 0;

  /** @param capacity bytes to keep. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds bytes at the end. */
  push(chunk: Uint8Array): void {
    this.#seen += chunk.byteLength;
    this.#chunks.push(chunk);
    this.#held += chunk.byteLength;
    for (
      let first = this.#chunks[0];
      first !== undefined && this.#held - first.byteLength >= this.#capacity;
      first = this.#chunks[0]
    ) {
      this.#chunks.shift();
      this.#held -= first.byteLength;
    }
  }

  /** The last `capacity` bytes. */
  bytes(): Uint8Array {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(Math.max(0, all.byteLength - this.#capacity));
  }

  /** How many bytes came before those. */
  get dropped(): number {
    return Math.max(0, this.#seen - this.#capacity);
  }
}
