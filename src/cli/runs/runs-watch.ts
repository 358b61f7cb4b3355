/** `swarm-host runs watch <run>`: what a run has done, shown as if one had watched it. */
import type { RunEvent } from "../../host.ts";
import { runObject } from "../../run-object.ts";
import { openRecords } from "../../run-records.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { chooseView, type ViewFlags } from "../run/choose-view.ts";
import { sayError } from "../run/drive.ts";
import { journalEvents } from "../run/journal-events.ts";
import { failureReport, resultObject, runExit } from "../run/run-end.ts";
import { StepLog } from "../run/step-log.ts";
import type { Surface } from "../surface.ts";

/** Options as commander gives them. */
export interface WatchFlags extends DataDirFlag, ViewFlags {}

/** Shows a run. The exit code is that of the run where it has ended. */
export async function watchCommand(surface: Surface, runId: string, flags: WatchFlags): Promise<ExitCode> {
  await using open = await openRecords(dataDirectory(surface, flags));
  const record = await open.records.run(runId);
  const events = journalEvents(await open.records.journal(runId));
  const view = await chooseView(surface, flags);
  const steps = new StepLog();
  const { blueprintId, blueprintVersion: version } = record;
  view.begin({ runId, blueprintId });
  for (const event of events) {
    steps.apply(event);
    view.event(event);
  }
  view.end();
  const result = resultIn(events);
  if (result === undefined) {
    const message = `run ${runId} is ${record.status}${record.error === undefined ? "" : `: ${record.error}`}`;
    view.notice({ level: "info", code: "not_ended", message });
    if (flags.json) await writeResult(surface.stdout, jsonText({ ...runObject(record), ...steps.toJson() }));
    return EXIT.done;
  }
  if (flags.json) {
    await writeResult(surface.stdout, jsonText(resultObject({ runId, blueprintId, version }, result, steps.toJson())));
  } else if (result.status === "done") await writeResult(surface.stdout, jsonText(result.ctx));
  if (result.status === "failed") {
    sayError(surface, flags, failureReport(result.error, { said: steps.messageOf(result.error.key) }));
  }
  return runExit(result, undefined);
}

function resultIn(events: readonly RunEvent[]): Extract<RunEvent, { type: "run_finished" }>["result"] | undefined {
  const last = events.at(-1);
  return last?.type === "run_finished" ? last.result : undefined;
}
