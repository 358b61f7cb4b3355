/**
 * Reads run rows. Each filter has its own statement and its own index, so a page costs its rows wherever it starts:
 * several statuses are listed one by one and merged.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { RunQuery, RunRecord, RunSize, StoreError } from "../../ports.ts";
import { refusalOf, withDescendants } from "../../removal.ts";
import { relatives } from "./relatives.ts";
import { integer, rowsOf } from "./row.ts";
import { RUN_COLUMNS, toRecord } from "./run-columns.ts";

/** Reads runs. */
export interface SelectRuns {
  get(runId: string): RunRecord | undefined;
  byIdempotencyKey(key: string): RunRecord | undefined;
  list(query: RunQuery): readonly RunRecord[];
  /** See RunStore.refusals. */
  refusal(runId: string): StoreError | undefined;
  /** See RunStore.sizes. */
  size(runId: string): RunSize;
}

/** Where a listing goes on: the age and id of the run before. */
type Cursor = readonly [createdAt: number, runId: string];
const FROM_NEWEST: Cursor = [Number.MAX_SAFE_INTEGER, ""];

/** Prepares the statements. */
export function selectRuns(db: DatabaseSync): SelectRuns {
  const pages = new Map<string, StatementSync>();
  const page = (filter: string): StatementSync => {
    let statement = pages.get(filter);
    if (statement === undefined) {
      statement = db.prepare(
        `SELECT ${RUN_COLUMNS} FROM runs WHERE ${filter} (created_at, run_id) < (?, ?) ORDER BY created_at DESC, run_id DESC LIMIT ?`,
      );
      pages.set(filter, statement);
    }
    return statement;
  };
  const one = db.prepare(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = ?`);
  const byKey = db.prepare(`SELECT ${RUN_COLUMNS} FROM runs WHERE idempotency_key = ?`);
  const age = db.prepare("SELECT created_at FROM runs WHERE run_id = ?");
  const entryBytes = db.prepare("SELECT coalesce(sum(octet_length(text)), 0) FROM journal WHERE run_no = ?");
  const blobBytes = db.prepare(
    "SELECT coalesce(sum(size), 0) FROM blob_refs JOIN blobs USING (digest) WHERE run_no = ?",
  );

  const relations = relatives(db);

  const cursor = (before: string | undefined): Cursor | undefined => {
    if (before === undefined) return FROM_NEWEST;
    const [createdAt] = rowsOf(age, [before], (row) => integer(row[0]));
    return createdAt === undefined ? undefined : [createdAt, before];
  };

  const select = (filters: readonly (readonly [column: string, value: string])[], rest: readonly SQLInputValue[]) => {
    const filter = filters.map(([column]) => `${column} = ? AND`).join(" ");
    return rowsOf(page(filter), [...filters.map(([, value]) => value), ...rest], toRecord);
  };

  return {
    get: (runId) => rowsOf(one, [runId], toRecord)[0],
    byIdempotencyKey: (key) => rowsOf(byKey, [key], toRecord)[0],
    list({ status, blueprintId, parentRunId, limit, before }) {
      const from = cursor(before);
      if (from === undefined) return [];
      const rest = [...from, Math.max(limit, 0)];
      const filters: (readonly [string, string])[] = [];
      if (parentRunId !== undefined) filters.push(["parent_run_id", parentRunId]);
      if (blueprintId !== undefined) filters.push(["bp_id", blueprintId]);
      if (status === undefined) return select(filters, rest);
      const lists = [...new Set(status)].map((one) => select([...filters, ["status", one]], rest));
      return lists.flat().sort(newestFirst).slice(0, Math.max(limit, 0));
    },
    refusal: (runId) => refusalOf(runId, relations),
    size(runId) {
      const runs = withDescendants([runId], relations);
      const sum = (statement: StatementSync, runNo: number): number =>
        rowsOf(statement, [runNo], (row) => integer(row[0]))[0] ?? 0;
      const bytes = runs.reduce((all, { runNo }) => all + sum(entryBytes, runNo) + sum(blobBytes, runNo), 0);
      return { runs: runs.length, bytes };
    },
  };
}

function newestFirst(left: RunRecord, right: RunRecord): number {
  if (left.createdAt !== right.createdAt) return right.createdAt - left.createdAt;
  return left.runId < right.runId ? 1 : -1;
}
