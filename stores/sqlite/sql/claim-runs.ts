/**
 * O1 in SQL: finds what may be claimed, in order, then makes each of it the host's. Must run inside a transaction of the
 * only writer, so that nobody comes in between.
 */
import type { DatabaseSync } from "node:sqlite";
import type { ClaimOrder, RunRecord } from "../../ports.ts";
import { integer, type Row, rowsOf } from "./row.ts";
import { RUN_COLUMNS, toRecord } from "./run-columns.ts";

/** Claims runs as of `now`, the store's clock's; see OwnershipStore.claim. */
export type ClaimRuns = (order: ClaimOrder, now: number) => readonly RunRecord[];

// ?1 is the host, ?2 is now, ?4 what is left out.
const IS_MINE = "owner = ?1";
const IS_ABANDONED = `(owner IS NULL OR (owner <> ?1 AND NOT EXISTS
  (SELECT 1 FROM leases WHERE host_id = owner AND lease_until > ?2)))`;

const IS_WANTED = "run_id NOT IN (SELECT value FROM json_each(?4))";

/** Runs that should be driven: a status after the other, each by its index, merged by age. */
const driven = (filter: string): string =>
  ["pending", "running"]
    .map(
      (status) =>
        `SELECT run_no, created_at, run_id FROM runs WHERE status = '${status}' AND ${filter} AND ${IS_WANTED}`,
    )
    .join(" UNION ALL ")
    .concat(" ORDER BY created_at, run_id LIMIT ?3");

/** Prepares the statements. */
export function claimRuns(db: DatabaseSync): ClaimRuns {
  // Each names ?2, though not all need it, so that all are bound alike.
  const own = db.prepare(driven(`${IS_MINE} AND ?2 IS NOT NULL`));
  const ownAfter = db.prepare(
    driven(
      `${IS_MINE} AND ?2 IS NOT NULL AND (created_at, run_id) > ((SELECT created_at FROM runs WHERE run_id = ?5), ?5)`,
    ),
  );
  const abandoned = db.prepare(driven(IS_ABANDONED));
  const due = db.prepare(
    `SELECT run_no FROM runs WHERE status = 'waiting' AND wake_at <= ?2 AND (${IS_MINE} OR ${IS_ABANDONED}) AND ${IS_WANTED}
     ORDER BY wake_at, run_id LIMIT ?3`,
  );
  const one = db.prepare(
    `SELECT run_no FROM runs WHERE run_id = ?5 AND status NOT IN ('done', 'failed', 'cancelled', 'dead_letter')
     AND (${IS_MINE} OR ${IS_ABANDONED}) AND ${IS_WANTED} LIMIT ?3`,
  );
  const take = db.prepare(
    `UPDATE runs SET owner = ?2, status = 'running', wake_at = NULL, fence = fence + 1,
     recovery_attempts = recovery_attempts + 1 WHERE run_no = ?1 RETURNING ${RUN_COLUMNS}`,
  );

  const find = ({ hostId, which, limit, except = [] }: ClaimOrder, now: number): readonly number[] => {
    const bound = [hostId, now, Math.max(limit, 0), JSON.stringify(except)];
    const runNo = (row: Row): number => integer(row[0]);
    if (which === "own") return rowsOf(own, bound, runNo);
    if (which === "abandoned") return rowsOf(abandoned, bound, runNo);
    if (which === "due") return rowsOf(due, bound, runNo);
    if ("ownAfter" in which) return rowsOf(ownAfter, [...bound, which.ownAfter], runNo);
    return rowsOf(one, [...bound, which.runId], runNo);
  };

  return (order, now) => find(order, now).flatMap((runNo) => rowsOf(take, [runNo, order.hostId], toRecord));
}
