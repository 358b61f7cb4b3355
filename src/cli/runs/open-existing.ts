/** Opening a host on a data directory that must be there already: asking about a run makes no new store. */
import type { Host } from "../../host.ts";
import type { Workshop } from "../../workshop.ts";
import type { Surface } from "../surface.ts";

/**
 * Opens a host that owns the directory. The caller disposes it.
 * @throws StoreError `store_missing`, `store_locked`, and as openHost.
 */
export async function openExisting(surface: Surface, path: string, workshop?: Workshop): Promise<Host> {
  const [{ openHost }, { openRecords }] = await Promise.all([import("../../host.ts"), import("../../run-records.ts")]);
  const look = await openRecords(path).catch(passOlder);
  await look?.[Symbol.asyncDispose]();
  return openHost({
    data: { kind: "directory", path },
    env: surface.env,
    ...(workshop === undefined ? {} : { workshop }),
  });
}

/** A store of an older version is there: opening it for writing brings it up to date. */
function passOlder(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "store_older")) throw error;
}
