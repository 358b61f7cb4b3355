/**
 * What the engine needs of persistence, as small interfaces. A backend is one folder beside this file and passes the
 * contract suite in spec/stores.
 *
 * P1  An append is one transaction: the fence is still mine, the next seq is the one I expect, then rows, run patch and
 *     blobs are written together. A refused append changes nothing and says why; the others of its batch still happen.
 * P2  When a promise of a writing method resolves, what it wrote survives a crash (except in a backend that says it is
 *     volatile). When it rejects, nothing of it was written.
 * P3  Reads see every write whose promise has resolved, and never wait behind writes.
 */
import type { ChildStore, ParentStep } from "./child-ports.ts";
import type { OperatorStore } from "./operator-ports.ts";
import type { ScheduleStore } from "./schedule-ports.ts";

export * from "./child-ports.ts";
export * from "./operator-ports.ts";
export * from "./schedule-ports.ts";

/** Options of every call. */
export interface CallOptions {
  /** Aborted before the call: it rejects with the signal's reason. A write that has begun is not tied to it (P2). */
  readonly signal?: AbortSignal;
}

/** Where a run stands. `pending` to `dead_letter` as in spec/glossary.md. */
export type RunStatus =
  | "pending"
  | "running"
  | "waiting"
  | "suspended"
  | "paused"
  | "done"
  | "failed"
  | "cancelled"
  | "dead_letter";

/** The row of a run: a projection of its journal, plus its ownership. Times in milliseconds since 1970. */
export interface RunRecord {
  readonly runId: string;
  readonly status: RunStatus;
  readonly blueprintId: string;
  /** `sha256:...` of the pinned document. */
  readonly blueprintVersion: string;
  /** Who may append, as a number that only grows. */
  readonly fence: number;
  /** The host that owns it, or absent. */
  readonly owner?: string;
  /** The seq the next entry will have. */
  readonly nextSeq: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Message of the error a failed run ended with. */
  readonly error?: string;
  /** The run that started it. */
  readonly parentRunId?: string;
  /** Of a child run: what it was started for. Absent where that was in another store. */
  readonly parentStep?: ParentStep;
  /** The run it was forked from. */
  readonly forkedFrom?: string;
  /** How often it was claimed since it last made progress. */
  readonly recoveryAttempts: number;
  /** When a `waiting` run wants its owner's attention. */
  readonly wakeAt?: number;
  /** The key its launch was asked for with; unique over all runs. */
  readonly idempotencyKey?: string;
  /** Whether it is kept whatever its age: it cannot be removed before it is released. Absent: no. */
  readonly held?: true;
}

/** What an append may change of its run's row. `null` takes the error or the time away. */
export type RunPatch = Partial<Pick<RunRecord, "status" | "recoveryAttempts">> & {
  readonly error?: string | null;
  readonly wakeAt?: number | null;
};

/** One entry as stored. `text` is the truth; the other columns are for queries. */
export interface JournalRow {
  readonly seq: number;
  readonly type: string;
  readonly key?: string;
  readonly attempt?: number;
  /** The entry's stored text (kernel/entry-codec.ts); its SHA-256 is the next entry's `prev`. */
  readonly text: string;
}

/** A large value: its text and the `sha256:` digest of that text. */
export interface Blob {
  readonly digest: string;
  readonly text: string;
}

/** Entries of one run to add at its end. */
export interface Append {
  readonly runId: string;
  readonly fence: number;
  /** The seq of `rows[0]`, which the store must still expect. */
  readonly expectedSeq: number;
  /** In order and without holes: `rows[i].seq` is `expectedSeq + i`, else StoreError `invalid_append`. May be empty. */
  readonly rows: readonly JournalRow[];
  readonly patch?: RunPatch;
  /**
   * All blobs that `rows` name, whether the store has them or not: they are kept as long as the run is. Those that an
   * earlier append of the run brought may be left out.
   */
  readonly blobs?: readonly Blob[];
  /** Time of the newest row, for `updatedAt`. */
  readonly at: number;
}

/** What became of one Append. `fenced`: another owner has the run. `lost_race`: the seq is taken. */
export type AppendResult = "appended" | "fenced" | "lost_race" | "unknown_run";

/** A row among the rows of all runs. */
export interface TailRow extends JournalRow {
  readonly runId: string;
  /** Strictly increasing in the order of the commits, with holes. Never used twice, also where runs are removed. */
  readonly position: number;
}

/** The journals. */
export interface JournalStore {
  /** One transaction for the whole batch; results in its order (P1). */
  append(batch: readonly Append[], options?: CallOptions): Promise<readonly AppendResult[]>;
  /** Rows from `fromSeq` on, ascending, at most `limit`. Empty where the run or the rows do not exist. */
  read(runId: string, fromSeq: number, limit: number, options?: CallOptions): Promise<readonly JournalRow[]>;
  /** Rows of all runs after a position, in their order, at most `limit`. From 0 on it is everything that is kept. */
  tail(after: number, limit: number, options?: CallOptions): Promise<readonly TailRow[]>;
  /** The position of the newest row there has been; 0 before the first. What is `tail`ed from here on is new. */
  end(options?: CallOptions): Promise<number>;
}

/** Which runs to list; newest first, equal times by descending run id. */
export interface RunQuery {
  /** Only runs in one of these; an empty list matches nothing. Absent: every status. */
  readonly status?: readonly RunStatus[];
  readonly blueprintId?: string;
  /** Only the children of this run. */
  readonly parentRunId?: string;
  readonly limit: number;
  /** Only runs after this one in the listing's order. An id that is not here matches nothing. */
  readonly before?: string;
}

/** How much a run and what it has started are. */
export interface RunSize {
  readonly runs: number;
  /** Of their entries and of the blobs they name, in UTF-8. A blob that several of them name counts for each. */
  readonly bytes: number;
}

/** The runs. */
export interface RunStore {
  /**
   * Adds rows, all or none. A run id that exists is refused with StoreError `run_exists`, an idempotency key that a run
   * has with `run_key_taken`, whose `details.runId` is that run.
   */
  create(batch: readonly RunRecord[], options?: CallOptions): Promise<void>;
  get(runId: string, options?: CallOptions): Promise<RunRecord | undefined>;
  /** The run that was created with this idempotency key. */
  byIdempotencyKey(key: string, options?: CallOptions): Promise<RunRecord | undefined>;
  list(query: RunQuery, options?: CallOptions): Promise<readonly RunRecord[]>;
  /**
   * Removes runs that have ended, with their journals, snapshots, seats and requests, and with the runs they have started,
   * all or none: what has not ended, or is needed by a run that has not (removal.ts), is refused with StoreError `run_live`,
   * what is held with `run_held`. Ids that are not here are passed over. Says how many runs it removed.
   */
  remove(runIds: readonly string[], options?: CallOptions): Promise<number>;
  /** Holds a run, or releases it. False where it is not here. */
  hold(runId: string, held: boolean, options?: CallOptions): Promise<boolean>;
  /** Why `remove` would now refuse each, by itself, in the order asked for; undefined where it would not. */
  refusals(runIds: readonly string[], options?: CallOptions): Promise<readonly (StoreError | undefined)[]>;
  /** How much each is, with the runs it has started, in the order asked for; nothing for one that is not here. */
  sizes(runIds: readonly string[], options?: CallOptions): Promise<readonly RunSize[]>;
}

/** Which runs to claim. */
export interface ClaimOrder {
  readonly hostId: string;
  /** At most so many. */
  readonly limit: number;
  /** Not these, whatever else holds of them: what the host drives already. Default: none. */
  readonly except?: readonly string[];
  /**
   * `own`: runs that should be running and that this host itself owns: what a restart finds of its former life.
   * `abandoned`: runs that should be running and whose owner is gone: none, or another host without a lease.
   * `due`: waiting runs whose `wakeAt` has come, of any owner that is gone or this host.
   * `ownAfter`: `own`, but only runs after this one in age: a claimed run stays `own`, so whoever claims in pages goes on
   * after the last run of the page. A run that is not here has none after it.
   * `runId`: that run, whatever it waits for, unless another living host owns it or it has ended.
   */
  readonly which: "own" | "abandoned" | "due" | { readonly ownAfter: string } | { readonly runId: string };
}

/**
 * Who may write which run. Times are the store's clock's.
 *
 * O1  A claim makes the host the owner, sets the status to `running`, takes `wakeAt` away, and raises fence and
 *     `recoveryAttempts` by one, in one transaction: appends under the old fence are refused from then on.
 * O2  A lease is one row a host, whatever the number of its runs. A host lives while its lease is longer than now.
 * O3  A claim sees no run whose `create` the same host called after it.
 */
export interface OwnershipStore {
  /** Extends the host's lease to `leaseMs` from now. */
  renew(lease: { readonly hostId: string; readonly leaseMs: number }, options?: CallOptions): Promise<void>;
  /** Ends the host's lease: its runs can be claimed at once. */
  leave(hostId: string, options?: CallOptions): Promise<void>;
  /**
   * Claims runs (O1); the rows as they are afterwards, oldest first, those that are `due` by their `wakeAt`; equal times by
   * run id.
   */
  claim(order: ClaimOrder, options?: CallOptions): Promise<readonly RunRecord[]>;
  /** The earliest `wakeAt` of the waiting runs, or undefined. */
  nextWake(options?: CallOptions): Promise<number | undefined>;
}

/** A saved kernel, so that a replay begins here. */
export interface Snapshot {
  /** The seq of the first entry after it. */
  readonly nextSeq: number;
  /** The digest of the last entry before it. */
  readonly prev: string;
  readonly text: string;
}

/** The newest snapshot of each run. A snapshot is a shortcut, never the truth: losing one costs time only. */
export interface SnapshotStore {
  /** Keeps it, unless the run has a newer one or is not here. */
  put(runId: string, snapshot: Snapshot, options?: CallOptions): Promise<void>;
  get(runId: string, options?: CallOptions): Promise<Snapshot | undefined>;
}

/** How much was collected, and the bytes of its texts in UTF-8. */
export interface Collected {
  readonly count: number;
  readonly bytes: number;
}

/** A pinned Blueprint document. */
export interface PinnedDocument {
  readonly version: string;
  readonly blueprintId: string;
  readonly text: string;
}

/**
 * How long a document is kept that no run is pinned to, in milliseconds since it was last put: the run it was put for may
 * be about to be created.
 */
export const DOCUMENT_GRACE_MS = 3_600_000;

/** Documents by version: what a run needs to be rebuilt after the author's files have changed. */
export interface DocumentStore {
  /** Idempotent. `newest`: it is the newest version of its Blueprint from now on. */
  put(document: PinnedDocument & { readonly newest?: boolean }, options?: CallOptions): Promise<void>;
  get(version: string, options?: CallOptions): Promise<PinnedDocument | undefined>;
  /** The version of a Blueprint that was last put as its newest; undefined where none was. */
  newest(blueprintId: string, options?: CallOptions): Promise<string | undefined>;
  /**
   * Removes documents that no run and no schedule is pinned to and that are not the newest of their Blueprint, after
   * DOCUMENT_GRACE_MS, at most `limit`.
   */
  collect(order: { readonly limit: number }, options?: CallOptions): Promise<Collected>;
}

/** Large values by digest: each is kept as long as there is a run whose journal names it. */
export interface BlobStore {
  /** Texts in the order asked for, `undefined` for a digest that is not here. */
  get(digests: readonly string[], options?: CallOptions): Promise<readonly (string | undefined)[]>;
  /** Removes blobs that no run names any more, at most `limit`. */
  collect(order: { readonly limit: number }, options?: CallOptions): Promise<Collected>;
}

/** How much a store holds. */
export interface Usage {
  readonly runs: number;
  readonly entries: number;
  readonly blobs: number;
  /** On disk. */
  readonly bytes: number;
}

/** What a durable backend can do beside its work, while it goes on. */
export interface Maintenance {
  /**
   * Writes a whole, consistent copy to a new file, as the store is at the moment it begins. Resolves when it is on disk.
   * Throws StoreError `file_exists`, `store_full` or `store_io`; no file is left then.
   */
  backup(file: string, options?: CallOptions): Promise<void>;
  usage(options?: CallOptions): Promise<Usage>;
  /** Reads the whole store and tells what is damaged, a line each; empty where it is sound. Takes its time. */
  integrityCheck(options?: CallOptions): Promise<readonly string[]>;
}

/** One backend, opened. */
export interface Stores extends AsyncDisposable {
  /** For messages: `memory`, `sqlite`, ... */
  readonly name: string;
  /** Whether what it acknowledged survives: `full` a power loss, `relaxed` a process crash only, `none` nothing. */
  readonly durability: "full" | "relaxed" | "none";
  readonly journals: JournalStore;
  readonly runs: RunStore;
  readonly documents: DocumentStore;
  readonly blobs: BlobStore;
  readonly ownership: OwnershipStore;
  readonly snapshots: SnapshotStore;
  readonly operators: OperatorStore;
  readonly schedules: ScheduleStore;
  readonly children: ChildStore;
  /** Absent where there is nothing to maintain. */
  readonly maintenance?: Maintenance;
}

/** Stable codes of what a store can refuse or suffer. */
export type StoreErrorCode =
  /** `create` names a run id that is here already. */
  | "run_exists"
  /** `create` names an idempotency key that another run has. */
  | "run_key_taken"
  /** `remove` would remove a run that has not ended, or one that such a run needs. Cancel it first. */
  | "run_live"
  /** `create` names a schedule that is here already. */
  | "schedule_exists"
  /** `remove` would remove a run that is held. Release it first. */
  | "run_held"
  /** The rows of an Append are not contiguous from its `expectedSeq`. */
  | "invalid_append"
  /** The disk, or the file's size limit, is full. Writes work again once there is room. */
  | "store_full"
  /** Reading or writing failed, or the thread that writes has ended. */
  | "store_io"
  /** More is waiting to be written than the store will hold. Await earlier appends. */
  | "store_busy"
  /** Another process has it. */
  | "store_locked"
  /** Written by a newer swarm-host. */
  | "store_newer"
  /** Written by an older swarm-host, and opened for reading only: open it for writing once. */
  | "store_older"
  /** Opened for reading only, and there is no store. */
  | "store_missing"
  /** Opened for reading only, and written to. */
  | "store_read_only"
  /** Not a store, or a damaged one. */
  | "store_corrupt"
  /** The file to write is there already. */
  | "file_exists"
  /** The file to restore is not there. */
  | "backup_missing"
  /** The file to restore is no sound backup. */
  | "backup_unsound"
  /** Used after it was closed. */
  | "store_closed";

/** The one error class of the store layer. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    code: StoreErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, string | number> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}
