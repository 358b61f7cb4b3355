/**
 * Driving one run from the command line: show it, let signals cancel it, tell its end. What `run`, `runs resume`,
 * `runs fork` and `signal` have in common.
 *
 * Does not own: how the run is started or brought back (the caller's `start`), or opening the host.
 *
 * V1  A run that waits for something from outside is left: while this process has the data directory, nobody can bring it.
 */
import type { Host, RunEvent, RunHandle, RunObserver, RunRecord, RunResult } from "../../host.ts";
import { CliError } from "../cli-error.ts";
import { type ErrorReport, errorLines } from "../error-report.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import type { ViewFlags } from "./choose-view.ts";
import { IdleWatch } from "./idle-watch.ts";
import type { Interrupt } from "./interrupt.ts";
import { journalEvents } from "./journal-events.ts";
import { type FailurePlace, failureReport, type RunIdentity, resultObject, runExit, waitingObject } from "./run-end.ts";
import type { RunView } from "./run-view.ts";
import { StepLog } from "./step-log.ts";

/** One run to drive. */
export interface DriveOrder {
  readonly host: Host;
  readonly view: RunView;
  readonly flags: ViewFlags;
  readonly interrupt: Interrupt;
  /** Starts the run, or brings it back; resolves when that is durable. */
  readonly start: (observer: RunObserver) => Promise<RunHandle>;
  /** What was recorded of the run before. Default: nothing. */
  readonly history?: readonly RunEvent[];
  /** Told the run's name as soon as it is known. */
  readonly began?: (run: RunIdentity) => void;
  /** Where the flow's nodes stand in the author's files. */
  readonly place?: FailurePlace;
  /** Come back when the run only waits, whatever for. Default: only where it waits for something from outside (V1). */
  readonly untilWaiting?: boolean;
  /** Whether the run is kept nowhere, so that nothing from outside can ever reach it. */
  readonly isEphemeral?: boolean;
}

/** Drives a run to its end, or until it only waits. Prints its result on standard output. */
export async function driveRun(surface: Surface, order: DriveOrder): Promise<ExitCode> {
  const { host, view, flags, interrupt } = order;
  const steps = new StepLog();
  for (const event of order.history ?? []) steps.apply(event);
  const shown = heldBack(view);
  const idle = new IdleWatch(host, { counts: order.untilWaiting === true ? "any" : "outside" });
  interrupt.launching();
  const run = await order.start((event) => {
    steps.apply(event);
    shown.event(event);
    idle.event(event);
  });
  const { runId, blueprintId, blueprintVersion: version } = await host.run(run.runId);
  const identity = { runId, blueprintId, version };
  order.began?.(identity);
  shown.begin(identity);
  interrupt.watch(run);
  const end = await Promise.race([run.result, idle.until(run.runId)]).finally(() => idle.close());
  if ("type" in end && order.isEphemeral === true) throw await outOfReach(run);
  if ("type" in end && order.untilWaiting !== true) view.notice(waitsOutside(runId));
  view.end();
  if ("type" in end) {
    if (flags.json) await writeResult(surface.stdout, jsonText(waitingObject(identity, end.wakeAt, steps.toJson())));
    return order.untilWaiting === true ? EXIT.done : EXIT.waits;
  }
  if (flags.json) await writeResult(surface.stdout, jsonText(resultObject(identity, end, steps.toJson())));
  else if (end.status === "done") await writeResult(surface.stdout, jsonText(end.ctx));
  if (end.status === "failed")
    tellFailure(surface, flags, end, { ...order.place, said: steps.messageOf(end.error.key) });
  return runExit(end, interrupt.signal);
}

/** V1. */
function waitsOutside(runId: string): Parameters<RunView["notice"]>[0] {
  const message = `answer it with \`swarm-host signal ${runId} NAME\`, or let operators come with \`swarm-host serve\``;
  return { level: "info", code: "waits", message };
}

/** Ends a run that nothing can reach. */
async function outOfReach(run: RunHandle): Promise<CliError> {
  const message = "the run waits for something from outside, which cannot reach a run that is kept nowhere";
  await run.cancel({ reason: message, by: "cli" });
  await run.result;
  return new CliError("out_of_reach", message, { hint: "run it without --ephemeral", exit: EXIT.failed });
}

/** How a run that exists is brought to its end: one that has ended tells how, any other goes on. */
export async function goOn(host: Host, record: RunRecord): Promise<Pick<DriveOrder, "start" | "history">> {
  const { runId, status } = record;
  const ended = status === "done" || status === "failed" || status === "cancelled" || status === "dead_letter";
  return {
    history: journalEvents(await host.journal(runId)),
    start: (observer) =>
      follow(host, runId, observer, () => (ended ? Promise.resolve() : host.resume(runId, { reason: "asked to" }))),
  };
}

/** A handle on a run, watched from before `act` on. */
export async function follow(
  host: Host,
  runId: string,
  observer: RunObserver,
  act: () => Promise<void>,
): Promise<RunHandle> {
  const run = await host.attach(runId);
  host.observe(runId, observer);
  await act();
  return run;
}

/** Says an error on standard error, for programs as one JSON line. */
export function sayError(surface: Surface, flags: ViewFlags, report: ErrorReport, error?: unknown): void {
  const { exit: _exit, ...told } = report;
  if (flags.json) surface.stderr.write(`${JSON.stringify({ type: "error", ...told })}\n`);
  else {
    const verbose = flags.verbose && error !== undefined ? { error } : undefined;
    surface.stderr.write(`${errorLines(report, styleFor(surface.stderr, surface.env), verbose).join("\n")}\n`);
  }
}

function tellFailure(
  surface: Surface,
  flags: ViewFlags,
  result: Extract<RunResult, { status: "failed" }>,
  context: Parameters<typeof failureReport>[1],
): void {
  sayError(surface, flags, failureReport(result.error, context));
}

/** Events come before the run's name is known, which is when its start is durable: they are kept until then. */
function heldBack(view: RunView): Pick<RunView, "begin" | "event"> {
  let early: RunEvent[] | undefined = [];
  return {
    event(event) {
      if (early === undefined) view.event(event);
      else early.push(event);
    },
    begin(title) {
      view.begin(title);
      for (const event of early ?? []) view.event(event);
      early = undefined;
    },
  };
}
