/**
 * How the end of a run is told: exit code, result object, and the text of a failure.
 */
import { type FlowNode, type Json, type JsonObject, walkNodes } from "../../flow/index.ts";
import type { RunResult } from "../../host.ts";
import type { ErrorReport } from "../error-report.ts";
import { type CancelSignal, EXIT, type ExitCode, SIGNAL_EXIT } from "../exit-code.ts";

/** The exit code of a run that ended; `signal` is what cancelled it. */
export function runExit(result: RunResult, signal: CancelSignal | undefined): ExitCode {
  switch (result.status) {
    case "done":
      return EXIT.done;
    case "failed":
      return EXIT.failed;
    case "cancelled":
      return signal === undefined ? EXIT.cancelled : SIGNAL_EXIT[signal];
  }
}

/** Who ran. */
export interface RunIdentity {
  readonly runId: string;
  readonly blueprintId: string;
  readonly version: string;
}

/** The object `run --json` prints: `{run_id, blueprint, status, ctx, error?, reason?, steps, steps_omitted?}`. */
export function resultObject(run: RunIdentity, result: RunResult, steps: JsonObject): JsonObject {
  return {
    run_id: run.runId,
    blueprint: { id: run.blueprintId, version: run.version },
    status: result.status,
    ctx: result.ctx,
    ...(result.status === "failed" ? { error: result.error as unknown as Json } : {}),
    ...(result.status === "cancelled" ? { reason: result.reason } : {}),
    ...steps,
  };
}

/** The object printed with `--json` for a run that only waits: `{run_id, blueprint, status, wake_at?, steps, ...}`. */
export function waitingObject(run: RunIdentity, wakeAt: number | undefined, steps: JsonObject): JsonObject {
  return {
    run_id: run.runId,
    blueprint: { id: run.blueprintId, version: run.version },
    status: "waiting",
    ...(wakeAt === undefined ? {} : { wake_at: wakeAt }),
    ...steps,
  };
}

/**
 * The object `run --json` prints where there is no result. `refused`: nothing ran. `interrupted`: the host could not go on
 * with the run, whose journal says how far it came. `{run_id?, status, error, diagnostics}`.
 */
export function errorObject(report: ErrorReport, run: RunIdentity | undefined, diagnostics: readonly object[]): object {
  const { exit: _exit, ...error } = report;
  if (run === undefined) return { status: "refused", error, diagnostics };
  return { run_id: run.runId, status: "interrupted", error, diagnostics };
}

type Failure = Extract<RunResult, { status: "failed" }>["error"];

const HINTS: Readonly<Record<string, string>> = {
  dispatcher_error: "mend the agent or its input; a `try` node or a retry policy would let the run go on",
  path_not_found: "write the path before it is read, or guard the read with `exists`",
  non_bool_cond: "give the branch a comparison, or `exists`",
  invalid_path: "mend the path in the Blueprint",
  type_error: "check what the flow has written there: the ctx at the end is in the result of `--json`",
  arith_error: "check the numbers the flow computes with",
  extern_error: "check the host function's arguments",
  limit_exceeded: "make the run smaller, or split it",
};

/** Where the flow's nodes stand in the author's files. */
export interface FailurePlace {
  readonly flow: FlowNode;
  /** The author's place of what stands at a JSON pointer of the document. */
  readonly locate: (pointer: string) => string | undefined;
}

/** What is known about a failure beside the failure itself. Without a place only the step's key is told. */
export interface FailureContext extends Partial<FailurePlace> {
  /** What the end of the step that failed said. */
  readonly said: string | undefined;
}

/** A run's failure as an error report. */
export function failureReport(failure: Failure, { flow, locate, said }: FailureContext): ErrorReport {
  const nodePath = failure.details?.["node"];
  const pointer = typeof nodePath === "string" && flow !== undefined ? flowPointer(flow, nodePath) : undefined;
  const where = [
    ...(failure.key === undefined ? [] : [`step ${failure.key}`]),
    ...(pointer === undefined ? [] : [locate?.(pointer) ?? pointer]),
  ];
  const hint = Object.hasOwn(HINTS, failure.kind) ? HINTS[failure.kind] : undefined;
  return {
    code: failure.kind,
    message: said === undefined || failure.message.includes(said) ? failure.message : `${failure.message} (${said})`,
    exit: EXIT.failed,
    ...(where.length === 0 ? {} : { place: where.join(", ") }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** The JSON pointer, in the whole document, of a node of its flow. */
function flowPointer(flow: FlowNode, nodePath: string): string | undefined {
  let found: string | undefined;
  walkNodes(flow, (at) => {
    if (at.nodePath === nodePath) found = `/flow${at.pointer}`;
  });
  return found;
}
