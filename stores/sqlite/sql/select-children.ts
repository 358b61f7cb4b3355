/** Finds what a crash left between the journals of parents and children; see ChildStore. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { LinkQuery } from "../../ports.ts";
import { integer, rowsOf, text } from "./row.ts";

/** Reads ids of runs. */
export interface SelectChildren {
  answered(query: LinkQuery): readonly string[];
  orphaned(query: LinkQuery): readonly string[];
}

const LIVE = "('pending', 'running', 'waiting', 'suspended', 'paused')";
const ENDED = "('done', 'failed', 'cancelled', 'dead_letter')";
/** Whether the attempt that the child `c` was started for is over in the journal of the parent `p`. */
const IS_OVER = `EXISTS (SELECT 1 FROM journal AS j WHERE j.run_no = p.run_no AND j.step_key = c.parent_key
  AND (j.attempt > c.parent_attempt OR (j.attempt = c.parent_attempt AND j.type = 'step_completed')))`;

/** Prepares the statements. */
export function selectChildren(db: DatabaseSync): SelectChildren {
  const age = db.prepare("SELECT created_at FROM runs WHERE run_id = ?");
  // Named indexes: few runs wait for a child, and few children live, however many runs there are.
  const answered = db.prepare(
    `SELECT p.run_id FROM runs AS p INDEXED BY runs_by_status
     WHERE p.status = 'waiting' AND (p.created_at, p.run_id) > (?1, ?2) AND EXISTS (
       SELECT 1 FROM runs AS c INDEXED BY runs_by_parent
       WHERE c.parent_run_id = p.run_id AND c.parent_key IS NOT NULL AND c.status IN ${ENDED} AND NOT ${IS_OVER})
     ORDER BY p.created_at, p.run_id LIMIT ?3`,
  );
  const orphaned = db.prepare(
    `SELECT c.run_id FROM runs AS c INDEXED BY runs_live_children
     WHERE c.parent_key IS NOT NULL AND c.status IN ${LIVE} AND (c.created_at, c.run_id) > (?1, ?2) AND EXISTS (
       SELECT 1 FROM runs AS p WHERE p.run_id = c.parent_run_id AND (p.status IN ${ENDED} OR ${IS_OVER}))
     ORDER BY c.created_at, c.run_id LIMIT ?3`,
  );

  const select = (statement: StatementSync, { limit, after }: LinkQuery): readonly string[] => {
    const from = after === undefined ? -1 : rowsOf(age, [after], (row) => integer(row[0]))[0];
    if (from === undefined) return [];
    return rowsOf(statement, [from, after ?? "", Math.max(limit, 0)], (row) => text(row[0]));
  };
  return {
    answered: (query) => select(answered, query),
    orphaned: (query) => select(orphaned, query),
  };
}
