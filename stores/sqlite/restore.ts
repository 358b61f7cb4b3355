/**
 * Restoring: putting a backup in the place of a data directory's store.
 *
 * K1  The directory is owned meanwhile: a store that a host works on is never replaced.
 * K2  What is put there was read whole and is sound. Before that nothing of the directory's is changed.
 * K3  At every moment there is the old store or the new one, whole.
 */
import { constants, copyFileSync, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { StoreError } from "../ports.ts";
import { syncFile } from "./backup.ts";
import { openForReading, openForWriting } from "./connection.ts";
import { type DataDirectory, dataDirectory, makeDirectory, makeFile, syncDirectory } from "./data-directory.ts";
import { migrate, schemaVersion } from "./migrate.ts";
import { takeOwnership } from "./ownership.ts";
import { findDamage } from "./sql/find-damage.ts";
import { storeError } from "./store-failure.ts";

/** What is restored where. */
export interface RestoreOrder {
  /** A file that `backup` wrote, of this schema version or an older one. */
  readonly file: string;
  /** Made where it is missing. */
  readonly dataDir: string;
  /** Whether a store that is there is replaced. */
  readonly replace: boolean;
}

/**
 * Restores a backup.
 * @throws StoreError `store_locked`, `file_exists` without `replace`, `backup_missing`, `backup_unsound`,
 *   `store_newer`, `store_full` or `store_io`; the directory has the store it had then.
 */
export function restoreBackup({ file, dataDir, replace }: RestoreOrder): void {
  const source = resolve(file);
  const directory = dataDirectory(dataDir);
  if (!existsSync(source)) {
    throw new StoreError("backup_missing", `there is no file ${source}`, { details: { path: source } });
  }
  if (statSync(`${source}-wal`, { throwIfNoEntry: false })?.size) {
    throw notABackup(
      source,
      "it is a store in use, or was when it was copied; make a backup of it with `swarm-host backup`",
    );
  }
  refuseForeign(source);
  makeDirectory(directory);
  const ownership = takeOwnership(directory);
  const arriving = `${directory.database}.restoring`;
  try {
    if (!replace && existsSync(directory.database)) throw occupied(directory);
    removeDatabase(arriving);
    makeFile(arriving);
    // Copied as bytes: a backup has no WAL, and nothing is written to it.
    copyFileSync(source, arriving, constants.COPYFILE_FICLONE);
    makeSound(arriving, source);
    retire(directory);
    renameSync(arriving, directory.database);
    syncDirectory(directory.root);
  } catch (cause) {
    removeDatabase(arriving);
    throw storeError(cause, "restore", directory.root);
  } finally {
    ownership.release();
  }
}

/** Refuses what is no store, or a newer one, before anything is made. */
function refuseForeign(source: string): void {
  try {
    const db = openForReading(source);
    try {
      if (schemaVersion(db, source) === 0) throw notABackup(source, "it is empty");
    } finally {
      db.close();
    }
  } catch (cause) {
    throw ofBackup(cause, source);
  }
}

/** Brings the copy up to date and reads all of it (K2). */
function makeSound(database: string, source: string): void {
  const db = openForWriting(database, "full");
  try {
    migrate(db, schemaVersion(db, source));
    const damage = findDamage(db);
    if (damage.length > 0) throw notABackup(source, damage.join("; "));
    // Whoever had a lease has it on the store that was backed up, not on this one.
    db.exec("DELETE FROM leases");
  } catch (cause) {
    throw ofBackup(cause, source);
  } finally {
    db.close();
  }
  syncFile(database);
}

/** Folds the old store's WAL into its file: left behind, it would be read as the new one's. */
function retire({ database }: DataDirectory): void {
  if (!existsSync(database)) return;
  try {
    openForWriting(database, "full").close();
  } catch (cause) {
    // A store that cannot even be opened is being replaced for that; its WAL is worth nothing without it.
    if (storeError(cause, "open", database).code !== "store_corrupt") throw cause;
  }
  for (const suffix of ["-wal", "-shm"]) rmSync(`${database}${suffix}`, { force: true });
}

function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
}

/** What was read is damaged, not the store that is here. */
function ofBackup(cause: unknown, source: string): StoreError {
  const error = storeError(cause, "read", source);
  return error.code === "store_corrupt" ? notABackup(source, "it is another file, or damaged", cause) : error;
}

function notABackup(path: string, why: string, cause?: unknown): StoreError {
  return new StoreError("backup_unsound", `${path} is not a sound backup: ${why}; nothing was restored`, {
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}

function occupied({ root, database }: DataDirectory): StoreError {
  return new StoreError("file_exists", `there is a store in ${root}: replace it with --force, or restore elsewhere`, {
    details: { path: database },
  });
}
