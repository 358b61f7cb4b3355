/**
 * JSON lines for programs: every event, notice and error of a run as one object a line, on standard error.
 *
 * Names are those of the journal (snake_case); times are milliseconds since 1970. Every object has `type`; those of a run
 * also have `run_id`. An event's own object, where it has one, is under `event` or `result` as the engine made it.
 */
import type { JsonObject } from "../../flow/index.ts";
import type { RunEvent } from "../../host.ts";
import type { Output } from "../style.ts";
import type { Notice, RunTitle, RunView } from "./run-view.ts";

/** A view for programs. `quiet` leaves out everything but warnings. */
export function jsonView(output: Output, quiet: boolean): RunView {
  let runId = "";
  const line = (object: JsonObject): void => {
    output.write(`${JSON.stringify(object)}\n`);
  };
  return {
    notice(notice: Notice): void {
      if (!quiet || notice.level === "warning")
        line({ type: "notice", level: notice.level, code: notice.code, message: notice.message });
    },
    begin(run: RunTitle): void {
      runId = run.runId;
    },
    event(event: RunEvent): void {
      if (!quiet) line(eventObject(runId, event));
    },
    end: () => {},
  };
}

/** One event as a JSON object. */
export function eventObject(runId: string, event: RunEvent): JsonObject {
  const head = { type: event.type, run_id: runId, at: event.at };
  switch (event.type) {
    case "run_started":
      return head;
    case "step_started":
      return { ...head, key: event.key, attempt: event.attempt, agent: event.agent };
    case "step_event":
      return { ...head, key: event.key, attempt: event.attempt, event: { ...event.event } };
    case "step_completed":
      return {
        ...head,
        key: event.key,
        attempt: event.attempt,
        agent: event.agent,
        outcome: event.outcome,
        duration_ms: event.durationMs,
        ...(event.message === undefined ? {} : { message: event.message }),
        ...(event.retryAt === undefined ? {} : { retry_at: event.retryAt }),
        ...(event.stats === undefined ? {} : { stats: event.stats as JsonObject }),
        ...(event.degradations === undefined ? {} : { degradations: event.degradations.map((one) => ({ ...one })) }),
      };
    case "fanout_joined":
      return { ...head, key: event.key, ...(event.winner === undefined ? {} : { winner: event.winner }) };
    case "cancel_requested":
      return { ...head, reason: event.reason };
    case "run_parked":
      return { ...head, ...(event.wakeAt === undefined ? {} : { wake_at: event.wakeAt }) };
    case "run_finished":
      // The ctx is the result and stands on standard output.
      return { ...head, status: event.result.status };
  }
}
