/**
 * Journals as server-sent events: one run's, and all runs' in the one order of their commits.
 *
 * A run's events have the entry's seq as their id and the entry as their data, and end after `run_finished`. The host's have
 * the entry's position as their id and `{run_id, entry}` as their data, and do not end. In both, what workers say while they
 * work passes by as `step_event`.
 */
import type { Host, RunEvent } from "../host.ts";
import type { DurableEvent, EventSource } from "./event-stream.ts";

/** Entries read at once. */
const PAGE = 500;

/** The events of a run. */
export function runEvents(
  host: Pick<Host, "entries" | "onEntries" | "observe">,
  runId: string,
  timer: EventSource["timer"],
): EventSource {
  return {
    async read(after) {
      const rows = await host.entries(runId, after + 1, PAGE);
      return rows.map(({ seq, type, text }) => ({ id: seq, name: type, data: text, isLast: type === "run_finished" }));
    },
    listen: (ring) => host.onEntries(runId, ring),
    passing: (say) => host.observe(runId, (event) => sayStepEvent(say, runId, event)),
    timer,
  };
}

/** The events of all runs. */
export function hostEvents(
  host: Pick<Host, "tail" | "onAnyEntries" | "observeAll">,
  timer: EventSource["timer"],
): EventSource {
  return {
    async read(after) {
      const rows = await host.tail(after, PAGE);
      return rows.map(
        ({ position, runId, type, text }): DurableEvent => ({
          id: position,
          name: type,
          data: `{"run_id":${JSON.stringify(runId)},"entry":${text}}`,
        }),
      );
    },
    listen: (ring) => host.onAnyEntries(ring),
    passing: (say) => host.observeAll((runId, event) => sayStepEvent(say, runId, event)),
    timer,
  };
}

function sayStepEvent(say: (name: string, data: string) => void, runId: string, event: RunEvent): void {
  if (event.type !== "step_event") return;
  const { at, key, attempt } = event;
  say("step_event", JSON.stringify({ run_id: runId, at, key, attempt, event: event.event }));
}
