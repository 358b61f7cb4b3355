/**
 * Reads run rows. Each filter has its own statement and its own index, so a page costs its rows wherever it starts:
 * several statuses are listed one by one and merged.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { RunQuery, RunRecord, RunStatus } from "../../ports.ts";
import { integer, rowsOf } from "./row.ts";
import { RUN_COLUMNS, toRecord } from "./run-columns.ts";

/** Reads runs. */
export interface SelectRuns {
  get(runId: string): RunRecord | undefined;
  byIdempotencyKey(key: string): RunRecord | undefined;
  list(query: RunQuery): readonly RunRecord[];
}

/** Where a listing goes on: the age and id of the run before. */
type Cursor = readonly [createdAt: number, runId: string];
const FROM_NEWEST: Cursor = [Number.MAX_SAFE_INTEGER, ""];

/** Prepares the statements. */
export function selectRuns(db: DatabaseSync): SelectRuns {
  const page = (filter: string): StatementSync =>
    db.prepare(
      `SELECT ${RUN_COLUMNS} FROM runs WHERE ${filter} (created_at, run_id) < (?, ?) ORDER BY created_at DESC, run_id DESC LIMIT ?`,
    );
  const one = db.prepare(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = ?`);
  const byKey = db.prepare(`SELECT ${RUN_COLUMNS} FROM runs WHERE idempotency_key = ?`);
  const age = db.prepare("SELECT created_at FROM runs WHERE run_id = ?");
  const byAge = page("");
  const byStatus = page("status = ? AND");
  const byBlueprint = page("bp_id = ? AND");
  const byBoth = page("bp_id = ? AND status = ? AND");

  const cursor = (before: string | undefined): Cursor | undefined => {
    if (before === undefined) return FROM_NEWEST;
    const [createdAt] = rowsOf(age, [before], (row) => integer(row[0]));
    return createdAt === undefined ? undefined : [createdAt, before];
  };

  const select = (status: RunStatus | undefined, blueprintId: string | undefined, rest: readonly SQLInputValue[]) => {
    if (status === undefined && blueprintId === undefined) return rowsOf(byAge, rest, toRecord);
    if (status === undefined) return rowsOf(byBlueprint, [blueprintId!, ...rest], toRecord);
    if (blueprintId === undefined) return rowsOf(byStatus, [status, ...rest], toRecord);
    return rowsOf(byBoth, [blueprintId, status, ...rest], toRecord);
  };

  return {
    get: (runId) => rowsOf(one, [runId], toRecord)[0],
    byIdempotencyKey: (key) => rowsOf(byKey, [key], toRecord)[0],
    list({ status, blueprintId, limit, before }) {
      const from = cursor(before);
      if (from === undefined) return [];
      const rest = [...from, Math.max(limit, 0)];
      if (status === undefined) return select(undefined, blueprintId, rest);
      const pages = [...new Set(status)].map((one) => select(one, blueprintId, rest));
      return pages.flat().sort(newestFirst).slice(0, Math.max(limit, 0));
    },
  };
}

function newestFirst(left: RunRecord, right: RunRecord): number {
  if (left.createdAt !== right.createdAt) return right.createdAt - left.createdAt;
  return left.runId < right.runId ? 1 : -1;
}
