export { directoryOwner, openSqliteStores, type SqliteOptions } from "./opening.ts";
export type { SqliteStores } from "./sqlite-stores.ts";
