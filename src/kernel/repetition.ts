/** The calls a journal records: which call of a kernel made an entry, made again. */
import type { Json, StepKey } from "../flow/index.ts";
import type { Memo } from "./attempt-memory.ts";
import type { Decision } from "./decision.ts";
import type { JournalEntry } from "./entry.ts";
import type { AttemptOutcome } from "./outcome.ts";
import type { SeatChange } from "./seats.ts";

type Decisions = readonly Decision[];

/** The calls of a kernel that journals record; see RunKernel. */
export interface RecordedCalls {
  reach(key: StepKey, attempt: number, scheduled: boolean): Decisions;
  started(key: StepKey, attempt: number, worker: string): Decisions;
  memo(key: StepKey, attempt: number, worker: string, memo: Memo, value: Json): Decisions | undefined;
  extend(key: StepKey, attempt: number, worker: string, deadline: number): Decisions | undefined;
  complete(
    key: StepKey,
    attempt: number,
    outcome: AttemptOutcome,
    at: { readonly now: number; readonly random: number },
  ): Decisions;
  wake(key: StepKey, attempt: number, now: number): Decisions;
  signal(signal: { readonly name: string; readonly id: string; readonly value: Json }, now: number): Decisions;
  seatChanged(change: SeatChange): Decisions;
  cancel(request: { readonly reason: string; readonly by: string }): Decisions;
  finishCancelled(now: number): Decisions;
}

/** Makes the call that an entry records. */
export function repeat(kernel: RecordedCalls, entry: JournalEntry, value: Json | undefined): Decisions {
  const now = entry.at;
  switch (entry.type) {
    case "step_scheduled":
      return kernel.reach(entry.key, entry.attempt, true);
    case "step_started":
      return kernel.started(entry.key, entry.attempt, entry.worker);
    case "step_memo":
      return kernel.memo(entry.key, entry.attempt, "", entry, value ?? null) ?? [];
    case "step_extended":
      return kernel.extend(entry.key, entry.attempt, "", entry.deadline) ?? [];
    case "step_completed": {
      const outcome: AttemptOutcome = {
        kind: entry.outcome,
        startedAt: entry.started_at,
        ...(value === undefined ? {} : { value }),
        ...(entry.error === undefined ? {} : { error: { ...entry.error, retryable: !entry.accepted } }),
        ...(entry.stats === undefined ? {} : { stats: entry.stats }),
        ...(entry.degradations === undefined ? {} : { degradations: entry.degradations }),
      };
      // The attempts of a pure step are journaled by their completion alone.
      const reached = kernel.reach(entry.key, entry.attempt, false);
      return [...reached, ...kernel.complete(entry.key, entry.attempt, outcome, { now, random: 0 })];
    }
    case "timer_fired":
      return kernel.wake(entry.key, entry.attempt, now);
    case "signal_received":
      return kernel.signal({ name: entry.name, id: entry.id, value: value ?? null }, now);
    case "cancel_requested":
      return kernel.cancel(entry);
    case "run_finished":
      return kernel.finishCancelled(now);
    case "seat_changed":
      return kernel.seatChanged(entry);
    case "run_suspended":
    case "run_resumed":
      return [{ kind: "append", body: entry }];
    case "run_started":
    case "timer_set":
    case "fanout_joined":
    case "extern_value":
      return [];
    default:
      return entry satisfies never;
  }
}
