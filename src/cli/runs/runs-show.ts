/** `swarm-host runs show <run>`. */
import type { JsonObject } from "../../flow/index.ts";
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

/** Child runs that are shown, the newest. */
const MAX_CHILDREN_SHOWN = 100;

/** Prints a run's row, its steps and its children. */
export async function showCommand(surface: Surface, runId: string, flags: ShowFlags): Promise<ExitCode> {
  await using open = await openRecords(dataDirectory(surface, flags));
  const record = await open.records.run(runId);
  const entries = await open.records.journal(runId);
  const children = await open.records.runs({ parentRunId: runId, limit: MAX_CHILDREN_SHOWN });
  const steps = stepHistory(entries);
  const text = flags.json
    ? jsonText({
        ...runObject(record),
        ...forkObject(entries),
        steps: steps.map(stepObject),
        ...(children.length === 0 ? {} : { children: children.map(childObject) }),
      })
    : showText(
        { record, children, steps, forkKey: forkObject(entries).fork_key },
        styleFor(surface.stdout, surface.env),
      );
  await writeResult(surface.stdout, text);
  return EXIT.done;
}

function forkObject(entries: readonly ReplayedEntry[]): { readonly fork_key?: string } {
  const first = entries[0]?.entry;
  return first?.type === "run_started" && first.forked_from !== undefined ? { fork_key: first.forked_from.key } : {};
}

function childObject({ runId, status, blueprintId, parentStep }: RunRecord): JsonObject {
  return {
    run_id: runId,
    status,
    blueprint: { id: blueprintId },
    ...(parentStep === undefined ? {} : { ...parentStep }),
  };
}

/** What is shown of one run. */
interface Shown {
  readonly record: RunRecord;
  /** Newest first. */
  readonly children: readonly RunRecord[];
  readonly steps: readonly StepHistory[];
  readonly forkKey: string | undefined;
}

function showText({ record, children, steps, forkKey }: Shown, style: Style): string {
  const facts: (readonly [string, string | undefined])[] = [
    ["status", statusText(record.status, style)],
    ["blueprint", `${record.blueprintId} ${style.faint(record.blueprintVersion)}`],
    ["created", timeText(record.createdAt)],
    ["updated", timeText(record.updatedAt)],
    ["wakes", record.wakeAt === undefined ? undefined : timeText(record.wakeAt)],
    [forkKey === "start" ? "rerun of" : "forked from", forkText(record, forkKey)],
    ["parent", parentText(record)],
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
  return `${[...lines, "", ...table, ...degradationLines(steps, style), ...childLines(children, style)].join("\n")}\n`;
}

function forkText({ forkedFrom }: RunRecord, key = "unknown"): string | undefined {
  return forkedFrom === undefined || key === "start" ? forkedFrom : `${forkedFrom}, ${key}`;
}

function parentText({ parentRunId, parentStep }: RunRecord): string | undefined {
  if (parentRunId === undefined || parentStep === undefined) return parentRunId;
  return `${parentRunId}, step ${parentStep.key}, attempt ${parentStep.attempt}`;
}

/** The child runs, below the table of steps. */
function childLines(children: readonly RunRecord[], style: Style): readonly string[] {
  if (children.length === 0) return [];
  const rows = children.map(({ runId, status, blueprintId, parentStep }) => [
    runId,
    statusText(status, style),
    blueprintId,
    parentStep === undefined ? "" : `${parentStep.key}/${parentStep.attempt}`,
  ]);
  const more = children.length < MAX_CHILDREN_SHOWN ? [] : ["  and more: see `swarm-host runs list --parent`"];
  return ["", style.strong("children"), ...tableLines(["run", "status", "blueprint", "step"], rows, style), ...more];
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
