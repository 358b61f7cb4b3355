/** Finds runs by each other: the Relations of a removal. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { RunStatus } from "../../ports.ts";
import type { Relations, Relative } from "../../removal.ts";
import { integer, optionalText, type Row, rowsOf, text } from "./row.ts";

/** A run among its relatives. */
export interface StoredRelative extends Relative {
  readonly runNo: number;
  readonly version: string;
}

/** Prepares the statements. */
export function relatives(db: DatabaseSync): Relations<StoredRelative> {
  const where = (condition: string): StatementSync =>
    db.prepare(
      `SELECT run_no, run_id, status, held, next_seq, parent_run_id, bp_version FROM runs WHERE ${condition} = ?`,
    );
  const byId = where("run_id");
  const byParent = where("parent_run_id");
  const bySource = where("forked_from");
  return {
    get: (runId) => rowsOf(byId, [runId], toRelative)[0],
    children: (runId) => rowsOf(byParent, [runId], toRelative),
    forks: (runId) => rowsOf(bySource, [runId], toRelative),
  };
}

function toRelative(row: Row): StoredRelative {
  return {
    runNo: integer(row[0]),
    runId: text(row[1]),
    status: text(row[2]) as RunStatus,
    isHeld: integer(row[3]) !== 0,
    hasBegun: integer(row[4]) > 1,
    parentRunId: optionalText(row[5]),
    version: text(row[6]),
  };
}
