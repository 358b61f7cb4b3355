/**
 * P1 in SQL: one conditional UPDATE decides, and everything else follows only where it changed a row: entries, blobs,
 * and the requests that the entries close (W2).
 * Must run inside a transaction.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AppendResult } from "../../ports.ts";
import { ENDED } from "../../run-status.ts";
import type { WrittenAppend } from "../write-request.ts";
import type { CloseRequests } from "./close-requests.ts";
import { keepBlob } from "./keep-blobs.ts";
import type { Positions } from "./positions.ts";

/** Appends to one run, or says why not and changes nothing. */
export type AppendEntries = (append: WrittenAppend) => AppendResult;

const WHERE_MINE = "WHERE run_id = ?1 AND fence = ?2 AND next_seq = ?3";

/** Prepares the statements of an append. */
export function appendEntries(db: DatabaseSync, positions: Positions, close: CloseRequests): AppendEntries {
  // Two updates: setting an indexed column rewrites its index entry even where the value stays.
  const advance = db.prepare(`UPDATE runs SET next_seq = ?4, updated_at = ?5 ${WHERE_MINE}`);
  const advanceAndPatch = db.prepare(
    `UPDATE runs SET next_seq = ?4, updated_at = ?5, status = coalesce(?6, status), error = iif(?7, ?8, error),
     recovery_attempts = coalesce(?9, recovery_attempts), wake_at = iif(?10, ?11, wake_at) ${WHERE_MINE}`,
  );
  const insertEntry = db.prepare(
    `INSERT INTO journal (position, run_no, seq, type, step_key, attempt, text)
     VALUES (?, (SELECT run_no FROM runs WHERE run_id = ?), ?, ?, ?, ?, ?)`,
  );
  const keep = keepBlob(db);
  const selectFence = db.prepare("SELECT fence FROM runs WHERE run_id = ?");

  return ({ runId, fence, expectedSeq, rows, patch, blobs, at }) => {
    const { status, error, recoveryAttempts, wakeAt } = patch ?? {};
    const isPatched =
      status !== undefined || error !== undefined || recoveryAttempts !== undefined || wakeAt !== undefined;
    const nextSeq = expectedSeq + rows.length;
    const { changes } = isPatched
      ? advanceAndPatch.run(
          runId,
          fence,
          expectedSeq,
          nextSeq,
          at,
          status ?? null,
          error === undefined ? 0 : 1,
          error ?? null,
          recoveryAttempts ?? null,
          wakeAt === undefined ? 0 : 1,
          wakeAt ?? null,
        )
      : advance.run(runId, fence, expectedSeq, nextSeq, at);
    if (changes === 0) return refusal(selectFence, runId, fence);
    for (const { seq, type, key, attempt, text } of rows) {
      insertEntry.run(positions.next(), runId, seq, type, key ?? null, attempt ?? null, text);
      if (type === "step_completed" && key !== undefined && attempt !== undefined) {
        close.ofAttempt(runId, key, attempt, at);
      }
    }
    if (status !== undefined && ENDED.has(status)) close.ofRun(runId, at);
    for (const blob of blobs ?? []) keep(runId, blob);
    return "appended";
  };
}

function refusal(selectFence: StatementSync, runId: string, fence: number): AppendResult {
  const run = selectFence.get(runId);
  if (run === undefined) return "unknown_run";
  return run["fence"] === fence ? "lost_race" : "fenced";
}
