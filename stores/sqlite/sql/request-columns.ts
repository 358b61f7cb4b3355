/** The columns of a request, its texts beside it, in the order in which they are selected and decoded. */
import type { CloseReason, RequestKind, RequestRecord, RequestStanding, Submission } from "../../ports.ts";
import { integer, optionalInteger, optionalText, type Row, text } from "./row.ts";

/** For a SELECT over REQUEST_TABLES whose rows `toRequest` takes. */
export const REQUEST_COLUMNS = `request_id, kind, run_id, step_key, attempt, step_id, agent, requests.fence, requests.seat, name,
  coalesce(body, ''), terms, opened_at, deadline, state, deliveries, requests.generation, working_session, working_at,
  working_note, form, verdict, digest, value, submitted_by, submitted_at, closed_reason, closed_at,
  EXISTS (SELECT 1 FROM request_material WHERE request_material.request_no = requests.request_no)`;

/** What REQUEST_COLUMNS are columns of. */
export const REQUEST_TABLES = `requests JOIN runs USING (run_no) LEFT JOIN request_texts USING (request_no)
  LEFT JOIN request_values USING (request_no)`;

/** What decides about the request of an id; its number comes last. */
export const selectStanding = `SELECT state, requests.fence, digest, closed_reason, seats.generation, request_no
  FROM requests LEFT JOIN seats ON seats.run_no = requests.run_no AND seats.seat = requests.seat WHERE request_id = ?`;

/** A row of `selectStanding`. */
export function toStanding(row: Row): RequestStanding {
  return {
    state: text(row[0]) as RequestRecord["state"],
    fence: integer(row[1]),
    digest: optionalText(row[2]),
    closedReason: optionalText(row[3]) as CloseReason | undefined,
    seatGeneration: optionalInteger(row[4]),
  };
}

/** The number of the request of a row of `selectStanding`. */
export function toRequestNo(row: Row): number {
  return integer(row[5]);
}

/** A row of REQUEST_COLUMNS. */
export function toRequest(row: Row): RequestRecord {
  const terms = optionalText(row[11]);
  const deadline = optionalInteger(row[13]);
  const generation = optionalInteger(row[16]);
  const sessionId = optionalText(row[17]);
  const note = optionalText(row[19]);
  const submission = toSubmission(row);
  const reason = optionalText(row[26]);
  return {
    requestId: text(row[0]),
    kind: text(row[1]) as RequestKind,
    runId: text(row[2]),
    key: text(row[3]),
    attempt: integer(row[4]),
    stepId: text(row[5]),
    agent: text(row[6]),
    fence: integer(row[7]),
    seat: text(row[8]),
    name: text(row[9]),
    body: text(row[10]),
    ...(terms === undefined ? {} : { terms }),
    openedAt: integer(row[12]),
    ...(deadline === undefined ? {} : { deadline }),
    state: text(row[14]) as RequestRecord["state"],
    deliveries: integer(row[15]),
    ...(generation === undefined ? {} : { generation }),
    ...(sessionId === undefined
      ? {}
      : { working: { sessionId, at: integer(row[18]), ...(note === undefined ? {} : { note }) } }),
    ...(submission === undefined ? {} : { submission }),
    ...(integer(row[28]) === 0 ? {} : { staged: true }),
    ...(reason === undefined ? {} : { closed: { reason: reason as CloseReason, at: integer(row[27]) } }),
  };
}

function toSubmission(row: Row): Submission | undefined {
  const form = optionalText(row[20]);
  if (form === undefined) return undefined;
  const value = optionalText(row[23]);
  const by = optionalText(row[24]);
  return {
    form: form as Submission["form"],
    verdict: text(row[21]) as Submission["verdict"],
    digest: text(row[22]),
    ...(value === undefined ? {} : { value }),
    ...(by === undefined ? {} : { by }),
    at: integer(row[25]),
  };
}
