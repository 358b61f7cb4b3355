/** The reading side: one connection that cannot write, with every SELECT prepared. Reads are synchronous and paged (P3). */
import type { DatabaseSync } from "node:sqlite";
import { type JournalRow, type PinnedDocument, type RunQuery, type RunRecord, StoreError } from "../ports.ts";
import { findDamage } from "./sql/find-damage.ts";
import { type SelectContents, selectContents } from "./sql/select-contents.ts";
import { type SelectEntries, selectEntries } from "./sql/select-entries.ts";
import { type SelectRuns, selectRuns } from "./sql/select-runs.ts";
import { storeError } from "./store-failure.ts";

/** Reads from an open database. Every method throws StoreError. */
export class Reader {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #entries: SelectEntries;
  readonly #runs: SelectRuns;
  readonly #contents: SelectContents;

  /**
   * @param db Closed by `close`.
   * @param path The database's path, for messages.
   */
  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    this.#entries = this.#read(() => selectEntries(db));
    this.#runs = this.#read(() => selectRuns(db));
    this.#contents = this.#read(() => selectContents(db));
  }

  /** See JournalStore.read. */
  entries(runId: string, fromSeq: number, limit: number): readonly JournalRow[] {
    return this.#read(() => this.#entries(runId, fromSeq, limit));
  }

  /** See RunStore.get. */
  run(runId: string): RunRecord | undefined {
    return this.#read(() => this.#runs.get(runId));
  }

  /** See RunStore.list. */
  runs(query: RunQuery): readonly RunRecord[] {
    return this.#read(() => this.#runs.list(query));
  }

  /** See DocumentStore.get. */
  document(version: string): PinnedDocument | undefined {
    return this.#read(() => this.#contents.document(version));
  }

  /** See BlobStore.get. */
  blobs(digests: readonly string[]): readonly (string | undefined)[] {
    return this.#read(() => digests.map((digest) => this.#contents.blob(digest)));
  }

  /** What is damaged, a line each. Damage that keeps the check itself from reading on is a line too. */
  damage(): readonly string[] {
    try {
      return this.#read(() => findDamage(this.#db));
    } catch (error) {
      if (error instanceof StoreError && error.code === "store_corrupt") return [error.message];
      throw error;
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#db.close();
  }

  #read<T>(select: () => T): T {
    try {
      return select();
    } catch (cause) {
      throw storeError(cause, "read", this.#path);
    }
  }
}
