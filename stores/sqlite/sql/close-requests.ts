/**
 * Closes requests: one, those of an attempt that completed, or those of a run that ended (W2). What only an open request
 * needs is removed with that. Must run inside a transaction.
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { CloseReason } from "../../ports.ts";
import { integer, rowsOf, text } from "./row.ts";

/** Closes requests. What an append asks of it costs nothing where no request is open. */
export interface CloseRequests {
  /** One more was opened. */
  opened(): void;
  one(requestNo: number, reason: CloseReason, at: number): void;
  /** Those of an attempt, but `hook_after`: it tells of the attempt's end. */
  ofAttempt(runId: string, key: string, attempt: number, at: number): void;
  ofRun(runId: string, at: number): void;
}

/** Prepares the statements. */
export function closeRequests(db: DatabaseSync): CloseRequests {
  const close = db.prepare(
    "UPDATE requests SET state = 'closed', closed_reason = ?, closed_at = ? WHERE request_no = ?",
  );
  const removals = ["request_texts", "request_values", "request_material"].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE request_no = ?`),
  );
  const count = db.prepare("SELECT count(*) FROM requests WHERE state <> 'closed'");
  let open = rowsOf(count, [], (row) => integer(row[0]))[0]!;
  const unclosed = "state <> 'closed' AND run_no = (SELECT run_no FROM runs WHERE run_id = ?)";
  const ofAttempt = db.prepare(
    `SELECT request_no, state FROM requests WHERE ${unclosed} AND step_key = ? AND attempt = ? AND kind <> 'hook_after'`,
  );
  const ofRun = db.prepare(`SELECT request_no, state FROM requests WHERE ${unclosed}`);

  const one = (requestNo: number, reason: CloseReason, at: number): void => {
    close.run(reason, at, requestNo);
    open -= 1;
    for (const remove of removals) remove.run(requestNo);
  };
  const all = (select: typeof ofRun, parameters: readonly SQLInputValue[], at: number): void => {
    if (open === 0) return;
    for (const [requestNo, state] of rowsOf(select, parameters, (row) => [integer(row[0]), text(row[1])] as const)) {
      one(requestNo, state === "submitted" ? "completed" : "cancelled", at);
    }
  };
  return {
    opened() {
      open += 1;
    },
    one,
    ofAttempt: (runId, key, attempt, at) => all(ofAttempt, [runId, key, attempt], at),
    ofRun: (runId, at) => all(ofRun, [runId], at),
  };
}
