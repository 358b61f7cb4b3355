/** Which stores a host is opened over. Each backend's code is loaded only where it is used. */
import type { Stores } from "../stores/ports.ts";

/** Where runs are kept. */
export type DataLocation =
  | { readonly kind: "ephemeral" }
  | {
      readonly kind: "directory";
      readonly path: string;
      /** `relaxed` does not wait for the disk: a power loss may take the last moments. Default `full`. */
      readonly durability?: "full" | "relaxed";
    };

/** Loads the code of a store, for somebody who will open a host over it soon. Opens nothing. */
export async function loadStores(kind: DataLocation["kind"]): Promise<void> {
  await (kind === "ephemeral" ? memoryModule() : sqliteModule());
}

const memoryModule = () => import("../stores/memory/index.ts");
const sqliteModule = () => import("../stores/sqlite/index.ts");

/** Opens the stores of a location. @throws StoreError as openHost. */
export async function openStores(data: DataLocation): Promise<Stores> {
  if (data.kind === "ephemeral") return (await memoryModule()).openMemoryStores();
  const { openSqliteStores } = await sqliteModule();
  return openSqliteStores({
    dataDir: data.path,
    ...(data.durability === undefined ? {} : { durability: data.durability }),
  });
}
