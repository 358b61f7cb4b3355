/** What observers of a live run are told of the entries that are journaled, and what its row is. */
import type { RunPatch } from "../../stores/ports.ts";
import type { RunResult, ValuelessBody } from "../kernel/index.ts";
import { reportOf } from "./dispatch.ts";
import type { RunEvent } from "./run-events.ts";

/** The event of an entry; undefined where observers are told in another way or not at all. */
export function eventOf(body: ValuelessBody, at: number): RunEvent | undefined {
  switch (body.type) {
    case "run_started":
      return { type: "run_started", at };
    case "cancel_requested":
      return { type: "cancel_requested", at, reason: body.reason };
    case "fanout_joined":
      return {
        type: "fanout_joined",
        at,
        key: body.key,
        ...(body.winner === undefined ? {} : { winner: body.winner }),
      };
    case "step_completed":
      return {
        type: "step_completed",
        at,
        key: body.key,
        attempt: body.attempt,
        agent: body.agent,
        outcome: body.outcome,
        durationMs: Math.max(at - body.started_at, 0),
        ...(body.error === undefined ? {} : { message: body.error.message }),
        ...(body.retry_at === undefined ? {} : { retryAt: body.retry_at }),
        ...reportOf(body),
      };
    default:
      return undefined;
  }
}

/** What the end of a run is in its row. */
export function rowPatch(result: RunResult): RunPatch {
  return result.status === "failed" ? { status: "failed", error: result.error.message } : { status: result.status };
}
