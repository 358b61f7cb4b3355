/** A run's journal as the events that a watcher would have seen: what is shown of a run that nobody watched. */
import type { JournalEntry, ReplayedEntry, RunEvent, RunResult } from "../../host.ts";

/** The events of the entries, in order. Entries that nobody is shown have none. */
export function journalEvents(entries: readonly ReplayedEntry[]): readonly RunEvent[] {
  const events: RunEvent[] = [];
  let cancelReason = "cancelled";
  for (const replayed of entries) {
    const { entry } = replayed;
    if (entry.type === "cancel_requested") cancelReason = entry.reason;
    const event =
      entry.type === "run_finished"
        ? { type: "run_finished" as const, at: entry.at, result: resultOf(entry, replayed, cancelReason) }
        : entryEvent(entry);
    if (event !== undefined) events.push(event);
  }
  return events;
}

function entryEvent(entry: JournalEntry): RunEvent | undefined {
  const { at } = entry;
  switch (entry.type) {
    case "run_started":
      return { type: "run_started", at };
    case "step_scheduled":
      return { type: "step_started", at, key: entry.key, attempt: entry.attempt, agent: entry.agent };
    case "step_completed":
      return {
        type: "step_completed",
        at,
        key: entry.key,
        attempt: entry.attempt,
        agent: entry.agent,
        outcome: entry.outcome,
        durationMs: Math.max(at - entry.started_at, 0),
        ...(entry.error === undefined ? {} : { message: entry.error.message }),
        ...(entry.retry_at === undefined ? {} : { retryAt: entry.retry_at }),
        ...(entry.stats === undefined ? {} : { stats: entry.stats }),
        ...(entry.degradations === undefined ? {} : { degradations: entry.degradations }),
      };
    case "fanout_joined":
      return {
        type: "fanout_joined",
        at,
        key: entry.key,
        ...(entry.winner === undefined ? {} : { winner: entry.winner }),
      };
    case "cancel_requested":
      return { type: "cancel_requested", at, reason: entry.reason };
    default:
      return undefined;
  }
}

function resultOf(
  entry: Extract<JournalEntry, { type: "run_finished" }>,
  { value: ctx = null }: ReplayedEntry,
  cancelReason: string,
): RunResult {
  switch (entry.status) {
    case "done":
      return { status: "done", ctx };
    case "failed":
      return { status: "failed", ctx, error: entry.error ?? { kind: "unknown", message: "no error is recorded" } };
    case "cancelled":
      return { status: "cancelled", ctx, reason: cancelReason };
  }
}
