/** Holds and releases runs. Must run inside a transaction. */
import type { DatabaseSync } from "node:sqlite";

/** Says whether the run is here. */
export type HoldRun = (runId: string, held: boolean) => boolean;

/** Prepares the statement. */
export function holdRun(db: DatabaseSync): HoldRun {
  const hold = db.prepare("UPDATE runs SET held = ?2 WHERE run_id = ?1");
  return (runId, held) => hold.run(runId, held ? 1 : 0).changes > 0;
}
