/** A run as the reference system shows one: its row, what its attempts came to, and its result. */
import type { Json, JsonObject } from "../../flow/index.ts";
import type { Host, RunRecord, RunStatus, SeatView } from "../../host.ts";
import { taskIdOf } from "./ids.ts";
import { degradationsOf, entriesOf, seconds, stepEntry } from "./journal.ts";

/** Attempts, and degradations, shown at most: the newest. */
const MAX_SHOWN = 10_000;

/** Where a run stands, in the reference's words. `interrupted`: it can be resumed. */
const STATUS: Readonly<Record<RunStatus, string>> = {
  pending: "pending",
  running: "running",
  waiting: "running",
  suspended: "interrupted",
  paused: "interrupted",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  dead_letter: "failed",
};

/** A run that failed, as the client is told why. */
export interface FailedFlow {
  readonly message: string;
  /** The agent of the step, or its key. */
  readonly failed_step: string | null;
  /** What a blocked step answered. */
  readonly verdict_value: Json;
  readonly partial_ctx: Json;
}

/** A run. @throws EngineError `run_unknown`. */
export async function runRecord(host: Host, runId: string): Promise<JsonObject> {
  const row = await host.run(runId);
  const steps: JsonObject[] = [];
  const degradations: JsonObject[] = [];
  for await (const entry of entriesOf(host, runId)) {
    if (entry.type !== "step_completed") continue;
    steps.push(stepEntry(runId, entry));
    degradations.push(...degradationsOf(entry));
  }
  const seats = await host.operators.seats(runId);
  return {
    id: runId,
    task_id: taskIdOf(runId),
    status: STATUS[row.status],
    step_entries: steps.slice(-MAX_SHOWN),
    ...(degradations.length === 0 ? {} : { degradations: degradations.slice(-MAX_SHOWN) }),
    operator_sid: null,
    current: Object.fromEntries(
      seats.flatMap((seat): [string, JsonObject][] => {
        const holder = assigneeOf(seat);
        return holder === null ? [] : [[seat.seat, holder]];
      }),
    ),
    next_generation: Math.max(0, ...seats.map(({ generation }) => generation)),
    result_ref: await resultOf(host, row),
    created_at: seconds(row.createdAt),
    updated_at: seconds(row.updatedAt),
  };
}

/** Who holds a seat; null where nobody does. */
export function assigneeOf({ holder, description, generation }: SeatView): JsonObject | null {
  return holder === null ? null : { op: holder, desc: description ?? "", gen: generation };
}

/** Why a run failed. */
export async function failureOf(host: Host, runId: string): Promise<FailedFlow> {
  const { result } = await host.attach(runId);
  const ended = await result;
  const error = ended.status === "failed" ? ended.error : undefined;
  let verdictValue: Json = null;
  let failedStep: string | null = error?.key ?? null;
  for await (const entry of entriesOf(host, runId)) {
    if (entry.type !== "step_completed" || entry.key !== error?.key || !entry.accepted) continue;
    failedStep = entry.agent;
    if (entry.outcome === "blocked" && entry.value !== undefined && "inline" in entry.value) {
      verdictValue = entry.value.inline;
    }
  }
  const message = error?.message ?? `the run is ${ended.status}`;
  return { message, failed_step: failedStep, verdict_value: verdictValue, partial_ctx: ended.ctx };
}

async function resultOf(host: Host, { runId, status, error }: RunRecord): Promise<Json> {
  if (status === "failed") {
    const { partial_ctx: partial, ...why } = await failureOf(host, runId);
    return { error: { ...why }, partial_ctx: partial };
  }
  if (status === "done") return (await (await host.attach(runId)).result).ctx;
  if (status === "cancelled") return { error: "cancelled" };
  return error === undefined ? null : { error };
}
