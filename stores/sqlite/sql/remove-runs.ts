/**
 * Removes runs that have ended. Journal, snapshot and references go with the row (ON DELETE CASCADE); what the run used is
 * counted down. Must run inside a transaction of the only writer: it looks first, then removes.
 */
import type { DatabaseSync } from "node:sqlite";
import type { RunStatus } from "../../ports.ts";
import { runHeld, runLive } from "../../refusals.ts";
import { ENDED } from "../../run-status.ts";
import type { Positions } from "./positions.ts";
import { integer, rowsOf, text } from "./row.ts";

/** Removes those of the runs that are here and says how many, or throws StoreError `run_live` or `run_held` before it has begun. */
export type RemoveRuns = (runIds: readonly string[]) => number;

/** Prepares the statements. */
export function removeRuns(db: DatabaseSync, positions: Positions): RemoveRuns {
  const select = db.prepare("SELECT run_no, status, bp_version, held FROM runs WHERE run_id = ?");
  const releaseBlobs = db.prepare(
    "UPDATE blob_uses SET runs = runs - 1 WHERE digest IN (SELECT digest FROM blob_refs WHERE run_no = ?)",
  );
  const unpin = db.prepare("UPDATE document_uses SET runs = runs - 1 WHERE version = ?");
  // A version that was pinned and never put.
  const forgetPins = db.prepare(
    "DELETE FROM document_uses WHERE version = ?1 AND runs = 0 AND NOT EXISTS (SELECT 1 FROM documents WHERE version = ?1)",
  );
  const remove = db.prepare("DELETE FROM runs WHERE run_no = ?");

  return (runIds) => {
    const found = [...new Set(runIds)].flatMap((runId) =>
      rowsOf(select, [runId], (row) => ({
        runId,
        runNo: integer(row[0]),
        status: text(row[1]) as RunStatus,
        version: text(row[2]),
        held: integer(row[3]) !== 0,
      })),
    );
    for (const { runId, status } of found) if (!ENDED.has(status)) throw runLive(runId, status, runIds.length);
    for (const { runId, held } of found) if (held) throw runHeld(runId, runIds.length);
    positions.remember();
    for (const { runNo, version } of found) {
      releaseBlobs.run(runNo);
      unpin.run(version);
      forgetPins.run(version);
      remove.run(runNo);
    }
    return found.length;
  };
}
