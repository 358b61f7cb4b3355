/**
 * P1 in SQL: one conditional UPDATE decides, and everything else follows only where it changed a row.
 * Must run inside a transaction.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AppendResult } from "../../ports.ts";
import type { WrittenAppend } from "../write-request.ts";

/** Appends to one run, or says why not and changes nothing. */
export type AppendEntries = (append: WrittenAppend) => AppendResult;

const WHERE_MINE = "WHERE run_id = ?1 AND fence = ?2 AND next_seq = ?3";

/** Prepares the statements of an append. */
export function appendEntries(db: DatabaseSync): AppendEntries {
  // Two updates: setting an indexed column rewrites its index entry even where the value stays.
  const advance = db.prepare(`UPDATE runs SET next_seq = ?4, updated_at = ?5 ${WHERE_MINE}`);
  const advanceAndPatch = db.prepare(
    `UPDATE runs SET next_seq = ?4, updated_at = ?5, status = coalesce(?6, status), error = coalesce(?7, error) ${WHERE_MINE}`,
  );
  const insertEntry = db.prepare(
    "INSERT INTO journal (run_no, seq, type, step_key, attempt, text) VALUES ((SELECT run_no FROM runs WHERE run_id = ?), ?, ?, ?, ?, ?)",
  );
  const insertBlob = db.prepare(
    "INSERT INTO blobs (digest, size, text) VALUES (?1, octet_length(?2), ?2) ON CONFLICT (digest) DO NOTHING",
  );
  const selectFence = db.prepare("SELECT fence FROM runs WHERE run_id = ?");

  return ({ runId, fence, expectedSeq, rows, patch, blobs, at }) => {
    const nextSeq = expectedSeq + rows.length;
    const { changes } =
      patch === undefined
        ? advance.run(runId, fence, expectedSeq, nextSeq, at)
        : advanceAndPatch.run(runId, fence, expectedSeq, nextSeq, at, patch.status ?? null, patch.error ?? null);
    if (changes === 0) return refusal(selectFence, runId, fence);
    for (const { seq, type, key, attempt, text } of rows) {
      insertEntry.run(runId, seq, type, key ?? null, attempt ?? null, text);
    }
    for (const { digest, text } of blobs ?? []) insertBlob.run(digest, text);
    return "appended";
  };
}

function refusal(selectFence: StatementSync, runId: string, fence: number): AppendResult {
  const run = selectFence.get(runId);
  if (run === undefined) return "unknown_run";
  return run["fence"] === fence ? "lost_race" : "fenced";
}
