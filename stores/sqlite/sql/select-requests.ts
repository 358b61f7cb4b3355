/** Reads requests and what was staged for them. */
import type { DatabaseSync } from "node:sqlite";
import type { Material, RequestQuery, RequestRecord, RequestStanding } from "../../ports.ts";
import { REQUEST_COLUMNS, REQUEST_TABLES, selectStanding, toRequest, toStanding } from "./request-columns.ts";
import { integer, rowsOf, text } from "./row.ts";

/** Reads requests; see RequestStore. */
export interface SelectRequests {
  get(requestId: string): RequestRecord | undefined;
  standing(requestId: string): RequestStanding | undefined;
  byHandle(handleDigest: string): { readonly requestId: string; readonly generation: number } | undefined;
  list(query: RequestQuery): readonly RequestRecord[];
  material(requestId: string): readonly Material[];
  submittedRuns(after: string, limit: number): readonly string[];
}

const RUN_NO = "(SELECT run_no FROM runs WHERE run_id = ?)";

/** Prepares the statements. */
export function selectRequests(db: DatabaseSync): SelectRequests {
  // The numbers first, from an index alone: texts are read for the page only, whatever has to be sorted.
  const select = (from: string, filter: string) =>
    db.prepare(
      `SELECT ${REQUEST_COLUMNS} FROM ${REQUEST_TABLES} WHERE request_no IN
       (SELECT request_no FROM ${from} WHERE ${filter} AND request_no > ? ORDER BY request_no LIMIT ?) ORDER BY request_no`,
    );
  const one = db.prepare(`SELECT ${REQUEST_COLUMNS} FROM ${REQUEST_TABLES} WHERE request_id = ?`);
  const standing = db.prepare(selectStanding);
  const number = db.prepare("SELECT request_no FROM requests WHERE request_id = ?");
  // From the seats a session holds to what each is asked for, whatever the planner believes of their numbers.
  const ofHolder = select("seats CROSS JOIN requests USING (run_no, seat)", "holder = ? AND state = 'open'");
  const ofSeat = select("requests", `run_no = ${RUN_NO} AND seat = ? AND state = 'open'`);
  const ofRun = select("requests", `run_no = ${RUN_NO} AND state <> 'closed'`);
  const byHandle = db.prepare(
    "SELECT request_id, request_handles.generation FROM request_handles JOIN requests USING (request_no) WHERE handle_digest = ?",
  );
  const material = db.prepare(
    `SELECT kind, name, text FROM request_material WHERE request_no = (SELECT request_no FROM requests WHERE request_id = ?)
     ORDER BY material_no`,
  );
  const submitted = db.prepare(
    `SELECT DISTINCT run_id FROM requests INDEXED BY requests_submitted JOIN runs USING (run_no)
     WHERE state = 'submitted' AND run_id > ? ORDER BY run_id LIMIT ?`,
  );

  return {
    get: (requestId) => rowsOf(one, [requestId], toRequest)[0],
    standing: (requestId) => rowsOf(standing, [requestId], toStanding)[0],
    byHandle: (handleDigest) =>
      rowsOf(byHandle, [handleDigest], (row) => ({ requestId: text(row[0]), generation: integer(row[1]) }))[0],
    list({ of, limit, after }) {
      const from = after === undefined ? 0 : rowsOf(number, [after], (row) => integer(row[0]))[0];
      if (from === undefined) return [];
      const rest = [from, Math.max(limit, 0)];
      if ("holder" in of) return rowsOf(ofHolder, [of.holder, ...rest], toRequest);
      if ("seat" in of) return rowsOf(ofSeat, [of.runId, of.seat, ...rest], toRequest);
      return rowsOf(ofRun, [of.runId, ...rest], toRequest);
    },
    material: (requestId) =>
      rowsOf(material, [requestId], (row): Material => {
        const kind = text(row[0]) as Material["kind"];
        return kind === "part" ? { kind, name: text(row[1]), text: text(row[2]) } : { kind, text: text(row[2]) };
      }),
    submittedRuns: (after, limit) => rowsOf(submitted, [after, Math.max(limit, 0)], (row) => text(row[0])),
  };
}
