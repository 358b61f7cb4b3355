/** Opening a host on a data directory that, unless said otherwise, must be there: asking about a run makes no new store. */
import type { Host } from "../../host.ts";
import type { Workshop } from "../../workshop.ts";
import type { Surface } from "../surface.ts";
import { ownerOf, type RunningHost } from "./running-host.ts";

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

async function openNew(surface: Surface, path: string): Promise<Host> {
  const { openHost } = await import("../../host.ts");
  return openHost({ data: { kind: "directory", path }, env: surface.env });
}

/** As `openExisting`; where a host is running there, `ask` speaks to it instead. */
export async function withHost<T>(
  surface: Surface,
  path: string,
  act: { readonly own: (host: Host) => Promise<T>; readonly ask: (host: RunningHost) => Promise<T> },
  options: {
    readonly workshop?: Workshop /** Make the directory where it is missing. */;
    readonly make?: boolean;
  } = {},
): Promise<T> {
  let host: Host;
  try {
    host = options.make ? await openNew(surface, path) : await openExisting(surface, path, options.workshop);
  } catch (error) {
    const running = await ownerOf(path, error);
    if (running === undefined) throw error;
    return act.ask(running);
  }
  await using owned = host;
  return await act.own(owned);
}

/** A store of an older version is there: opening it for writing brings it up to date. */
function passOlder(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "store_older")) throw error;
}
