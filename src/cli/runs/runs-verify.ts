/** `swarm-host runs verify <run|all>`: every journal read from its first entry, chain and values checked. */
import { KernelError } from "../../host.ts";
import { openRecords, type RunRecords } from "../../run-records.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { oneLine, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";

/** Runs listed at once. */
const PAGE = 500;

/** Options as commander gives them. */
export interface VerifyFlags extends DataDirFlag {
  readonly json?: boolean;
}

interface Verdict {
  readonly run_id: string;
  readonly sound: boolean;
  /** Entries that are sound, up to the first that is not. */
  readonly entries: number;
  readonly message?: string;
}

/** Verifies one journal or all; 1 where one is not sound. */
export async function verifyCommand(surface: Surface, run: string, flags: VerifyFlags): Promise<ExitCode> {
  await using open = await openRecords(dataDirectory(surface, flags));
  const { records } = open;
  const verdicts: Verdict[] = [];
  for await (const runId of run === "all" ? everyRun(records) : [run]) verdicts.push(await verdictOf(records, runId));
  await writeResult(surface.stdout, flags.json ? jsonText(verdicts) : verdictText(surface, verdicts));
  return verdicts.every(({ sound }) => sound) ? EXIT.done : EXIT.failed;
}

async function verdictOf(records: RunRecords, runId: string): Promise<Verdict> {
  try {
    const { length } = await records.journal(runId);
    return { run_id: runId, sound: true, entries: length };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const seq = error.details["seq"];
    return { run_id: runId, sound: false, entries: typeof seq === "number" ? seq - 1 : 0, message: error.message };
  }
}

async function* everyRun(records: RunRecords): AsyncGenerator<string> {
  let before: string | undefined;
  for (;;) {
    const page = await records.runs({ limit: PAGE, ...(before === undefined ? {} : { before }) });
    for (const { runId } of page) yield runId;
    before = page.at(-1)?.runId;
    if (before === undefined || page.length < PAGE) return;
  }
}

function verdictText(surface: Surface, verdicts: readonly Verdict[]): string {
  const style = styleFor(surface.stdout, surface.env);
  if (verdicts.length === 0) return "no runs\n";
  const lines = verdicts.map(({ run_id, sound, entries, message }) =>
    sound
      ? `${style.good(style.glyphs.pass)} ${run_id}  ${entries} entries`
      : `${style.bad(style.glyphs.fail)} ${run_id}  ${oneLine(message ?? "")}`,
  );
  return `${lines.join("\n")}\n`;
}
