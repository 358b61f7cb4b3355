/**
 * Exclusive ownership of a data directory: one process, one opened store, may write.
 *
 * The lock is SQLite's own exclusive lock on an empty database beside the real one, held by an open transaction for as
 * long as the store is open. The kernel drops it when the process ends, however it ends, so there is no stale lock to
 * judge; SQLite also refuses a second holder within one process, which a bare POSIX lock would not; and readers of the real
 * database are not shut out, as they would be by `locking_mode = EXCLUSIVE`. Nothing is ever written to the lock file.
 *
 * O1  The lock is taken before anything in the directory is looked at, and given back after the last write.
 * O2  The file with the owner's process id is for messages only. Whoever has the lock is the owner.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../ports.ts";
import { type DataDirectory, makeFile } from "./data-directory.ts";
import { storeError } from "./store-failure.ts";

/** A data directory that is ours until `release`. */
export interface Ownership {
  /** Leaves our process id for others to name (O2). */
  announce(): void;
  release(): void;
}

/** Takes the directory. Throws StoreError `store_locked` with the holder's `pid` where it is known, or `store_io`. */
export function takeOwnership(directory: DataDirectory): Ownership {
  const lock = openLock(directory);
  let announced = false;
  return {
    announce() {
      writeFileSync(directory.owner, `${process.pid}\n`, { mode: 0o600 });
      announced = true;
    },
    release() {
      try {
        if (announced) rmSync(directory.owner, { force: true });
      } finally {
        lock.close();
      }
    },
  };
}

/**
 * The process that owns a directory now; undefined where none does, or where it has not announced itself. Looks at the lock
 * for a moment only, and never takes it: who is about to own the directory is not kept from it (LOCK_WAIT_MS).
 */
export function ownerProcess(directory: DataDirectory): number | undefined {
  if (!existsSync(directory.lock)) return undefined;
  const lock = new DatabaseSync(directory.lock, { readOnly: true, timeout: 0 });
  try {
    lock.prepare("SELECT count(*) FROM sqlite_schema").get();
    return undefined;
  } catch (cause) {
    if (storeError(cause, "look at", directory.lock).code === "store_locked") return ownerPid(directory);
    throw storeError(cause, "look at", directory.lock);
  } finally {
    lock.close();
  }
}

/** How long an owner-to-be waits for those that only look. */
const LOCK_WAIT_MS = 100;

function openLock(directory: DataDirectory): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    makeFile(directory.lock);
    lock = new DatabaseSync(directory.lock, { timeout: LOCK_WAIT_MS });
    // The rollback journal in memory: beginning would make a file otherwise.
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock?.close();
    const error = storeError(cause, "lock", directory.root);
    throw error.code === "store_locked" ? lockedBy(directory, cause) : error;
  }
}

function lockedBy(directory: DataDirectory, cause: unknown): StoreError {
  const pid = ownerPid(directory);
  const holder = pid === undefined ? "another swarm-host" : `another swarm-host (process ${pid})`;
  return new StoreError(
    "store_locked",
    `data directory ${directory.root} is in use by ${holder}: end it, or use another data directory; nothing was changed`,
    { cause, details: { dataDir: directory.root, ...(pid === undefined ? {} : { pid }) } },
  );
}

function ownerPid(directory: DataDirectory): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(directory.owner, "utf8"), 10);
    return Number.isSafeInteger(pid) ? pid : undefined;
  } catch {
    return undefined; // It is only for the message: between taking the lock and announcing there is no such file.
  }
}
