/**
 * Opening and closing a data directory: one SQLite file, owned by one process.
 *
 * Owns: the order in which that is done. Does not own: what happens while it is open (sqlite-stores.ts).
 *
 * S1  Opening for writing: own the directory, look at the version, migrate, then start the thread. The thread opens its
 *     connection while the caller goes on. Whatever refuses to open has changed nothing before it.
 * S2  Closing: the reader, maintenance, the last write, the writer (which folds the WAL into the file), then the ownership.
 */
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { StoreError } from "../ports.ts";
import { type Durability, openForReading, openForWriting } from "./connection.ts";
import { type DataDirectory, dataDirectory, makeDirectory, makeFile, syncDirectory } from "./data-directory.ts";
import { KnownRequests } from "./known-requests.ts";
import { MaintenanceThreads } from "./maintenance.ts";
import { assertReadable, migrate, schemaVersion } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/index.ts";
import { type Ownership, ownerProcess, takeOwnership } from "./ownership.ts";
import { Reader } from "./reader.ts";
import { composeStores, type SqliteStores } from "./sqlite-stores.ts";
import { storeError } from "./store-failure.ts";
import { threadFile } from "./thread-file.ts";
import { Writer, type WriterThread } from "./writer.ts";
import type { WriterThreadData } from "./writer-thread.ts";

/** How a data directory is opened. */
export interface SqliteOptions {
  /** Made where it is missing, unless `mode` is `read`. */
  readonly dataDir: string;
  /** Default `full`. `relaxed` does not wait for the disk: a power loss may take the last moments. */
  readonly durability?: Durability;
  /** `write` (default) owns the directory; `read` looks on, beside an owner or without one, and writing is refused. */
  readonly mode?: "write" | "read";
  /** The store's clock, in milliseconds since 1970: what leases and wakes compare with. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Opens the store of a data directory.
 * @throws StoreError `store_locked`, `store_newer`, `store_corrupt`, `store_io` or `store_full`; for reading also
 *   `store_missing` and `store_older`.
 */
export async function openSqliteStores(options: SqliteOptions): Promise<SqliteStores> {
  const { dataDir, durability = "full", mode = "write", now = Date.now } = options;
  const directory = dataDirectory(dataDir);
  return mode === "read" ? openToRead(directory, durability, now) : openToWrite(directory, durability, now);
}

/** The process that owns a data directory now; undefined where none does. Throws StoreError `store_io`. */
export function directoryOwner(dataDir: string): number | undefined {
  return attempt("look at", dataDir, () => ownerProcess(dataDirectory(dataDir)));
}

function openToRead(directory: DataDirectory, durability: Durability, now: () => number): SqliteStores {
  if (!existsSync(directory.database)) throw missing(directory);
  const reader = openReader(directory, (version) => {
    if (version === 0) throw missing(directory);
    assertReadable(directory.database, version);
  });
  const maintenance = new MaintenanceThreads(directory.database);
  return composeStores({
    durability,
    reader,
    known: new KnownRequests(false),
    write: () => Promise.reject(readOnly(directory)),
    maintenance,
    now,
    async close() {
      reader.close();
      await maintenance.settled();
    },
  });
}

function openToWrite(directory: DataDirectory, durability: Durability, now: () => number): SqliteStores {
  attempt("make", directory.root, () => makeDirectory(directory));
  const ownership = takeOwnership(directory);
  // The thread starts while the database is brought up to date, and opens it when it is told to.
  const thread = startThread(directory, durability);
  const reader = readerOfOwned(directory, ownership, thread);
  const writer = new Writer(thread, directory.database);
  thread.postMessage([]);
  const maintenance = new MaintenanceThreads(directory.database);
  return composeStores({
    durability,
    reader,
    known: new KnownRequests(true),
    write: (request) => writer.write(request),
    maintenance,
    now,
    async close() {
      reader.close();
      await maintenance.settled();
      await writer.close();
      ownership.release();
    },
  });
}

/** Brings an owned directory up to date and opens it; where that fails the directory is given back. */
function readerOfOwned(directory: DataDirectory, ownership: Ownership, thread: StartedThread): Reader {
  try {
    attempt("make", directory.database, () => makeFile(directory.database));
    return openReader(directory, (version) => {
      if (version < MIGRATIONS.length) attempt("migrate", directory.database, () => upgrade(directory, version));
      attempt("write to", directory.root, () => {
        ownership.announce();
        syncDirectory(directory.root);
      });
    });
  } catch (error) {
    thread.abandon();
    ownership.release();
    throw error;
  }
}

/** Opens the reading connection first: it can look at a store it must then refuse without changing a byte of it (G2). */
function openReader({ database }: DataDirectory, settle: (version: number) => void): Reader {
  const db = attempt("open", database, () => openForReading(database));
  try {
    settle(attempt("read", database, () => schemaVersion(db, database)));
    return new Reader(db, database);
  } catch (error) {
    db.close();
    throw error;
  }
}

function upgrade({ database }: DataDirectory, version: number): void {
  const db = openForWriting(database, "full");
  try {
    migrate(db, version);
  } finally {
    db.close();
  }
}

/** A writer thread that may still turn out not to be needed. */
interface StartedThread extends WriterThread {
  /** Ends it before its first message. */
  abandon(): void;
}

function startThread({ database }: DataDirectory, durability: Durability): StartedThread {
  const posted = new Int32Array(new SharedArrayBuffer(4));
  const workerData: WriterThreadData = { database, durability, posted };
  const worker = new Worker(threadFile("writer-thread"), { workerData, name: "store writer", execArgv: [] });
  return {
    postMessage(message) {
      worker.postMessage(message);
      Atomics.add(posted, 0, 1);
      Atomics.notify(posted, 0);
    },
    on: worker.on.bind(worker) as WriterThread["on"],
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    abandon: () => void worker.terminate(),
  };
}

function attempt<T>(doing: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw storeError(cause, doing, path);
  }
}

function missing({ root }: DataDirectory): StoreError {
  return new StoreError("store_missing", `there is no store in ${root}: nothing has run there yet`, {
    details: { dataDir: root },
  });
}

function readOnly({ root }: DataDirectory): StoreError {
  return new StoreError("store_read_only", `the store in ${root} is open for reading only`, {
    details: { dataDir: root },
  });
}
