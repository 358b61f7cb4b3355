/**
 * How connections to the database are opened: every pragma is said here, none is left to a default.
 *
 * C1  Nothing else in this process opens the database, its WAL or the lock file by other means: closing any descriptor
 *     of a file drops the POSIX locks that SQLite holds on it.
 */
import { DatabaseSync } from "node:sqlite";

/** How much of what was acknowledged survives a power loss: all, or all but the last moments. */
export type Durability = "full" | "relaxed";

/** How long a statement waits for a reader's or checkpoint's short lock, in milliseconds. */
const BUSY_MS = 5000;

/**
 * Pages of WAL (4 KiB each) after which a commit copies them into the database. Measured from 1000 to 8000: more wins no
 * throughput, and makes the commit that copies, and the recovery after a crash, longer.
 */
const CHECKPOINT_PAGES = 1000;

/** Bytes a WAL is cut back to when it has grown past its usual size. Above that size, so that blocks are reused. */
const WAL_LIMIT = 64 * 1024 * 1024;

/**
 * The one connection that writes. `full` syncs the WAL at every commit; `relaxed` only at checkpoints, which a crash of
 * the process survives, and after a power loss leaves a consistent store that lacks the last moments.
 */
export function openForWriting(path: string, durability: Durability): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: true });
  configure(db, () =>
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"};
      PRAGMA fullfsync = ${durability === "full" ? "ON" : "OFF"};
      PRAGMA checkpoint_fullfsync = ON;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${WAL_LIMIT};
      PRAGMA cache_size = -16384;
      PRAGMA mmap_size = 0;
      PRAGMA temp_store = MEMORY;
    `),
  );
  return db;
}

/** A connection that cannot write. */
export function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  configure(db, () =>
    db.exec(`
      PRAGMA cache_size = -8192;
      PRAGMA mmap_size = 0;
      PRAGMA temp_store = MEMORY;
    `),
  );
  return db;
}

function configure(db: DatabaseSync, pragmas: () => void): void {
  try {
    pragmas();
  } catch (cause) {
    db.close();
    throw cause;
  }
}
