/**
 * The routes about operators: sessions, seats, and what a run still asks of whom.
 *
 * Owns: what each answers. Does not own: who may ask (rules.ts), the socket (operator-socket.ts).
 */
import type { FastifyInstance } from "fastify";
import { type Grant, sessionTerms } from "../capability/index.ts";
import type { Json, JsonObject } from "../flow/index.ts";
import { OperatorError, type OperatorSession, type SeatRecord } from "../host.ts";
import {
  AcquireBody,
  JoinBody,
  type LaunchSeats,
  ReleaseQuery,
  SeatPath,
  SessionPath,
  SessionsQuery,
} from "./operator-requests.ts";
import { problem } from "./problem.ts";
import { RunPath } from "./requests.ts";
import type { RoutePorts } from "./routes.ts";

const DEFAULT_LIMIT = 100;

/** Adds the routes. */
export function addOperatorRoutes(server: FastifyInstance, ports: RoutePorts): void {
  addSessionRoutes(server, ports);
  addSeatRoutes(server, ports);
}

function addSessionRoutes(server: FastifyInstance, { host }: RoutePorts): void {
  server.post<{ Body: JoinBody }>("/v1/operators", { schema: { body: JoinBody } }, async ({ body, grant }, reply) => {
    const { description, manifest } = body;
    const { verbs, expiresAt } = sessionTerms(grant);
    const order = {
      description,
      ...(manifest === undefined ? {} : { manifest: manifest as Json }),
      ...(verbs === undefined ? {} : { verbs }),
      ...(expiresAt === undefined ? {} : { endsAt: expiresAt }),
    };
    const { session, secret } = await host().operators.join(order);
    return reply
      .code(201)
      .header("location", `/v1/operators/${session.sessionId}`)
      .header("cache-control", "no-store")
      .send({ ...sessionObject(session), secret });
  });

  server.get<{ Querystring: SessionsQuery }>(
    "/v1/operators",
    { schema: { querystring: SessionsQuery } },
    async ({ query: { limit, after } }) => {
      const sessions = await host().operators.sessions({
        limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
        ...(after === undefined ? {} : { after }),
      });
      return { operators: sessions.map(sessionObject) };
    },
  );

  server.get<{ Params: SessionPath }>("/v1/operators/:sid", { schema: { params: SessionPath } }, async ({ params }) =>
    sessionObject(await host().operators.session(params.sid)),
  );

  server.delete<{ Params: SessionPath }>(
    "/v1/operators/:sid",
    { schema: { params: SessionPath } },
    async ({ params }, reply) => {
      await host().operators.leave(params.sid);
      return reply.code(204).send();
    },
  );

  // What comes here asked for no upgrade: that goes to operator-socket.ts.
  server.get<{ Params: SessionPath }>(
    "/v1/operators/:sid/socket",
    { schema: { params: SessionPath } },
    async (_request, reply) =>
      reply
        .code(426)
        .header("upgrade", "websocket")
        .type("application/problem+json")
        .send(JSON.stringify(problem(426, "upgrade_required", "This is a socket", "ask for a WebSocket"))),
  );
}

function addSeatRoutes(server: FastifyInstance, { host }: RoutePorts): void {
  server.get<{ Params: RunPath }>(
    "/v1/runs/:id/seats",
    { schema: { params: RunPath } },
    async ({ params: { id } }) => ({
      seats: await host().operators.seats(id),
    }),
  );

  server.post<{ Params: RunPath; Body: AcquireBody }>(
    "/v1/runs/:id/seats",
    { schema: { params: RunPath, body: AcquireBody } },
    async ({ params: { id: runId }, body: { seat, session, description }, grant }) => {
      const sessionId = sessionFor(grant, session);
      const order = { runId, sessionId, description, ...(seat === undefined ? {} : { seat }) };
      const taken = await host().operators.acquire(order);
      return { ...seatObject(taken.seat), previous: taken.previous === undefined ? null : seatObject(taken.previous) };
    },
  );

  server.delete<{ Params: SeatPath; Querystring: ReleaseQuery }>(
    "/v1/runs/:id/seats/:seat",
    { schema: { params: SeatPath, querystring: ReleaseQuery } },
    async ({ params: { id: runId, seat }, query: { generation } }) =>
      seatObject(await host().operators.release({ runId, seat, generation: Number(generation) })),
  );

  server.get<{ Params: RunPath }>("/v1/runs/:id/handover", { schema: { params: RunPath } }, async ({ params }) => {
    const { runId, seats, requests } = await host().operators.handover(params.id);
    return {
      run_id: runId,
      seats,
      requests: requests.map(({ openedAt, ageMs, working, ...request }) => ({
        ...request,
        opened_at: openedAt,
        age_ms: ageMs,
        ...(working === undefined
          ? {}
          : { working: { session: working.sessionId, at: working.at, note: working.note } }),
      })),
    };
  });
}

/** Whom a launch seats, each session named or the asker's own. @throws OperatorError `session_unknown`. */
export function launchSeats(
  seats: LaunchSeats,
  grant: Grant,
): Readonly<Record<string, { readonly sessionId: string; readonly description: string }>> {
  return Object.fromEntries(
    Object.entries(seats).map(([seat, { session, description }]) => [
      seat,
      { sessionId: sessionFor(grant, session), description },
    ]),
  );
}

/** A session takes seats for itself; who is no session names one. */
function sessionFor({ sessionId }: Grant, named: string | undefined): string {
  const session = named ?? sessionId;
  if (session !== undefined && (sessionId === undefined || session === sessionId)) return session;
  throw new OperatorError(
    "session_unknown",
    session === undefined ? "name the session that takes the seat" : "a session takes seats for itself only",
  );
}

function sessionObject(session: OperatorSession): JsonObject {
  const { sessionId, description, manifest, verbs, endsAt, createdAt, lastSeenAt, connected } = session;
  return {
    session_id: sessionId,
    description,
    ...(manifest === undefined ? {} : { manifest }),
    ...(verbs === undefined ? {} : { verbs }),
    ...(endsAt === undefined ? {} : { ends_at: endsAt }),
    created_at: createdAt,
    last_seen_at: lastSeenAt,
    connected,
  };
}

function seatObject({ seat, generation, holder, description, since }: SeatRecord): JsonObject {
  return { seat, generation, holder: holder ?? null, description: description ?? null, since };
}
