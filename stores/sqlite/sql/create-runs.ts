/** Adds runs. Must run inside a transaction of the only writer: it looks first, then inserts. */
import type { DatabaseSync } from "node:sqlite";
import { runExists, runKeyTaken } from "../../refusals.ts";
import type { WrittenRun } from "../write-request.ts";
import { pinDocument } from "./put-document.ts";
import { rowsOf, text } from "./row.ts";

/** Adds all of a batch, or throws StoreError `run_exists` or `run_key_taken` before it has added any. */
export type CreateRuns = (batch: readonly WrittenRun[]) => void;

/** Prepares the statements of a creation. */
export function createRuns(db: DatabaseSync): CreateRuns {
  const exists = db.prepare("SELECT 1 FROM runs WHERE run_id = ?");
  const keyHolder = db.prepare("SELECT run_id FROM runs WHERE idempotency_key = ?");
  const insert = db.prepare(
    `INSERT INTO runs (run_id, status, bp_id, bp_version, fence, owner, next_seq, created_at, updated_at, error,
       parent_run_id, forked_from, recovery_attempts, wake_at, idempotency_key, held, parent_key, parent_attempt)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const pin = pinDocument(db);

  const assertNew = (batch: readonly WrittenRun[]): void => {
    const fresh = new Set<string>();
    const freshKeys = new Map<string, string>();
    for (const { runId, idempotencyKey: key } of batch) {
      if (fresh.has(runId) || exists.get(runId) !== undefined) throw runExists(runId);
      fresh.add(runId);
      if (key === undefined) continue;
      const holder = freshKeys.get(key) ?? rowsOf(keyHolder, [key], (row) => text(row[0]))[0];
      if (holder !== undefined) throw runKeyTaken(key, holder);
      freshKeys.set(key, runId);
    }
  };

  return (batch) => {
    assertNew(batch);
    const pins = new Map<string, number>();
    for (const run of batch) {
      insert.run(
        run.runId,
        run.status,
        run.blueprintId,
        run.blueprintVersion,
        run.fence,
        run.owner ?? null,
        run.nextSeq,
        run.createdAt,
        run.updatedAt,
        run.error ?? null,
        run.parentRunId ?? null,
        run.forkedFrom ?? null,
        run.recoveryAttempts,
        run.wakeAt ?? null,
        run.idempotencyKey ?? null,
        run.held === true ? 1 : 0,
        run.parentStep?.key ?? null,
        run.parentStep?.attempt ?? null,
      );
      pins.set(run.blueprintVersion, (pins.get(run.blueprintVersion) ?? 0) + 1);
    }
    for (const [version, runs] of pins) pin(version, runs);
  };
}
