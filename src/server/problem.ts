/**
 * Errors as RFC 9457 problem documents, in one place.
 *
 * Owns: the status of every code of every layer that can reach a request. Does not own: the messages.
 * An error that nobody expected says no more than that: its message may hold what the caller must not see.
 */
import type { FastifyError } from "fastify";
import { FlowError } from "../flow/index.ts";

/** A problem document. `code` is stable; `type` is that code as a URN. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** Findings about a Blueprint. */
  readonly diagnostics?: readonly unknown[];
  /** What the error names: a run, a key, a seq. */
  readonly details?: unknown;
}

const STATUS: Readonly<Record<string, readonly [status: number, title: string]>> = {
  unauthorized: [401, "The credential is missing or wrong"],
  token_malformed: [401, "The token is not one of this host's"],
  token_forged: [401, "The token's signature is wrong"],
  token_key_unknown: [401, "The token's key is not one of this host's"],
  token_expired: [401, "The token has expired"],
  verb_denied: [403, "The credential does not allow this"],
  wrong_binding: [403, "The credential is for something else"],
  wrong_fence: [409, "The credential is from before the run changed hands"],
  seat_moved: [409, "The seat has moved on"],
  token_revoked: [410, "What the credential was made out for has ended"],
  subprotocol: [400, "The host does not speak that"],
  not_found: [404, "There is no such route"],
  session_unknown: [404, "There is no such session"],
  sessions_full: [503, "There are too many sessions"],
  session_invalid: [400, "A session cannot be this"],
  seat_unknown: [404, "There is no such seat"],
  seat_required: [400, "A seat must be named"],
  binding_unattested: [409, "Nobody attests what a runner asks for"],
  seat_invalid: [400, "A seat cannot be taken so"],
  seats_full: [409, "Too many seats are held"],
  request_unknown: [404, "There is no such request"],
  request_closed: [410, "Nobody waits for this any more"],
  request_kind: [409, "This is not answered so"],
  submission_conflict: [409, "There is another answer already"],
  submit_format: [422, "The answer is not of the form wanted"],
  submission_too_large: [413, "The answer is too large"],
  material_full: [413, "There is too much beside the answer"],
  verdict_rejected: [422, "The answer breaks its verdict contract"],
  never_widens: [403, "The credential cannot be made out again"],
  verdict_conflict: [400, "The verdict makes no sense"],
  part_name: [400, "A part cannot be called so"],
  file_refused: [403, "The file may not be read"],
  file_missing: [404, "There is no such file"],
  file_invalid: [422, "This is no file to be read"],
  submission_not_text: [422, "The answer is not text"],
  report_invalid: [422, "The report is not of its form"],
  system_none: [404, "There is no system prompt"],
  output_unknown: [404, "There is no such output"],
  run_unknown: [404, "There is no such run"],
  key_unknown: [404, "There is no such step key"],
  version_unknown: [404, "There is no such Blueprint version"],
  schedule_unknown: [404, "There is no such schedule"],
  schedule_exists: [409, "There is such a schedule already"],
  schedule_invalid: [422, "The schedule is not valid"],
  run_ended: [409, "The run has ended"],
  run_live: [409, "The run has not ended"],
  head_unknown: [409, "The Blueprint has no newest version here"],
  fork_live: [409, "The run has not ended"],
  run_held: [409, "The run is held"],
  run_elsewhere: [409, "Another host has the run"],
  run_lost: [409, "Another host has the run"],
  run_stuck: [409, "The run cannot go on"],
  divergence: [409, "The run and its flow disagree"],
  request_contradicts: [400, "The request is not valid"],
  limit_exceeded: [422, "The flow's limits do not allow this"],
  body_value: [400, "The request is not valid"],
  connections_full: [503, "The host is full"],
  foreign_origin: [403, "This is not for browsers"],
  no_operator: [503, "There is no operator"],
  blueprint_invalid: [422, "The Blueprint has errors"],
  not_canonical: [422, "The Blueprint cannot be written as canonical JSON"],
  journal_corrupt: [500, "A journal is damaged"],
  journal_newer: [500, "A newer host wrote the journal"],
  journal_write: [503, "The journal cannot be written"],
  run_exists: [409, "There is a run of that id"],
  run_key_taken: [409, "Another run has that idempotency key"],
  archive_foreign: [422, "This is not an archive of a run"],
  archive_newer: [422, "A newer host wrote the archive"],
  archive_truncated: [422, "The archive is not whole"],
  archive_damaged: [422, "The archive is damaged"],
  archive_too_large: [413, "The archive is too large"],
  document_missing: [409, "The run's Blueprint is missing"],
  retention_invalid: [422, "The retention policy is not one"],
  store_full: [507, "The disk is full"],
  store_io: [503, "The store cannot be read or written"],
  store_busy: [503, "The store is busy"],
  store_closed: [503, "The host is shutting down"],
  engine_closed: [503, "The host is shutting down"],
  starting: [503, "The host is not ready yet"],
};

/** What to answer about anything that was thrown. */
export function problemOf(error: unknown): Problem {
  const code = codeOf(error);
  const known = code !== undefined && Object.hasOwn(STATUS, code) ? STATUS[code] : undefined;
  if (known !== undefined && error instanceof Error && code !== undefined) {
    const [status, title] = known;
    return { ...problem(status, code, title, error.message), ...extras(error) };
  }
  if (isRefusal(error) && error.statusCode === 413) {
    return problem(413, "body_too_large", "The body is too large", error.message);
  }
  if (isRefusal(error)) return problem(error.statusCode, "bad_request", "The request is not valid", error.message);
  return problem(500, "internal", "The host itself failed", "see the host's log");
}

/** A problem document of its own. */
export function problem(status: number, code: string, title: string, detail: string): Problem {
  return { type: `urn:swarm-host:problem:${code}`, title, status, code, detail };
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof FlowError) return error.kind;
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function extras(error: Error): Pick<Problem, "diagnostics" | "details"> {
  return {
    ...("diagnostics" in error && Array.isArray(error.diagnostics) ? { diagnostics: error.diagnostics } : {}),
    ...("details" in error && error.details !== undefined ? { details: error.details } : {}),
  };
}

/** What fastify itself refuses: no JSON, too large, not what the schema says. */
function isRefusal(error: unknown): error is FastifyError & { readonly statusCode: number } {
  if (!(error instanceof Error && "statusCode" in error)) return false;
  const { statusCode } = error;
  return typeof statusCode === "number" && statusCode >= 400 && statusCode < 500;
}
