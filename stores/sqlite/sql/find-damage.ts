/** Looks for damage: SQLite's own checks, then what only we know must hold of a journal. Reads everything. */
import type { DatabaseSync } from "node:sqlite";
import { integer, rowsOf, text } from "./row.ts";

/** Findings of each kind that are told; more of the same would not help. */
const MOST = 20;

/** One line for each finding; empty where the store is sound. */
export function findDamage(db: DatabaseSync): readonly string[] {
  const structure = rowsOf(db.prepare(`PRAGMA integrity_check(${MOST})`), [], (row) => text(row[0]));
  if (structure.length !== 1 || structure[0] !== "ok") return structure;
  const orphans = rowsOf(
    db.prepare(
      "SELECT run_no, count(*) FROM journal WHERE run_no NOT IN (SELECT run_no FROM runs) GROUP BY run_no LIMIT ?",
    ),
    [MOST],
    (row) => `${integer(row[1])} journal entries belong to run number ${integer(row[0])}, which does not exist`,
  );
  const gaps = rowsOf(
    db.prepare(
      `SELECT run_id, next_seq, max(seq), count(*), max(seq) - min(seq) + 1 FROM runs JOIN journal USING (run_no)
       GROUP BY run_no HAVING max(seq) + 1 <> next_seq OR count(*) <> max(seq) - min(seq) + 1 LIMIT ?`,
    ),
    [MOST],
    (row) =>
      `the journal of run ${text(row[0])} has ${integer(row[3])} of ${integer(row[4])} entries up to seq ${integer(row[2])}, and its row expects seq ${integer(row[1])} next`,
  );
  const lost = rowsOf(
    db.prepare(
      `SELECT run_id, digest FROM blob_refs JOIN runs USING (run_no)
       WHERE digest NOT IN (SELECT digest FROM blobs) LIMIT ?`,
    ),
    [MOST],
    (row) => `the journal of run ${text(row[0])} names the blob ${text(row[1])}, which is not here`,
  );
  const unreferred = rowsOf(
    db.prepare(
      `SELECT run_id, named FROM
         (SELECT run_no, iif(json_valid(text), text ->> '$.value.blob', NULL) AS named FROM journal) AS entries
         JOIN runs USING (run_no)
       WHERE named IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM blob_refs AS refs WHERE refs.run_no = runs.run_no AND refs.digest = named)
       LIMIT ?`,
    ),
    [MOST],
    (row) => `the journal of run ${text(row[0])} names the blob ${text(row[1])}, which is not kept for it`,
  );
  const miscounted = rowsOf(
    db.prepare(
      `SELECT digest, runs, coalesce(uses, 0) FROM blob_uses LEFT JOIN
         (SELECT digest, count(*) AS uses FROM blob_refs GROUP BY digest) USING (digest)
       WHERE runs <> coalesce(uses, 0) LIMIT ?`,
    ),
    [MOST],
    (row) => `the blob ${text(row[0])} is used by ${integer(row[2])} runs, and ${integer(row[1])} are counted`,
  );
  const uncounted = rowsOf(
    db.prepare("SELECT digest FROM blobs WHERE digest NOT IN (SELECT digest FROM blob_uses) LIMIT ?"),
    [MOST],
    (row) => `nobody counts who uses the blob ${text(row[0])}`,
  );
  return [...orphans, ...gaps, ...lost, ...unreferred, ...miscounted, ...uncounted];
}
