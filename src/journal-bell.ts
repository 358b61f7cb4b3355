/**
 * A JournalStore that rings when it has written: who follows a journal learns of entries when they are durable.
 *
 * Does not own: what was written: who follows one run reads it from the store. Who listens to all is shown it too.
 */
import type { Append, AppendResult, CallOptions, JournalRow, JournalStore, TailRow } from "../stores/ports.ts";

/** The store with a bell on every run. */
export class JournalBell implements JournalStore {
  readonly #store: JournalStore;
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #everywhere = new Set<(append: Append) => void>();

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

  /** Calls `listener` with each append that was accepted, of whatever run; the returned function ends that. */
  listenToAll(listener: (append: Append) => void): () => void {
    this.#everywhere.add(listener);
    return () => void this.#everywhere.delete(listener);
  }

  async append(batch: readonly Append[], options?: CallOptions): Promise<readonly AppendResult[]> {
    const results = await this.#store.append(batch, options);
    for (const [index, append] of batch.entries()) {
      if (results[index] !== "appended") continue;
      for (const listener of this.#everywhere) listener(append);
      for (const listener of this.#listeners.get(append.runId) ?? []) listener();
    }
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
