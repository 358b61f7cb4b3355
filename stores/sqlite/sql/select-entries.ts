/** Reads pages of a journal, and of all journals in the order of their commits. */
import type { DatabaseSync } from "node:sqlite";
import type { JournalRow, TailRow } from "../../ports.ts";
import { type SelectEnd, selectEnd } from "./positions.ts";
import { integer, optionalInteger, optionalText, type Row, rowsOf, text } from "./row.ts";

/** Reads journal rows. */
export interface SelectEntries {
  /** At most `limit` rows of a run from `fromSeq` on, ascending. */
  page(runId: string, fromSeq: number, limit: number): readonly JournalRow[];
  /** At most `limit` rows of all runs after a position, ascending. */
  tail(after: number, limit: number): readonly TailRow[];
  readonly end: SelectEnd;
}

const COLUMNS = "seq, type, step_key, attempt, text";

/** Prepares the statements. */
export function selectEntries(db: DatabaseSync): SelectEntries {
  const page = db.prepare(
    `SELECT ${COLUMNS} FROM journal
     WHERE run_no = (SELECT run_no FROM runs WHERE run_id = ?) AND seq >= ? ORDER BY seq LIMIT ?`,
  );
  const tail = db.prepare(
    `SELECT ${COLUMNS}, run_id, position FROM journal CROSS JOIN runs USING (run_no)
     WHERE position > ? ORDER BY position LIMIT ?`,
  );
  return {
    page: (runId, fromSeq, limit) => rowsOf(page, [runId, fromSeq, Math.max(limit, 0)], toEntry),
    tail: (after, limit) =>
      rowsOf(tail, [after, Math.max(limit, 0)], (row) => ({
        ...toEntry(row),
        runId: text(row[5]),
        position: integer(row[6]),
      })),
    end: selectEnd(db),
  };
}

function toEntry(row: Row): JournalRow {
  const key = optionalText(row[2]);
  const attempt = optionalInteger(row[3]);
  return {
    seq: integer(row[0]),
    type: text(row[1]),
    ...(key === undefined ? {} : { key }),
    ...(attempt === undefined ? {} : { attempt }),
    text: text(row[4]),
  };
}
