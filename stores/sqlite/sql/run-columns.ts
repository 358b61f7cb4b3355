/** The columns of a run's row, in the order in which they are selected and decoded. */
import type { RunRecord, RunStatus } from "../../ports.ts";
import { integer, optionalInteger, optionalText, type Row, text } from "./row.ts";

/** For a SELECT or RETURNING whose rows `toRecord` takes. */
export const RUN_COLUMNS =
  "run_id, status, bp_id, bp_version, fence, owner, next_seq, created_at, updated_at, error, parent_run_id, forked_from, recovery_attempts, wake_at, idempotency_key, held, parent_key, parent_attempt";

/** A row of RUN_COLUMNS. */
export function toRecord(row: Row): RunRecord {
  const owner = optionalText(row[5]);
  const error = optionalText(row[9]);
  const parentRunId = optionalText(row[10]);
  const forkedFrom = optionalText(row[11]);
  const wakeAt = optionalInteger(row[13]);
  const idempotencyKey = optionalText(row[14]);
  const parentKey = optionalText(row[16]);
  const parentAttempt = optionalInteger(row[17]);
  return {
    runId: text(row[0]),
    status: text(row[1]) as RunStatus,
    blueprintId: text(row[2]),
    blueprintVersion: text(row[3]),
    fence: integer(row[4]),
    ...(owner === undefined ? {} : { owner }),
    nextSeq: integer(row[6]),
    createdAt: integer(row[7]),
    updatedAt: integer(row[8]),
    ...(error === undefined ? {} : { error }),
    ...(parentRunId === undefined ? {} : { parentRunId }),
    ...(parentKey === undefined || parentAttempt === undefined
      ? {}
      : { parentStep: { key: parentKey, attempt: parentAttempt } }),
    ...(forkedFrom === undefined ? {} : { forkedFrom }),
    recoveryAttempts: integer(row[12]),
    ...(wakeAt === undefined ? {} : { wakeAt }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(integer(row[15]) === 0 ? {} : { held: true }),
  };
}
