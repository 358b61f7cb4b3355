/** `swarm-host schedule list` and `show`. They read the directory, beside a host that works there or without one. */
import { type JsonObject, ownValue } from "../../flow/index.ts";
import type { ScheduleRecord } from "../../host-schedules.ts";
import { openRecords } from "../../run-records.ts";
import { scheduleObject, timesText } from "../../schedule-object.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { tableLines } from "../runs/table.ts";
import { timeText } from "../runs/time-text.ts";
import { oneLine, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";

/** Options as commander gives them. */
export interface ListFlags extends DataDirFlag {
  readonly json?: boolean;
}

/** Schedules read at once. */
const PAGE = 500;

/** Prints all schedules. */
export async function listCommand(surface: Surface, flags: ListFlags): Promise<ExitCode> {
  await using open = await openRecords(dataDirectory(surface, flags));
  const schedules: ScheduleRecord[] = [];
  for (;;) {
    const after = schedules.at(-1)?.name;
    const page = await open.records.schedules({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    schedules.push(...page);
    if (page.length < PAGE) break;
  }
  await writeResult(
    surface.stdout,
    flags.json ? jsonText(schedules.map(scheduleObject)) : listText(surface, schedules),
  );
  return EXIT.done;
}

/** Prints one schedule. */
export async function showCommand(surface: Surface, name: string, flags: ListFlags): Promise<ExitCode> {
  await using open = await openRecords(dataDirectory(surface, flags));
  const schedule = scheduleObject(await open.records.schedule(name));
  await writeResult(surface.stdout, flags.json ? jsonText(schedule) : scheduleText(surface, schedule));
  return EXIT.done;
}

/** A schedule for people. */
export function scheduleText(surface: Surface, schedule: JsonObject): string {
  const style = styleFor(surface.stdout, surface.env);
  const value = (name: string): string | undefined => {
    const found = ownValue(schedule, name);
    if (found === undefined || found === false) return undefined;
    if (name.endsWith("_at") && typeof found === "number") return timeText(found);
    return typeof found === "string" ? found : JSON.stringify(found);
  };
  const catchUp = [value("catch_up"), value("catch_up_limit")].filter((part) => part !== undefined).join(", ");
  const blueprint = ownValue(schedule, "blueprint") as JsonObject;
  const facts: (readonly [string, string | undefined])[] = [
    ["fires", timesText(schedule)],
    ["blueprint", `${String(blueprint["id"])} ${style.faint(String(blueprint["version"]))}`],
    ["input", value("input")],
    ["overlap", value("overlap")],
    ["catch up", catchUp],
    ["paused", value("paused") === undefined ? undefined : "yes"],
    ["next", value("next_at")],
    ["waiting", value("buffered_at")],
    ["last", lastText(ownValue(schedule, "last") as JsonObject | undefined)],
    ["last run", value("last_run_id")],
  ];
  const lines = [style.strong(String(ownValue(schedule, "name")))];
  for (const [name, text] of facts)
    if (text !== undefined) lines.push(`  ${style.faint(name.padEnd(12))}${oneLine(text)}`);
  return `${lines.join("\n")}\n`;
}

function listText(surface: Surface, schedules: readonly ScheduleRecord[]): string {
  if (schedules.length === 0) return "no schedules\n";
  const style = styleFor(surface.stdout, surface.env);
  const rows = schedules.map((schedule) => [
    schedule.name,
    schedule.blueprintId,
    timesText(scheduleObject(schedule)),
    schedule.paused ? style.warn("paused") : schedule.nextAt === undefined ? "over" : timeText(schedule.nextAt),
    schedule.last === undefined ? "" : `${schedule.last.outcome} ${timeText(schedule.last.at)}`,
  ]);
  return `${tableLines(["schedule", "blueprint", "fires", "next", "last"], rows, style).join("\n")}\n`;
}

function lastText(last: JsonObject | undefined): string | undefined {
  if (last === undefined) return undefined;
  const error = ownValue(last, "error");
  const text = `${String(ownValue(last, "outcome"))} ${timeText(Number(ownValue(last, "at")))}`;
  return typeof error === "string" ? `${text}: ${error}` : text;
}
