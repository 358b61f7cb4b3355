/** `swarm-host runs list`. */
import type { RunRecord, RunStatus } from "../../host.ts";
import { runObject } from "../../run-object.ts";
import { openRecords } from "../../run-records.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { oneLine, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { statusText } from "./status-text.ts";
import { tableLines } from "./table.ts";
import { timeText } from "./time-text.ts";

/** Options as commander gives them. */
export interface ListFlags extends DataDirFlag {
  readonly status?: readonly RunStatus[];
  readonly blueprint?: string;
  readonly parent?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Prints runs, newest first. */
export async function listCommand(surface: Surface, flags: ListFlags): Promise<ExitCode> {
  const { status, blueprint, parent, limit } = flags;
  await using open = await openRecords(dataDirectory(surface, flags));
  const records = await open.records.runs({
    limit,
    ...(status === undefined ? {} : { status }),
    ...(blueprint === undefined ? {} : { blueprintId: blueprint }),
    ...(parent === undefined ? {} : { parentRunId: parent }),
  });
  await writeResult(surface.stdout, flags.json ? jsonText(records.map(runObject)) : listText(surface, records));
  return EXIT.done;
}

function listText(surface: Surface, records: readonly RunRecord[]): string {
  if (records.length === 0) return "no runs\n";
  const style = styleFor(surface.stdout, surface.env);
  const rows = records.map((record) => [
    record.runId,
    statusText(record.status, style),
    record.blueprintId,
    timeText(record.createdAt),
    oneLine(record.error ?? ""),
  ]);
  return `${tableLines(["run", "status", "blueprint", "created", ""], rows, style).join("\n")}\n`;
}
