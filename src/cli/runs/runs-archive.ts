/** `swarm-host runs export` and `runs import`: one run as one file. */
import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { type JsonObject, ownValue } from "../../flow/index.ts";
import { runObject } from "../../run-object.ts";
import { openRecords } from "../../run-records.ts";
import { CliError } from "../cli-error.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { reason, writeLines } from "../text-file.ts";
import { withHost } from "./open-existing.ts";

/** Options of `runs export`, as commander gives them. */
export interface ExportFlags extends DataDirFlag {
  readonly out?: string;
}

/** Options of `runs import`. */
export interface ImportFlags extends DataDirFlag {
  readonly json?: boolean;
}

/** Writes a run's archive to a file, or to standard output. Works beside a host that is running there. */
export async function exportCommand(surface: Surface, runId: string, flags: ExportFlags): Promise<ExitCode> {
  await using open = await openRecords(dataDirectory(surface, flags));
  const lines = await open.records.archive(runId);
  if (flags.out === undefined) {
    for await (const line of lines) await writeResult(surface.stdout, line);
    return EXIT.done;
  }
  await writeLines(resolve(surface.cwd, flags.out), lines);
  const style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} run ${runId} exported to ${flags.out}\n`);
  return EXIT.done;
}

/** Imports a run's archive. */
export async function importCommand(surface: Surface, file: string, flags: ImportFlags): Promise<ExitCode> {
  const path = resolve(surface.cwd, file);
  await access(path, constants.R_OK).catch((cause: unknown) => {
    const hint = "check the name and the permissions";
    throw new CliError("unreadable", `cannot be read: ${reason(cause)}`, { place: file, hint, cause });
  });
  const row = await withHost<JsonObject | null>(
    surface,
    dataDirectory(surface, flags),
    {
      own: async (host) => runObject(await host.importRun(() => createReadStream(path))),
      ask: (host) => host.upload("/v1/archives", path),
    },
    { make: true },
  );
  const runId = String(row === null ? "" : ownValue(row, "run_id"));
  const style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} run ${runId} imported\n`);
  if (row !== null && ownValue(row, "status") === "paused") {
    surface.stderr.write(
      `${style.warn("!")} it had not ended, and may be going on where it came from: it is paused; go on with \`swarm-host runs resume ${runId}\`\n`,
    );
  }
  await writeResult(surface.stdout, flags.json ? jsonText(row) : `${runId}\n`);
  return EXIT.done;
}
