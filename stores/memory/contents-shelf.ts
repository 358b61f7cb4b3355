/**
 * What a memory store keeps under the digest of its text, and which runs use it.
 *
 * U1  A text that a run uses is kept. One that no run uses is kept until it is collected.
 */
import type { Collected } from "../ports.ts";

/** Texts by digest. */
export class ContentsShelf<T extends { readonly text: string }> {
  readonly #contents = new Map<string, { readonly value: T; putAt: number }>();
  /** What each run uses. */
  readonly #used = new Map<string, Set<string>>();
  /** How many runs use a digest. */
  readonly #uses = new Map<string, number>();

  /** Keeps a value, unless there is one of this digest. */
  put(digest: string, value: T, now: number): void {
    const kept = this.#contents.get(digest);
    if (kept === undefined) this.#contents.set(digest, { value, putAt: now });
    else kept.putAt = now;
  }

  get(digest: string): T | undefined {
    return this.#contents.get(digest)?.value;
  }

  /** A run uses what is, or will be, kept under a digest. */
  use(digest: string, runId: string): void {
    const used = this.#used.get(runId) ?? new Set();
    if (used.has(digest)) return;
    this.#used.set(runId, used.add(digest));
    this.#uses.set(digest, (this.#uses.get(digest) ?? 0) + 1);
  }

  /** Bytes of what a run uses. */
  sizeOf(runId: string): number {
    let bytes = 0;
    for (const digest of this.#used.get(runId) ?? []) bytes += Buffer.byteLength(this.get(digest)?.text ?? "");
    return bytes;
  }

  /** A run uses nothing any more. */
  release(runId: string): void {
    for (const digest of this.#used.get(runId) ?? []) {
      const left = (this.#uses.get(digest) ?? 0) - 1;
      if (left > 0) this.#uses.set(digest, left);
      else this.#uses.delete(digest);
    }
    this.#used.delete(runId);
  }

  /** Removes at most `limit` of what no run uses, what was not put after `latest`, and what is not `kept`. */
  collect(limit: number, latest: number, kept: ReadonlySet<string> = new Set()): Collected {
    let count = 0;
    let bytes = 0;
    for (const [digest, { value, putAt }] of this.#contents) {
      if (count >= limit) break;
      if (putAt > latest || this.#uses.has(digest) || kept.has(digest)) continue;
      this.#contents.delete(digest);
      count += 1;
      bytes += Buffer.byteLength(value.text);
    }
    return { count, bytes };
  }
}
