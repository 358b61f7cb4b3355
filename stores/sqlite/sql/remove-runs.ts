/**
 * Removes runs. Journal, snapshot, seats, requests and references go with the row (ON DELETE CASCADE); what the run used is
 * counted down. Must run inside a transaction of the only writer: it looks first, then removes.
 */
import type { DatabaseSync } from "node:sqlite";
import { removalOf } from "../../removal.ts";
import type { Positions } from "./positions.ts";
import { relatives } from "./relatives.ts";

/** Removes runs and says how many, or throws StoreError `run_live` or `run_held` before it has begun (RunStore.remove). */
export type RemoveRuns = (runIds: readonly string[]) => number;

/** Prepares the statements. */
export function removeRuns(db: DatabaseSync, positions: Positions): RemoveRuns {
  const relations = relatives(db);
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
    const going = removalOf(runIds, relations);
    positions.remember();
    for (const { runNo, version } of going) {
      releaseBlobs.run(runNo);
      unpin.run(version);
      forgetPins.run(version);
      remove.run(runNo);
    }
    return going.length;
  };
}
