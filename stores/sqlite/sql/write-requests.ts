/** Opens and changes requests. Must run inside a transaction of the only writer: it looks first, then writes. */
import type { DatabaseSync } from "node:sqlite";
import type { ChangeResult, Material, NewRequest, RequestChange, RequestRecord, RunStatus } from "../../ports.ts";
import { fits, judgeChange, materialName, type StagedSize } from "../../request-rules.ts";
import { ENDED } from "../../run-status.ts";
import type { CloseRequests } from "./close-requests.ts";
import {
  REQUEST_COLUMNS,
  REQUEST_TABLES,
  selectStanding,
  toRequest,
  toRequestNo,
  toStanding,
} from "./request-columns.ts";
import { integer, rowsOf, text } from "./row.ts";

/** Writes requests; see RequestStore. */
export interface WriteRequests {
  open(request: NewRequest): RequestRecord | undefined;
  change(change: RequestChange): ChangeResult;
}

/** Prepares the statements. */
export function writeRequests(db: DatabaseSync, close: CloseRequests): WriteRequests {
  const record = db.prepare(`SELECT ${REQUEST_COLUMNS} FROM ${REQUEST_TABLES} WHERE request_id = ?`);
  const run = db.prepare("SELECT run_no, status FROM runs WHERE run_id = ?");
  const insert = db.prepare(
    `INSERT INTO requests (request_id, run_no, kind, step_key, attempt, step_id, agent, fence, seat, name, opened_at,
       deadline, state, deliveries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', 0)`,
  );
  const insertTexts = db.prepare("INSERT INTO request_texts (request_no, body, terms) VALUES (?, ?, ?)");
  const standing = db.prepare(selectStanding);
  const deliver = db.prepare("UPDATE requests SET deliveries = deliveries + 1, generation = ? WHERE request_no = ?");
  const insertHandle = db.prepare(
    `INSERT INTO request_handles (handle_digest, request_no, generation) VALUES (?, ?, ?)
     ON CONFLICT (handle_digest) DO NOTHING`,
  );
  const work = db.prepare(
    "UPDATE requests SET working_session = ?, working_at = ?, working_note = ? WHERE request_no = ?",
  );
  const submit = db.prepare(
    `UPDATE requests SET state = 'submitted', form = ?, verdict = ?, digest = ?, submitted_by = ?, submitted_at = ?
     WHERE request_no = ?`,
  );
  const insertValue = db.prepare("INSERT INTO request_values (request_no, value) VALUES (?, ?)");
  const staged = db.prepare("SELECT kind, name, characters FROM request_material WHERE request_no = ?");
  const unstage = db.prepare("DELETE FROM request_material WHERE request_no = ? AND kind = ? AND name = ?");
  const insertMaterial = db.prepare(
    "INSERT INTO request_material (request_no, kind, name, characters, text) VALUES (?, ?, ?, ?, ?)",
  );

  const find = (requestId: string) =>
    rowsOf(standing, [requestId], (row) => ({ requestNo: toRequestNo(row), standing: toStanding(row) }))[0];

  const stage = (requestNo: number, material: Material): ChangeResult => {
    const sizes = rowsOf(
      staged,
      [requestNo],
      (row): StagedSize => ({
        kind: text(row[0]) as Material["kind"],
        name: text(row[1]),
        characters: integer(row[2]),
      }),
    );
    if (!fits(sizes, material)) return "full";
    unstage.run(requestNo, material.kind, materialName(material));
    insertMaterial.run(requestNo, material.kind, materialName(material), material.text.length, material.text);
    return "done";
  };

  return {
    open(request) {
      const [known] = rowsOf(record, [request.requestId], toRequest);
      if (known !== undefined) return known;
      const [owner] = rowsOf(run, [request.runId], (row) => [integer(row[0]), text(row[1]) as RunStatus] as const);
      if (owner === undefined || ENDED.has(owner[1])) return undefined;
      const { requestId, kind, key, attempt, stepId, agent, fence, seat, name, openedAt, deadline } = request;
      const { lastInsertRowid } = insert.run(
        requestId,
        owner[0],
        kind,
        key,
        attempt,
        stepId,
        agent,
        fence,
        seat,
        name,
        openedAt,
        deadline ?? null,
      );
      close.opened();
      insertTexts.run(lastInsertRowid, request.body, request.terms ?? null);
      return { ...request, state: "open", deliveries: 0 };
    },
    change(change) {
      const found = find(change.requestId);
      const result = judgeChange(change, found?.standing);
      if (result !== "done" || found === undefined) return result;
      const { requestNo } = found;
      switch (change.kind) {
        case "deliver":
          deliver.run(change.generation, requestNo);
          if (change.handleDigest !== undefined) insertHandle.run(change.handleDigest, requestNo, change.generation);
          return "done";
        case "work":
          work.run(change.sessionId, change.at, change.note ?? null, requestNo);
          return "done";
        case "stage":
          return stage(requestNo, change.material);
        case "submit": {
          const { form, verdict, digest, by, at, value } = change.submission;
          submit.run(form, verdict, digest, by ?? null, at, requestNo);
          insertValue.run(requestNo, value ?? "null");
          return "done";
        }
        case "close":
          close.one(requestNo, change.reason, change.at);
          return "done";
      }
    },
  };
}
