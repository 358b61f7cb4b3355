/**
 * `swarm-host events` and `swarm-host runs events <run>`: what is journaled, in its order, and what is added.
 *
 * What is there is read from the data directory, beside a host or without one; what is added comes from the host that runs
 * on it, over its restarts. Both give the same offsets, so either can go on where the other ended.
 */
import type { JournalEntry } from "../../host.ts";
import { openRecords, type RunRecords } from "../../run-records.ts";
import { CliError } from "../cli-error.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { writeResult } from "../output.ts";
import { followEvents } from "../runs/followed-events.ts";
import { findHost, runPath } from "../runs/running-host.ts";
import { styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { eventJson, eventText, type HostEvent } from "./event-line.ts";

/** Rows read at once. */
const PAGE = 500;

/** Options as commander gives them. */
export interface EventsFlags extends DataDirFlag {
  readonly follow?: boolean;
  readonly from?: number;
  readonly json?: boolean;
}

/** Prints the events of all runs, or of one. */
export async function eventsCommand(
  surface: Surface,
  runId: string | undefined,
  flags: EventsFlags,
): Promise<ExitCode> {
  const path = dataDirectory(surface, flags);
  const style = styleFor(surface.stdout, surface.env);
  const print = (event: HostEvent): Promise<void> =>
    writeResult(surface.stdout, flags.json ? eventJson(event) : eventText(event, style));
  if (flags.follow && (await findHost(path)) === undefined) {
    throw new CliError("usage", `no host is running on ${path}: nothing is added there`, {
      place: "--follow",
      hint: "start one with `swarm-host serve`, or leave --follow out to see what is there",
      exit: EXIT.failed,
    });
  }
  let last = 0;
  {
    await using open = await openRecords(path);
    const { records } = open;
    if (runId !== undefined) await records.run(runId);
    // All of the host's that was there before is a lot; all of a run's is what its journal holds.
    const isNewsOnly = flags.follow === true && runId === undefined;
    last = flags.from === undefined ? (isNewsOnly ? await records.end() : 0) : flags.from - 1;
    for await (const event of recorded(records, runId, last)) {
      await print(event);
      last = event.offset;
      if (runId !== undefined && event.entry.type === "run_finished") return EXIT.done;
    }
  }
  if (!flags.follow) return EXIT.done;
  const events = followEvents(runId === undefined ? "/v1/events" : runPath(runId, "/events"), last, {
    find: () => findHost(path),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  for await (const { id, name, data } of events) {
    // What workers say in passing has no offset.
    if (id === undefined) continue;
    await print(toEvent(Number(id), runId, data));
    if (runId !== undefined && name === "run_finished") break;
  }
  return EXIT.done;
}

async function* recorded(records: RunRecords, runId: string | undefined, after: number): AsyncGenerator<HostEvent> {
  for (let last = after; ; ) {
    const page =
      runId === undefined
        ? (await records.tail(last, PAGE)).map((row) => ({ ...row, offset: row.position }))
        : (await records.entries(runId, last + 1, PAGE)).map((row) => ({ ...row, offset: row.seq, runId }));
    for (const { offset, runId: of, text } of page) {
      yield { offset, runId: of, entry: JSON.parse(text) as JournalEntry };
      last = offset;
    }
    if (page.length < PAGE) return;
  }
}

function toEvent(offset: number, runId: string | undefined, data: string): HostEvent {
  if (runId !== undefined) return { offset, runId, entry: JSON.parse(data) as JournalEntry };
  const { run_id, entry } = JSON.parse(data) as { readonly run_id: string; readonly entry: JournalEntry };
  return { offset, runId: run_id, entry };
}
