/** `swarm-host runs show <run>`. */
import type { ReplayedEntry, RunRecord } from "../../host.ts";
import { runObject } from "../../run-object.ts";
import { openRecords } from "../../run-records.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { count, formatDuration, oneLine, type Style, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { statusText } from "./status-text.ts";
import { type StepHistory, stepHistory, stepObject } from "./step-history.ts";
import { tableLines } from "./table.ts";
import { timeText } from "./time-text.ts";

/** Options as commander gives them. */
export interface ShowFlags extends DataDirFlag {
  readonly json?: boolean;
}

/** Prints a run's row and steps. */
export async function showCommand(surface: Surface, runId: string, flags: ShowFlags): Promise<ExitCode> {
  await using open = await openRecords(dataDirectory(surface, flags));
  const record = await open.records.run(runId);
  const entries = await open.records.journal(runId);
  const steps = stepHistory(entries);
  const text = flags.json
    ? jsonText({ ...runObject(record), ...forkObject(entries), steps: steps.map(stepObject) })
    : showText(record, forkObject(entries).fork_key, steps, styleFor(surface.stdout, surface.env));
  await writeResult(surface.stdout, text);
  return EXIT.done;
}

function forkObject(entries: readonly ReplayedEntry[]): { readonly fork_key?: string } {
  const first = entries[0]?.entry;
  return first?.type === "run_started" && first.forked_from !== undefined ? { fork_key: first.forked_from.key } : {};
}

function showText(record: RunRecord, forkKey: string | undefined, steps: readonly StepHistory[], style: Style): string {
  const facts: (readonly [string, string | undefined])[] = [
    ["status", statusText(record.status, style)],
    ["blueprint", `${record.blueprintId} ${style.faint(record.blueprintVersion)}`],
    ["created", timeText(record.createdAt)],
    ["updated", timeText(record.updatedAt)],
    ["wakes", record.wakeAt === undefined ? undefined : timeText(record.wakeAt)],
    ["forked from", record.forkedFrom === undefined ? undefined : `${record.forkedFrom}, ${forkKey ?? "unknown"}`],
    ["launch key", record.idempotencyKey],
    ["held", record.held ? "until it is released" : undefined],
    ["error", record.error],
    ["journal", count(record.nextSeq - 1, "entry").replace(/entrys$/u, "entries")],
  ];
  const lines = [style.strong(record.runId)];
  for (const [name, value] of facts)
    if (value !== undefined)
      lines.push(`  ${style.faint(name.padEnd(12))}${name === "error" ? oneLine(value) : value}`);
  if (steps.length === 0) return `${[...lines, "", "no steps"].join("\n")}\n`;
  const rows = steps.map((step) => [
    step.key,
    oneLine(step.agent),
    outcomeText(step, style),
    String(step.attempts),
    step.durationMs === undefined ? "" : formatDuration(step.durationMs),
    noteOf(step),
  ]);
  const table = tableLines(["key", "agent", "outcome", "attempts", "time", ""], rows, style);
  return `${[...lines, "", ...table, ...degradationLines(steps, style)].join("\n")}\n`;
}

/** Each degradation a line, below the table of steps. */
function degradationLines(steps: readonly StepHistory[], style: Style): readonly string[] {
  const lines = steps.flatMap(({ key, degradations }) =>
    degradations.map(({ attempt, tool, error, fallback, note }) => {
      const what = `${tool}: ${error}; instead: ${fallback}${note === undefined ? "" : ` (${note})`}`;
      return `  ${key} attempt ${attempt}: ${oneLine(what)}`;
    }),
  );
  return lines.length === 0 ? [] : ["", style.strong("degradations"), ...lines];
}

function outcomeText({ outcome }: StepHistory, style: Style): string {
  if (outcome === "pass") return style.good(outcome);
  if (outcome === "error" || outcome === "timeout" || outcome === "blocked") return style.bad(outcome);
  return outcome === "running" || outcome === "waiting" || outcome === "retrying"
    ? style.active(outcome)
    : style.faint(outcome);
}

function noteOf(step: StepHistory): string {
  const notes = [
    ...(step.reusedFrom === undefined ? [] : [`taken over from ${step.reusedFrom}`]),
    ...(step.wakeAt === undefined ? [] : [`until ${timeText(step.wakeAt)}`]),
    ...(step.message === undefined ? [] : [oneLine(step.message)]),
  ];
  return notes.join("; ");
}
