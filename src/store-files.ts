/** Backups of a data directory's store, and putting them back. Owns no state; the backend does the work. */

/**
 * Writes a whole copy of a data directory's store to a new file, also while a host works there.
 * @throws StoreError `store_missing`, `file_exists`, `store_full`, `store_io`; no file is left then.
 */
export async function backUpStore(dataDir: string, file: string): Promise<void> {
  const { openSqliteStores } = await import("../stores/sqlite/index.ts");
  await using stores = await openSqliteStores({ dataDir, mode: "read" });
  await stores.maintenance.backup(file);
}

/**
 * Puts a backup in the place of a data directory's store.
 * @throws StoreError as restoreBackup of stores/sqlite; nothing was changed then.
 */
export async function restoreStore(order: {
  readonly dataDir: string;
  readonly file: string;
  /** Whether a store that is there is replaced. */
  readonly replace: boolean;
}): Promise<void> {
  const { restoreBackup } = await import("../stores/sqlite/index.ts");
  restoreBackup(order);
}

/** Reads a data directory's whole store and tells what is damaged, a line each. @throws StoreError. */
export async function damageOf(dataDir: string): Promise<readonly string[]> {
  const { openSqliteStores } = await import("../stores/sqlite/index.ts");
  await using stores = await openSqliteStores({ dataDir, mode: "read" });
  return stores.maintenance.integrityCheck();
}
