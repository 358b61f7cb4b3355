/**
 * A JournalStore that rings when it has written: who follows a journal learns of entries when they are durable.
 *
 * Does not own: what was written; whoever hears the bell reads it from the store.
 */
import type { Append, AppendResult, CallOptions, JournalRow, JournalStore, TailRow } from "../stores/ports.ts";

/** The store with a bell on every run. */
export class JournalBell implements JournalStore {
  readonly #store: JournalStore;
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #everywhere = new Set<() => void>();

  constructor(store: JournalStore) {
    this.#store = store;
  }

  /** Calls `listener` after each append to the run that was accepted; the returned function ends that. */
  listen(runId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(runId) ?? new Set();
    this.#listeners.set(runId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(runId) === listeners) this.#listeners.delete(runId);
    };
  }

  /** Calls `listener` after each append that was accepted, of whatever run; the returned function ends that. */
  listenToAll(listener: () => void): () => void {
    this.#everywhere.add(listener);
    return () => void this.#everywhere.delete(listener);
  }

  async append(batch: readonly Append[], options?: CallOptions): Promise<readonly AppendResult[]> {
    const results = await this.#store.append(batch, options);
    for (const listener of this.#everywhere) listener();
    if (this.#listeners.size === 0) return results;
    batch.forEach(({ runId }, index) => {
      if (results[index] === "appended") for (const listener of this.#listeners.get(runId) ?? []) listener();
    });
    return results;
  }

  read(runId: string, fromSeq: number, limit: number, options?: CallOptions): Promise<readonly JournalRow[]> {
    return this.#store.read(runId, fromSeq, limit, options);
  }

  tail(after: number, limit: number, options?: CallOptions): Promise<readonly TailRow[]> {
    return this.#store.tail(after, limit, options);
  }

  end(options?: CallOptions): Promise<number> {
    return this.#store.end(options);
  }
}
