/** `swarm-host runs watch <run>`: what a run has done, shown as if one had watched it, and what it does from then on. */
import type { JournalEntry, RunEvent, RunRecord } from "../../host.ts";
import { runObject } from "../../run-object.ts";
import { openRecords } from "../../run-records.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { type CancelSignal, EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { chooseView, type ViewFlags } from "../run/choose-view.ts";
import { sayError } from "../run/drive.ts";
import { journalEvents } from "../run/journal-events.ts";
import { failureReport, resultObject, runExit } from "../run/run-end.ts";
import type { RunView } from "../run/run-view.ts";
import { StepLog } from "../run/step-log.ts";
import type { Surface } from "../surface.ts";
import { followEvents } from "./followed-events.ts";
import { findHost, runPath } from "./running-host.ts";

/** Options as commander gives them. */
export interface WatchFlags extends DataDirFlag, ViewFlags {}

/** Shows a run: what it has done and, where a host drives it, what it does. The exit code is that of the run's end. */
export async function watchCommand(surface: Surface, runId: string, flags: WatchFlags): Promise<ExitCode> {
  const view = await chooseView(surface, flags);
  return watchRun(surface, runId, flags, { path: dataDirectory(surface, flags), view });
}

/** What watching needs beside the run. */
export interface Watching {
  /** The data directory. */
  readonly path: string;
  /** Ended when there is no more to see. */
  readonly view: RunView;
  /** The signal that cancelled the run, if one of this process did. */
  readonly signal?: () => CancelSignal | undefined;
}

/** As `watchCommand`, on a view that is there. */
export async function watchRun(
  surface: Surface,
  runId: string,
  flags: ViewFlags,
  { path, view, signal }: Watching,
): Promise<ExitCode> {
  await using open = await openRecords(path);
  const first = await open.records.run(runId);
  const { blueprintId, blueprintVersion: version } = first;
  const entries = await open.records.journal(runId);
  const steps = new StepLog();
  const show = (event: RunEvent): void => {
    steps.apply(event);
    view.event(event);
  };
  view.begin({ runId, blueprintId });
  let end: RunEvent | undefined;
  try {
    for (const event of journalEvents(entries)) {
      if (event.type === "run_finished") end = event;
      show(event);
    }
    // A dead letter has ended without an entry that says so.
    if (end === undefined && first.status !== "dead_letter" && (await findHost(path)) !== undefined) {
      await watchLive(path, runId, entries.length, view, show);
      // Read back, for large values are not in the stream.
      end = journalEvents(await open.records.journal(runId)).at(-1);
      if (end !== undefined) show(end);
    }
  } finally {
    view.end();
  }
  return tellEnd(surface, flags, {
    record: await open.records.run(runId),
    version,
    end,
    steps,
    view,
    signal: signal?.(),
  });
}

/** Shows what a run does from a seq on, until it has ended. */
async function watchLive(
  path: string,
  runId: string,
  after: number,
  view: RunView,
  show: (event: RunEvent) => void,
): Promise<void> {
  const events = followEvents(runPath(runId, "/events"), after, {
    find: () => findHost(path),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    onConnection: (isThere) =>
      view.notice(
        isThere
          ? { level: "info", code: "connected", message: "the host is back" }
          : { level: "warning", code: "disconnected", message: "the connection to the host is lost: looking for it" },
      ),
  });
  for await (const { name, data } of events) {
    if (name === "run_finished") return;
    if (name === "step_event") {
      const { at, key, attempt, event } = JSON.parse(data) as Extract<RunEvent, { type: "step_event" }>;
      show({ type: "step_event", at, key, attempt, event });
    } else for (const event of journalEvents([{ entry: JSON.parse(data) as JournalEntry }])) show(event);
  }
}

/** What the command prints at its end. */
async function tellEnd(
  surface: Surface,
  flags: ViewFlags,
  { record, version, end, steps, view, signal }: Watched,
): Promise<ExitCode> {
  const { runId, blueprintId } = record;
  if (end?.type !== "run_finished") {
    const message = `run ${runId} is ${record.status}${record.error === undefined ? "" : `: ${record.error}`}`;
    view.notice({ level: "info", code: "not_ended", message });
    if (flags.json) await writeResult(surface.stdout, jsonText({ ...runObject(record), ...steps.toJson() }));
    return EXIT.done;
  }
  const { result } = end;
  if (flags.json) {
    await writeResult(surface.stdout, jsonText(resultObject({ runId, blueprintId, version }, result, steps.toJson())));
  } else if (result.status === "done") await writeResult(surface.stdout, jsonText(result.ctx));
  if (result.status === "failed") {
    sayError(surface, flags, failureReport(result.error, { said: steps.messageOf(result.error.key) }));
  }
  return runExit(result, signal);
}

/** What was seen of a run. */
interface Watched {
  readonly record: RunRecord;
  readonly version: string;
  readonly end: RunEvent | undefined;
  readonly steps: StepLog;
  readonly view: RunView;
  readonly signal: CancelSignal | undefined;
}
