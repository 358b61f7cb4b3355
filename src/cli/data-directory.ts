/** Which data directory a command works on. */
import { resolve } from "node:path";
import type { Surface } from "./surface.ts";

/** `--data-dir`, as commander gives it. */
export interface DataDirFlag {
  readonly dataDir?: string;
}

/** The absolute path: of the flag, else of the environment, else `.swarm-host` here. Touches nothing. */
export function dataDirectory({ cwd, env }: Pick<Surface, "cwd" | "env">, { dataDir }: DataDirFlag): string {
  return resolve(cwd, dataDir ?? (env["SWARM_HOST_DATA_DIR"] || ".swarm-host"));
}
