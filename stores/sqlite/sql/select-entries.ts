/** Reads a page of a journal. */
import type { DatabaseSync } from "node:sqlite";
import type { JournalRow } from "../../ports.ts";
import { integer, optionalInteger, optionalText, rowsOf, text } from "./row.ts";

/** At most `limit` rows of a run from `fromSeq` on, ascending. */
export type SelectEntries = (runId: string, fromSeq: number, limit: number) => readonly JournalRow[];

/** Prepares the statement. */
export function selectEntries(db: DatabaseSync): SelectEntries {
  const select = db.prepare(
    `SELECT seq, type, step_key, attempt, text FROM journal
     WHERE run_no = (SELECT run_no FROM runs WHERE run_id = ?) AND seq >= ? ORDER BY seq LIMIT ?`,
  );
  return (runId, fromSeq, limit) => {
    return rowsOf(select, [runId, fromSeq, Math.max(limit, 0)], (row) => {
      const key = optionalText(row[2]);
      const attempt = optionalInteger(row[3]);
      return {
        seq: integer(row[0]),
        type: text(row[1]),
        ...(key === undefined ? {} : { key }),
        ...(attempt === undefined ? {} : { attempt }),
        text: text(row[4]),
      };
    });
  };
}
