/**
 * Backups: a whole copy of an open database in a new file, while others write.
 *
 * B1  The copy is what was committed when it began, in one file without a WAL. Opened as a store it is one.
 * B2  Under the name that was asked for there is a whole copy that is on disk, or nothing.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../ports.ts";
import { makeFile, syncDirectory } from "./data-directory.ts";
import { storeError } from "./store-failure.ts";

/** Copies the database. Throws StoreError `file_exists`, `store_full` or `store_io`. */
export function backUp(db: DatabaseSync, file: string): void {
  const target = resolve(file);
  const partial = `${target}.partial`;
  if (existsSync(target)) throw exists(target);
  try {
    if (!makeFile(partial)) throw exists(partial);
  } catch (cause) {
    throw storeError(cause, "back up to", target);
  }
  try {
    db.prepare("VACUUM INTO ?").run(partial);
    syncFile(partial);
    if (existsSync(target)) throw exists(target);
    renameSync(partial, target);
    syncDirectory(dirname(target));
  } catch (cause) {
    rmSync(partial, { force: true });
    throw storeError(cause, "back up to", target);
  }
}

/** Waits until a file is on disk. */
export function syncFile(path: string): void {
  const descriptor = openSync(path, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function exists(path: string): StoreError {
  return new StoreError("file_exists", `${path} is there already: remove it, or back up to another file`, {
    details: { path },
  });
}
