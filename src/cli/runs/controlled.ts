/** What is done at once and needs no watching: it is done by whoever has the directory, and said. */
import type { Host } from "../../host.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import type { ExitCode } from "../exit-code.ts";
import { sayDone } from "../output.ts";
import type { Surface } from "../surface.ts";
import { withHost } from "./open-existing.ts";
import type { RunningHost } from "./running-host.ts";

/** Does something to a data directory, then says that it is done. */
export async function controlled(
  surface: Surface,
  flags: DataDirFlag,
  done: string,
  act: { readonly own: (host: Host) => Promise<unknown>; readonly ask: (host: RunningHost) => Promise<unknown> },
): Promise<ExitCode> {
  await withHost(surface, dataDirectory(surface, flags), act);
  return sayDone(surface, done);
}
