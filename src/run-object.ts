/** A run's row as the surfaces give it out: one shape for `--json` and HTTP. */
import type { JsonObject } from "./flow/index.ts";
import type { RunRecord } from "./host.ts";

/** As JSON, in the journal's names. Times in milliseconds since 1970. */
export function runObject(record: RunRecord): JsonObject {
  const { runId, status, blueprintId, blueprintVersion, createdAt, updatedAt, nextSeq } = record;
  return {
    run_id: runId,
    status,
    blueprint: { id: blueprintId, version: blueprintVersion },
    created_at: createdAt,
    updated_at: updatedAt,
    entries: nextSeq - 1,
    ...(record.error === undefined ? {} : { error: record.error }),
    ...(record.wakeAt === undefined ? {} : { wake_at: record.wakeAt }),
    ...(record.forkedFrom === undefined ? {} : { forked_from: record.forkedFrom }),
    ...(record.parentRunId === undefined ? {} : { parent_run_id: record.parentRunId }),
    ...(record.parentStep === undefined ? {} : { parent_step: { ...record.parentStep } }),
    ...(record.idempotencyKey === undefined ? {} : { idempotency_key: record.idempotencyKey }),
    ...(record.held ? { held: true } : {}),
    recovery_attempts: record.recoveryAttempts,
  };
}
