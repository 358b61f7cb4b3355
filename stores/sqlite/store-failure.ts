/**
 * What SQLite and the file system complain about, as StoreError; and that error as data, to cross from the writer thread.
 */
import { StoreError, type StoreErrorCode } from "../ports.ts";

/** A StoreError as plain data. */
export interface StoreFailure {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, string | number>>;
}

/** SQLite's primary result codes that mean something of their own here. */
const BY_RESULT: ReadonlyMap<number, StoreErrorCode> = new Map([
  [5, "store_locked"], // SQLITE_BUSY
  [6, "store_locked"], // SQLITE_LOCKED
  [11, "store_corrupt"], // SQLITE_CORRUPT
  [13, "store_full"], // SQLITE_FULL
  [19, "store_corrupt"], // SQLITE_CONSTRAINT: every write checks first, so rows contradict each other
  [26, "store_corrupt"], // SQLITE_NOTADB
]);

/**
 * SQLite's extended result codes that mean something else than their primary one. What the disk quota or the file size limit
 * refuses comes as a plain write error, which cannot be told from others.
 */
const BY_EXTENDED_RESULT: ReadonlyMap<number, StoreErrorCode> = new Map([
  [4874, "store_full"], // SQLITE_IOERR_SHMSIZE: no room for the WAL's index
]);

const WAY_OUT: Readonly<Partial<Record<StoreErrorCode, string>>> = {
  store_full: "make room on its disk, then try again",
  store_io: "check the disk and the permissions of the data directory, and its quota",
  store_locked: "end the other process, or use another data directory",
  store_corrupt: "run `swarm-host doctor`, or restore a backup",
};

/**
 * The StoreError for whatever was thrown while `doing` something to `path`. A StoreError stays what it is.
 * @param doing Completes "could not ...".
 */
export function storeError(cause: unknown, doing: string, path: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = codeOf(cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  const sqlite = property(cause, "errcode");
  return new StoreError(code, `could not ${doing} ${path}: ${why}; ${WAY_OUT[code]}`, {
    cause,
    details: { path, ...(typeof sqlite === "number" ? { sqlite } : {}) },
  });
}

/** A StoreError as data. */
export function toFailure({ code, message, details }: StoreError): StoreFailure {
  return { code, message, details };
}

/** The StoreError that `toFailure` was given. */
export function fromFailure({ code, message, details }: StoreFailure): StoreError {
  return new StoreError(code, message, { details: { ...details } });
}

function codeOf(cause: unknown): StoreErrorCode {
  const result = property(cause, "errcode");
  if (typeof result === "number") return BY_EXTENDED_RESULT.get(result) ?? BY_RESULT.get(result & 0xff) ?? "store_io";
  const system = property(cause, "code");
  return system === "ENOSPC" || system === "EDQUOT" ? "store_full" : "store_io";
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
