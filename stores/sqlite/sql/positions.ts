/**
 * Positions in the one order of all journals' rows.
 *
 * Y1  A position is given out once, also where the rows that had the highest ones are removed.
 */
import type { DatabaseSync } from "node:sqlite";
import { integer, rowsOf } from "./row.ts";

/** Positions of the only writer. */
export interface Positions {
  /** The next one. A transaction that is rolled back gives back what it took: its connection is not used again. */
  next(): number;
  /** Remembers what has been given out. Must be called in a transaction that removes rows. */
  remember(): void;
}

/** The highest position that was ever given out; 0 before the first. */
export type SelectEnd = () => number;

/** Prepares the statement that reads. */
export function selectEnd(db: DatabaseSync): SelectEnd {
  const end = db.prepare(
    "SELECT max((SELECT position FROM journal_end), (SELECT coalesce(max(position), 0) FROM journal))",
  );
  return () => rowsOf(end, [], (row) => integer(row[0]))[0] ?? 0;
}

/** Prepares the statement that writes, and looks where the journal ends. */
export function positions(db: DatabaseSync): Positions {
  const remember = db.prepare("UPDATE journal_end SET position = ?");
  let last = selectEnd(db)();
  return {
    next() {
      last += 1;
      return last;
    },
    remember: () => void remember.run(last),
  };
}
