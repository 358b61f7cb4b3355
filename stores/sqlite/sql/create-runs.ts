/** Adds runs. Must run inside a transaction of the only writer: it looks first, then inserts. */
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../../ports.ts";
import type { WrittenRun } from "../write-request.ts";

/** Adds all of a batch, or throws StoreError `run_exists` before it has added any. */
export type CreateRuns = (batch: readonly WrittenRun[]) => void;

/** Prepares the statements of a creation. */
export function createRuns(db: DatabaseSync): CreateRuns {
  const exists = db.prepare("SELECT 1 FROM runs WHERE run_id = ?");
  const insert = db.prepare(
    `INSERT INTO runs (run_id, status, bp_id, bp_version, fence, owner, next_seq, created_at, updated_at, error, parent_run_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (batch) => {
    const fresh = new Set<string>();
    for (const { runId } of batch) {
      if (fresh.has(runId) || exists.get(runId) !== undefined) {
        throw new StoreError("run_exists", `run ${runId} exists already; none of the ${batch.length} runs was added`, {
          details: { runId },
        });
      }
      fresh.add(runId);
    }
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
      );
    }
  };
}
