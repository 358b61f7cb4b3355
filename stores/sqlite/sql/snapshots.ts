/** The newest snapshot of each run: written by the writer, read by the reader. */
import type { DatabaseSync } from "node:sqlite";
import type { Snapshot } from "../../ports.ts";
import { integer, rowsOf, text } from "./row.ts";

/** Keeps a snapshot, unless the run has a newer one or is not here. */
export type PutSnapshot = (runId: string, snapshot: Snapshot) => void;

/** A run's newest snapshot. */
export type SelectSnapshot = (runId: string) => Snapshot | undefined;

/** Prepares the statement that writes. */
export function putSnapshot(db: DatabaseSync): PutSnapshot {
  const put = db.prepare(
    `INSERT INTO snapshots (run_no, next_seq, prev, text) SELECT run_no, ?2, ?3, ?4 FROM runs WHERE run_id = ?1
     ON CONFLICT (run_no) DO UPDATE SET next_seq = excluded.next_seq, prev = excluded.prev, text = excluded.text
     WHERE excluded.next_seq >= snapshots.next_seq`,
  );
  return (runId, { nextSeq, prev, text }) => {
    put.run(runId, nextSeq, prev, text);
  };
}

/** Prepares the statement that reads. */
export function selectSnapshot(db: DatabaseSync): SelectSnapshot {
  const select = db.prepare(
    "SELECT next_seq, prev, text FROM snapshots WHERE run_no = (SELECT run_no FROM runs WHERE run_id = ?)",
  );
  return (runId) =>
    rowsOf(select, [runId], (row) => ({ nextSeq: integer(row[0]), prev: text(row[1]), text: text(row[2]) }))[0];
}
