/**
 * The steps of a run as its journal has them: one record a key, in order of first appearance.
 */
import type { JsonObject } from "../../flow/index.ts";
import type { Degradation, JournalEntry, ReplayedEntry } from "../../host.ts";

/** One step. Times in milliseconds. */
export interface StepHistory {
  readonly key: string;
  readonly agent: string;
  /** Attempts so far. */
  readonly attempts: number;
  /** How it ended; `running`, `retrying` or `waiting` where it has not. */
  readonly outcome: string;
  /** Of the last attempt that ended. */
  readonly durationMs?: number;
  readonly message?: string;
  /** When it goes on by itself, since 1970. */
  readonly wakeAt?: number;
  /** The run that executed it, where this one took the outcome over. */
  readonly reusedFrom?: string;
  /** What served its workers less well than it should, over all attempts. */
  readonly degradations: readonly (Degradation & { readonly attempt: number })[];
}

/** Collects them. */
export function stepHistory(entries: readonly ReplayedEntry[]): readonly StepHistory[] {
  const steps = new Map<string, StepHistory>();
  for (const { entry } of entries) {
    const step = afterEntry(entry, (key) => steps.get(key));
    if (step !== undefined) steps.set(step.key, step);
  }
  return [...steps.values()];
}

/** As JSON, in the journal's names. */
export function stepObject(step: StepHistory): JsonObject {
  const { key, agent, attempts, outcome } = step;
  return {
    key,
    agent,
    outcome,
    attempts,
    ...(step.durationMs === undefined ? {} : { duration_ms: step.durationMs }),
    ...(step.message === undefined ? {} : { message: step.message }),
    ...(step.wakeAt === undefined ? {} : { wake_at: step.wakeAt }),
    ...(step.reusedFrom === undefined ? {} : { reused_from: step.reusedFrom }),
    ...(step.degradations.length === 0 ? {} : { degradations: step.degradations.map((one) => ({ ...one })) }),
  };
}

function afterEntry(entry: JournalEntry, before: (key: string) => StepHistory | undefined): StepHistory | undefined {
  switch (entry.type) {
    case "step_scheduled": {
      const degradations = before(entry.key)?.degradations ?? [];
      return { key: entry.key, agent: entry.agent, attempts: entry.attempt, outcome: "running", degradations };
    }
    case "timer_set": {
      const step = before(entry.key);
      return step === undefined ? undefined : { ...step, outcome: "waiting", wakeAt: entry.due_at };
    }
    case "step_completed":
      return {
        key: entry.key,
        agent: entry.agent,
        attempts: entry.attempt,
        outcome: entry.accepted ? entry.outcome : "retrying",
        durationMs: Math.max(entry.at - entry.started_at, 0),
        ...(entry.error === undefined ? {} : { message: entry.error.message }),
        ...(entry.retry_at === undefined ? {} : { wakeAt: entry.retry_at }),
        ...(entry.reused_from === undefined ? {} : { reusedFrom: entry.reused_from.run }),
        degradations: [
          ...(before(entry.key)?.degradations ?? []),
          ...(entry.degradations ?? []).map((one) => ({ ...one, attempt: entry.attempt })),
        ],
      };
    default:
      return undefined;
  }
}
