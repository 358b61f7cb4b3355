/** The reading side: one connection that cannot write, with every SELECT prepared. Reads are synchronous and paged (P3). */
import type { DatabaseSync } from "node:sqlite";
import type {
  JournalRow,
  PinnedDocument,
  RunQuery,
  RunRecord,
  RunSize,
  Snapshot,
  StoreError,
  TailRow,
} from "../ports.ts";
import { type SelectSchedules, selectSchedules } from "./sql/schedules.ts";
import { type SelectChildren, selectChildren } from "./sql/select-children.ts";
import { type SelectContents, selectContents } from "./sql/select-contents.ts";
import { type SelectEntries, selectEntries } from "./sql/select-entries.ts";
import { type SelectRequests, selectRequests } from "./sql/select-requests.ts";
import { type SelectRuns, selectRuns } from "./sql/select-runs.ts";
import { type SelectSeats, selectSeats } from "./sql/select-seats.ts";
import { type SelectNextWake, selectNextWake } from "./sql/select-wakes.ts";
import { type SelectSnapshot, selectSnapshot } from "./sql/snapshots.ts";
import { storeError } from "./store-failure.ts";

/** Reads from an open database. Every method throws StoreError. */
export class Reader {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #entries: SelectEntries;
  readonly #runs: SelectRuns;
  readonly #contents: SelectContents;
  readonly #nextWake: SelectNextWake;
  readonly #snapshot: SelectSnapshot;
  readonly #seats: SelectSeats;
  readonly #requests: SelectRequests;
  readonly #schedules: SelectSchedules;
  readonly #children: SelectChildren;

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
    this.#nextWake = this.#read(() => selectNextWake(db));
    this.#snapshot = this.#read(() => selectSnapshot(db));
    this.#seats = this.#read(() => selectSeats(db));
    this.#requests = this.#read(() => selectRequests(db));
    this.#schedules = this.#read(() => selectSchedules(db));
    this.#children = this.#read(() => selectChildren(db));
  }

  /** See JournalStore.read. */
  entries(runId: string, fromSeq: number, limit: number): readonly JournalRow[] {
    return this.#read(() => this.#entries.page(runId, fromSeq, limit));
  }

  /** See JournalStore.tail. */
  tail(after: number, limit: number): readonly TailRow[] {
    return this.#read(() => this.#entries.tail(after, limit));
  }

  /** See JournalStore.end. */
  end(): number {
    return this.#read(() => this.#entries.end());
  }

  /** See RunStore.get. */
  run(runId: string): RunRecord | undefined {
    return this.#read(() => this.#runs.get(runId));
  }

  /** See RunStore.byIdempotencyKey. */
  runByKey(key: string): RunRecord | undefined {
    return this.#read(() => this.#runs.byIdempotencyKey(key));
  }

  /** See RunStore.list. */
  runs(query: RunQuery): readonly RunRecord[] {
    return this.#read(() => this.#runs.list(query));
  }

  /** See RunStore.refusals. */
  refusals(runIds: readonly string[]): readonly (StoreError | undefined)[] {
    return this.#read(() => runIds.map((runId) => this.#runs.refusal(runId)));
  }

  /** See RunStore.sizes. */
  sizes(runIds: readonly string[]): readonly RunSize[] {
    return this.#read(() => runIds.map((runId) => this.#runs.size(runId)));
  }

  /** See DocumentStore.get. */
  document(version: string): PinnedDocument | undefined {
    return this.#read(() => this.#contents.document(version));
  }

  /** See DocumentStore.newest. */
  newest(blueprintId: string): string | undefined {
    return this.#read(() => this.#contents.newest(blueprintId));
  }

  /** See BlobStore.get. */
  blobs(digests: readonly string[]): readonly (string | undefined)[] {
    return this.#read(() => digests.map((digest) => this.#contents.blob(digest)));
  }

  /** See OwnershipStore.nextWake. */
  nextWake(): number | undefined {
    return this.#read(() => this.#nextWake());
  }

  /** See SnapshotStore.get. */
  snapshot(runId: string): Snapshot | undefined {
    return this.#read(() => this.#snapshot(runId));
  }

  /** Reads sessions and seats; see SessionStore and SeatStore. */
  seats<T>(select: (seats: SelectSeats) => T): T {
    return this.#read(() => select(this.#seats));
  }

  /** Reads requests; see RequestStore. */
  requests<T>(select: (requests: SelectRequests) => T): T {
    return this.#read(() => select(this.#requests));
  }

  /** Reads schedules; see ScheduleStore. */
  schedules<T>(select: (schedules: SelectSchedules) => T): T {
    return this.#read(() => select(this.#schedules));
  }

  /** Reads what binds runs; see ChildStore. */
  children<T>(select: (children: SelectChildren) => T): T {
    return this.#read(() => select(this.#children));
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
