/**
 * A run's journal in the words of the reference system: step entries, degradations, trace events. Pure.
 *
 * J1  What an entry becomes depends on it and on those before it alone: a trace event keeps its `seq`.
 */
import { hash } from "node:crypto";
import type { Json, JsonObject } from "../../flow/index.ts";
import { type Degradation, type Host, type JournalEntry, stepIdOf } from "../../host.ts";

/** Entries read at once. */
const PAGE = 1_000;

/** A run's entries, first to last. */
export async function* entriesOf(host: Pick<Host, "entries">, runId: string): AsyncGenerator<JournalEntry> {
  for (let from = 1; ; from += PAGE) {
    const rows = await host.entries(runId, from, PAGE);
    for (const { text } of rows) yield JSON.parse(text) as JournalEntry;
    if (rows.length < PAGE) return;
  }
}

/** The id of a run's step. */
export function stepId(runId: string, key: string): string {
  return stepIdOf((text) => hash("sha256", text), runId, key);
}

/** How an attempt ended, in the reference's words. */
const STEP_STATUS = {
  pass: "passed",
  blocked: "blocked",
  skip: "skipped",
  error: "failed",
  timeout: "timeout",
  cancelled: "cancelled",
} as const;

type Completed = Extract<JournalEntry, { type: "step_completed" }>;

/** An attempt that has ended. Times: `at` in seconds, `_ms` in milliseconds since 1970. */
export function stepEntry(runId: string, entry: Completed): JsonObject {
  const { key, agent, outcome, attempt, digests, at, started_at: startedAt, stats = {} } = entry;
  return {
    step_id: stepId(runId, key),
    step_ref: agent,
    status: STEP_STATUS[outcome],
    binding_digest: `sha256:${digests.binding}`,
    at: seconds(at),
    attempt,
    started_at_ms: startedAt,
    completed_at_ms: at,
    duration_ms: Math.max(at - startedAt, 0),
    ...(stats as JsonObject),
  };
}

/** What an attempt reported that served it less well. */
export function degradationsOf({ degradations = [], agent, attempt, at }: Completed): readonly JsonObject[] {
  return degradations.map((one: Degradation) => ({ ...one, step_ref: agent, attempt, at: seconds(at) }));
}

/** One event of a trace. */
export interface TraceEvent {
  readonly run_id: string;
  /** From 1, without holes. */
  readonly seq: number;
  readonly ts_ms: number;
  readonly kind: string;
  readonly step_ref?: string;
  readonly attempt?: number;
  readonly payload: Json;
}

/** Turns the entries of one run, handed over in order, into trace events. */
export class Tracing {
  readonly #runId: string;
  /** Who does each step, by key. */
  readonly #agents = new Map<string, string>();
  readonly #holders = new Map<string, JsonObject>();
  #seq = 0;

  constructor(runId: string) {
    this.#runId = runId;
  }

  /** The events of the next entry. */
  next(entry: JournalEntry): readonly TraceEvent[] {
    return this.#events(entry).map(({ kind, payload, about }) => {
      this.#seq += 1;
      return { run_id: this.#runId, seq: this.#seq, ts_ms: entry.at, kind, ...about, payload };
    });
  }

  #events(entry: JournalEntry): readonly Told[] {
    switch (entry.type) {
      case "run_started":
        return [{ kind: "core.run_started", payload: { mode: entry.forked_from ? "rerun_from" : "launch" } }];
      case "run_resumed":
        return [{ kind: "core.run_started", payload: { mode: "resume" } }];
      case "step_scheduled":
        this.#agents.set(entry.key, entry.agent);
        return [];
      case "step_started": {
        const agent = this.#agents.get(entry.key);
        const about = { attempt: entry.attempt, ...(agent === undefined ? {} : { step_ref: agent }) };
        return [{ kind: "core.step_dispatched", payload: { step_id: stepId(this.#runId, entry.key) }, about }];
      }
      case "step_completed":
        return this.#completed(entry);
      case "seat_changed":
        return this.#seatChanged(entry);
      case "cancel_requested":
        return [{ kind: "core.cancel_requested", payload: {} }];
      case "run_finished":
        return [{ kind: "core.run_finished", payload: { status: entry.status } }];
      default:
        return [];
    }
  }

  #completed(entry: Completed): readonly Told[] {
    this.#agents.delete(entry.key);
    const { outcome, at, agent, attempt, started_at: startedAt } = entry;
    const about = { step_ref: agent, attempt };
    const payload = { status: STEP_STATUS[outcome], duration_ms: Math.max(at - startedAt, 0) };
    const worse = (entry.degradations ?? []).map(({ tool, error, fallback }) => ({
      kind: "worker.degradation",
      payload: { tool, error, fallback },
      about,
    }));
    return [...worse, { kind: "core.step_completed", payload, about }];
  }

  #seatChanged({ seat, generation, holder, reason }: Extract<JournalEntry, { type: "seat_changed" }>): readonly Told[] {
    const previous = this.#holders.get(seat) ?? null;
    if (holder === undefined) {
      this.#holders.delete(seat);
      return [{ kind: "core.assignee_released", payload: { slot: seat, assignee: previous, reason } }];
    }
    // What a seat is taken for is not journaled.
    const assignee = { op: holder, desc: "", gen: generation };
    this.#holders.set(seat, assignee);
    const assigned = { slot: seat, assignee, source: "acquire", previous };
    return [
      ...(previous === null
        ? []
        : [{ kind: "core.assignee_released", payload: { slot: seat, assignee: previous, reason: "displaced" } }]),
      { kind: "core.assignee_assigned", payload: assigned },
    ];
  }
}

interface Told {
  readonly kind: string;
  readonly payload: Json;
  readonly about?: { readonly step_ref?: string; readonly attempt?: number };
}

/** Milliseconds as whole seconds. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
