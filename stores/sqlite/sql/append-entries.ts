/**
 * P1 in SQL: one conditional UPDATE decides, and everything else follows only where it changed a row.
 * Must run inside a transaction.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AppendResult } from "../../ports.ts";
import type { WrittenAppend } from "../write-request.ts";
import { keepBlob } from "./keep-blobs.ts";

/** Appends to one run, or says why not and changes nothing. */
export type AppendEntries = (append: WrittenAppend) => AppendResult;

const WHERE_MINE = "WHERE run_id = ?1 AND fence = ?2 AND next_seq = ?3";

/** Prepares the statements of an append. */
export function appendEntries(db: DatabaseSync): AppendEntries {
  // Two updates: setting an indexed column rewrites its index entry even where the value stays.
  const ADVANCE = `UPDATE runs SET next_seq = ?4, updated_at = ?5, error = coalesce(?6, error),
    recovery_attempts = coalesce(?7, recovery_attempts)`;
  const advance = db.prepare(`${ADVANCE} ${WHERE_MINE}`);
  const advanceAndMove = db.prepare(
    `${ADVANCE}, status = coalesce(?8, status), wake_at = iif(?9, ?10, wake_at) ${WHERE_MINE}`,
  );
  const insertEntry = db.prepare(
    "INSERT INTO journal (run_no, seq, type, step_key, attempt, text) VALUES ((SELECT run_no FROM runs WHERE run_id = ?), ?, ?, ?, ?, ?)",
  );
  const keep = keepBlob(db);
  const selectFence = db.prepare("SELECT fence FROM runs WHERE run_id = ?");

  return ({ runId, fence, expectedSeq, rows, patch, blobs, at }) => {
    const { status, wakeAt, error = null, recoveryAttempts = null } = patch ?? {};
    const bound = [runId, fence, expectedSeq, expectedSeq + rows.length, at, error, recoveryAttempts];
    const { changes } =
      status === undefined && wakeAt === undefined
        ? advance.run(...bound)
        : advanceAndMove.run(...bound, status ?? null, wakeAt === undefined ? 0 : 1, wakeAt ?? null);
    if (changes === 0) return refusal(selectFence, runId, fence);
    for (const { seq, type, key, attempt, text } of rows) {
      insertEntry.run(runId, seq, type, key ?? null, attempt ?? null, text);
    }
    for (const blob of blobs ?? []) keep(runId, blob);
    return "appended";
  };
}

function refusal(selectFence: StatementSync, runId: string, fence: number): AppendResult {
  const run = selectFence.get(runId);
  if (run === undefined) return "unknown_run";
  return run["fence"] === fence ? "lost_race" : "fenced";
}
