export { directoryOwner, openSqliteStores, type SqliteOptions } from "./opening.ts";
export { type RestoreOrder, restoreBackup } from "./restore.ts";
export type { SqliteStores } from "./sqlite-stores.ts";
