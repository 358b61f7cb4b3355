/** One journaled event as a line: for people, and as JSON. */
import type { JournalEntry } from "../../host.ts";
import { timeText } from "../runs/time-text.ts";
import { oneLine, type Style } from "../style.ts";

/** A journaled event of a run. */
export interface HostEvent {
  /** Where to go on: the position among the events of the host, or the entry's seq among those of one run. */
  readonly offset: number;
  readonly runId: string;
  readonly entry: JournalEntry;
}

/** What people are told of an entry, in this order, as far as it has it. */
const TOLD = [
  "key",
  "attempt",
  "agent",
  "worker",
  "outcome",
  "name",
  "seat",
  "holder",
  "join",
  "ref",
  "by",
  "status",
  "reason",
] as const;

/** A line for people: offset, time, run, type, and what there is to say of it. */
export function eventText({ offset, runId, entry }: HostEvent, style: Style): string {
  const said = entry as unknown as Readonly<Record<string, unknown>>;
  const told = TOLD.filter((field) => Object.hasOwn(said, field)).map(
    (field) => `${style.faint(`${field}=`)}${oneLine(String(said[field]))}`,
  );
  const head = [String(offset).padStart(6), style.faint(timeText(entry.at)), runId, style.strong(oneLine(entry.type))];
  return `${[...head, ...told].join("  ")}\n`;
}

/** A line of JSON. */
export function eventJson({ offset, runId, entry }: HostEvent): string {
  return `${JSON.stringify({ offset, run_id: runId, entry })}\n`;
}
