/**
 * The data directory's files: where they are, and how the directory and its empty files come to be.
 *
 * D1  Directories are made 0700 and files 0600: journals hold what people typed and what models answered.
 * D2  A directory entry that was made here is on disk before anything relies on it.
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Absolute paths of everything in a data directory that this backend owns. */
export interface DataDirectory {
  readonly root: string;
  readonly database: string;
  /** Always empty; see ownership.ts. */
  readonly lock: string;
  /** Process id of the owner, for messages only. */
  readonly owner: string;
}

/** The paths in data directory `root`. Touches nothing. */
export function dataDirectory(root: string): DataDirectory {
  const absolute = resolve(root);
  return {
    root: absolute,
    database: join(absolute, "swarm-host.db"),
    lock: join(absolute, "swarm-host.lock"),
    owner: join(absolute, "swarm-host.pid"),
  };
}

/** Makes the directory where it is missing, parents too (D1, D2). Throws the file system's error. */
export function makeDirectory(directory: DataDirectory): void {
  const first = mkdirSync(directory.root, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = directory.root; made !== dirname(first); made = dirname(made)) syncDirectory(dirname(made));
}

/** Makes an empty file where it is missing (D1). True where it was made. Never opens one that is there (C1). */
export function makeFile(path: string): boolean {
  try {
    closeSync(openSync(path, "wx", 0o600));
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false;
    throw cause;
  }
}

/** Waits until the entries of a directory are on disk. Windows has no such call, and needs none. */
export function syncDirectory(path: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
