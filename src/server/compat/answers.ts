/**
 * Refusals in the words of the reference system: its statuses, and its shapes of bodies.
 *
 * Owns: where they differ from the native ones. Does not own: the native statuses (problem.ts).
 *
 * A status is the native one unless the client is told, by that status, to do something else: stop, mend, or try again.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { bearerOf } from "../access.ts";
import { type Problem, problemOf } from "../problem.ts";

const WORKERS = "/v1/worker/";

/** What all routes answer otherwise than the native ones. */
const EVERYWHERE: Readonly<Record<string, number>> = {
  blueprint_invalid: 400,
  not_canonical: 400,
  version_unknown: 400,
  seat_unknown: 400,
};

/** What routes of a session do. */
const OF_SESSIONS: Readonly<Record<string, number>> = { wrong_binding: 401, verb_denied: 401, token_revoked: 401 };

/** What routes of workers do. */
const OF_WORKERS: Readonly<Record<string, number>> = {
  wrong_binding: 400,
  request_unknown: 410,
  file_refused: 400,
  file_invalid: 400,
};

/** The status and the native problem of anything that was thrown. */
export function refusalOf(error: unknown, asked: Asked): { status: number; problem: Problem } {
  const problem = problemOf(error);
  return { status: statusOf(problem, error, asked), problem };
}

/** What a refusal depends on beside the error. */
export interface Asked {
  /** Path and query. */
  readonly url: string;
  readonly authorization: string | undefined;
  /** Whether nobody sits in the worker's seat. Default: somebody does. */
  readonly isVacant?: boolean;
}

/** Whether a refusal depends on who sits in the worker's seat. */
export function dependsOnSeat(error: unknown, url: string): boolean {
  return url.startsWith(WORKERS) && problemOf(error).code === "seat_moved";
}

/** Answers a request with what was thrown: text on a session's own routes where there is no such session, else `{error, code}`. */
export function answerRefusal(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { isVacant = false }: Pick<Asked, "isVacant"> = {},
): FastifyReply {
  const asked = { url: request.url, authorization: request.headers.authorization, isVacant };
  const { status, problem } = refusalOf(error, asked);
  if (status === 401) reply.header("www-authenticate", "Bearer");
  if (problem.code === "connections_full") reply.header("connection", "close");
  reply.code(status);
  if (isOfSession(asked.url) && (status === 401 || status === 404)) {
    return reply.type("text/plain; charset=utf-8").send(problem.detail);
  }
  const { code, detail, details, diagnostics } = problem;
  return reply.send({
    error: diagnostics === undefined ? detail : `${detail}: ${JSON.stringify(diagnostics)}`,
    code,
    ...(details === undefined ? {} : { details }),
  });
}

function statusOf({ code, status }: Problem, error: unknown, { url, authorization, isVacant }: Asked): number {
  if (isBodyOfWrongShape(error)) return 422;
  if (url.startsWith(WORKERS)) {
    if (code === "seat_moved" && isVacant) return 503;
    if (code === "unauthorized") return withoutStanding(authorization);
    return own(OF_WORKERS, code) ?? status;
  }
  if (isOfSession(url)) return own(OF_SESSIONS, code) ?? status;
  return own(EVERYWHERE, code) ?? status;
}

/** A handle that is not known has ended; what is no handle of ours is the client's mistake. */
function withoutStanding(authorization: string | undefined): number {
  const shown = bearerOf(authorization);
  if (shown === undefined) return 400;
  return /^wh-[0-9a-z]{2,61}$/iu.test(shown) ? 410 : 401;
}

function isBodyOfWrongShape(error: unknown): boolean {
  return error instanceof Error && "validationContext" in error && error.validationContext === "body";
}

function isOfSession(url: string): boolean {
  return url.startsWith("/v1/operators/");
}

function own(table: Readonly<Record<string, number>>, code: string): number | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}
