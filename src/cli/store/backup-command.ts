/** `swarm-host backup` and `restore`: the whole store as one file. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { backUpStore, restoreStore } from "../../store-files.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import type { ExitCode } from "../exit-code.ts";
import { sayDone } from "../output.ts";
import { formatBytes } from "../style.ts";
import type { Surface } from "../surface.ts";

/** Options of `restore`, as commander gives them. */
export interface RestoreFlags extends DataDirFlag {
  readonly force?: boolean;
}

/** Backs up a data directory's store, also while a host works there. */
export async function backupCommand(surface: Surface, file: string, flags: DataDirFlag): Promise<ExitCode> {
  const path = resolve(surface.cwd, file);
  await backUpStore(dataDirectory(surface, flags), path);
  return sayDone(surface, `backed up to ${file} (${formatBytes((await stat(path)).size)})`);
}

/** Puts a backup in the place of a data directory's store. */
export async function restoreCommand(surface: Surface, file: string, flags: RestoreFlags): Promise<ExitCode> {
  const dataDir = dataDirectory(surface, flags);
  await restoreStore({ dataDir, file: resolve(surface.cwd, file), replace: flags.force === true });
  return sayDone(surface, `restored to ${dataDir}; see to it that nothing else still goes on with these runs`);
}
