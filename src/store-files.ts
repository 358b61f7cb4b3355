/** Backups of a data directory's store, putting them back, and looking for damage. Owns no state; the backend does the work. */
import { EngineError } from "./engine/index.ts";
import { KernelError } from "./kernel/index.ts";
import { RunRecords } from "./run-records.ts";

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

/** Runs listed at once. */
const PAGE = 500;

/**
 * Reads a data directory's whole store and tells what is damaged, a line each: its structure, what must hold between its
 * tables, and, where that is sound, the digests of every journal and of every large value that one names. @throws StoreError.
 */
export async function damageOf(dataDir: string): Promise<readonly string[]> {
  const { openSqliteStores } = await import("../stores/sqlite/index.ts");
  await using stores = await openSqliteStores({ dataDir, mode: "read" });
  const damage = await stores.maintenance.integrityCheck();
  if (damage.length > 0) return damage;
  const records = new RunRecords(stores);
  const broken: string[] = [];
  for (let before: string | undefined; ; ) {
    const page = await records.runs({ limit: PAGE, ...(before === undefined ? {} : { before }) });
    for (const { runId } of page) {
      try {
        await records.journal(runId);
      } catch (error) {
        // Removed since the page was read.
        if (error instanceof EngineError && error.code === "run_unknown") continue;
        if (!(error instanceof KernelError)) throw error;
        broken.push(`run ${runId}: ${error.message}`);
      }
    }
    before = page.at(-1)?.runId;
    if (before === undefined || page.length < PAGE) return broken;
  }
}
