/**
 * The routes below /v1: requests in, calls of the host out.
 *
 * Owns: what each route answers. Does not own: who may ask (access.ts, rules.ts), what can go wrong (problem.ts).
 */
import { hash } from "node:crypto";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { CompiledBlueprint } from "../blueprint/index.ts";
import { demandVerb, type Grant } from "../capability/index.ts";
import type { Json } from "../flow/index.ts";
import type { Host, RerunOptions, RunStatus } from "../host.ts";
import { queueObject } from "../queue-object.ts";
import { runObject } from "../run-object.ts";
import { whileAdmitted } from "./access.ts";
import { addArchiveRoutes } from "./archive-routes.ts";
import { ServerError } from "./errors.ts";
import { type EventSource, eventStream } from "./event-stream.ts";
import { grantObject } from "./grant-object.ts";
import { hostEvents, runEvents } from "./journal-events.ts";
import { addOperatorRoutes, launchSeats } from "./operator-routes.ts";
import {
  EventsQuery,
  ForkBody,
  LaunchBody,
  LaunchHeaders,
  ListQuery,
  ReasonBody,
  RerunBody,
  ResumeBody,
  RunPath,
  SignalBody,
} from "./requests.ts";
import { addScheduleRoutes } from "./schedule-routes.ts";
import { addSeniorRoutes } from "./senior-routes.ts";
import { addUpkeepRoutes } from "./upkeep-routes.ts";
import { addWorkerRoutes } from "./worker-routes.ts";

/** What the routes need. */
export interface RoutePorts {
  /** @throws ServerError `starting`. */
  readonly host: () => Host;
  /** Lets a request that is still under way go on, or rejects where its credential no longer holds. */
  readonly readmit: (request: FastifyRequest) => Promise<void>;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

const DEFAULT_LIMIT = 100;

/** Adds the routes. */
export function addRoutes(server: FastifyInstance, ports: RoutePorts): void {
  addTokenRoutes(server, ports);
  addQueueRoute(server, ports);
  addRunRoutes(server, ports);
  addEventRoutes(server, ports);
  addControlRoutes(server, ports);
  addScheduleRoutes(server, ports, blueprintOf);
  addArchiveRoutes(server, ports);
  addUpkeepRoutes(server, ports);
  addOperatorRoutes(server, ports);
  addSeniorRoutes(server, ports);
  addWorkerRoutes(server, ports);
}

function addRunRoutes(server: FastifyInstance, ports: RoutePorts): void {
  const { host, closing } = ports;
  server.post<{ Body: LaunchBody; Headers: LaunchHeaders }>(
    "/v1/runs",
    { schema: { body: LaunchBody, headers: LaunchHeaders } },
    async (request, reply) => {
      const { blueprint, input, seats } = request.body;
      // Who sits where is more than that something runs.
      if (seats !== undefined) demandVerb(request.grant, "dispatch_attempt");
      const key = launchKey(request.grant, request.headers["idempotency-key"]);
      const known = key === undefined ? undefined : await host().launchedWith(key);
      if (known !== undefined) return runObject(known);
      const compiled = await blueprintOf(host(), request.body);
      const run = await host().launch(compiled, {
        newest: blueprint !== undefined,
        ...(input === undefined ? {} : { input: input as Json }),
        ...(key === undefined ? {} : { idempotencyKey: key }),
        ...(seats === undefined ? {} : { seats: launchSeats(seats, request.grant) }),
      });
      return reply
        .code(201)
        .header("location", `/v1/runs/${run.runId}`)
        .send(runObject(await host().run(run.runId)));
    },
  );

  server.get<{ Querystring: ListQuery }>("/v1/runs", { schema: { querystring: ListQuery } }, async (request) => {
    const { status, blueprint, parent, limit, before } = request.query;
    const runs = await host().runs({
      limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
      ...(status === undefined ? {} : { status: status.split(",") as RunStatus[] }),
      ...(blueprint === undefined ? {} : { blueprintId: blueprint }),
      ...(parent === undefined ? {} : { parentRunId: parent }),
      ...(before === undefined ? {} : { before }),
    });
    return { runs: runs.map(runObject) };
  });

  server.get<{ Params: RunPath }>("/v1/runs/:id", { schema: { params: RunPath } }, async (request) =>
    runObject(await host().run(request.params.id)),
  );

  server.delete<{ Params: RunPath }>("/v1/runs/:id", { schema: { params: RunPath } }, async (request, reply) => {
    await host().remove([request.params.id]);
    return reply.code(204).send();
  });

  server.get<{ Params: RunPath; Querystring: EventsQuery }>(
    "/v1/runs/:id/events",
    { schema: { params: RunPath, querystring: EventsQuery } },
    async (request, reply) => {
      const { runId } = await host().run(request.params.id);
      const after = afterId(request) ?? 0;
      return streamed(
        ports,
        request,
        reply,
        eventStream(runEvents(host(), runId, systemTimer), after, left(request, closing)),
      );
    },
  );
}

/** The key a launch is kept under. A step's keys are its own: by no key does its worker learn of a run it did not launch. */
function launchKey({ binding }: Grant, key: string | undefined): string | undefined {
  if (key === undefined || binding === undefined) return key;
  return `step-${hash("sha256", JSON.stringify([binding.runId, binding.key, key]))}`;
}

function addEventRoutes(server: FastifyInstance, ports: RoutePorts): void {
  const { host, closing } = ports;
  server.get<{ Querystring: EventsQuery }>(
    "/v1/events",
    { schema: { querystring: EventsQuery } },
    async (request, reply) => {
      const after = afterId(request) ?? (await host().end());
      return streamed(
        ports,
        request,
        reply,
        eventStream(hostEvents(host(), systemTimer), after, left(request, closing)),
      );
    },
  );
}

/** The id a stream goes on after: the last one its reader saw, else that before the one it asks for. */
function afterId({ headers, query }: FastifyRequest<{ Querystring: EventsQuery }>): number | undefined {
  const last = /^[0-9]{1,15}$/u.exec(String(headers["last-event-id"] ?? ""))?.[0];
  if (last !== undefined) return Number(last);
  return query.from === undefined ? undefined : Number(query.from) - 1;
}

/** Aborted when whoever asked has gone, and when the server closes. */
function left(request: FastifyRequest, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  request.raw.on("close", () => gone.abort());
  return AbortSignal.any([gone.signal, closing]);
}

function streamed(
  { host, readmit }: RoutePorts,
  request: FastifyRequest,
  reply: FastifyReply,
  events: AsyncGenerator<string>,
): FastifyReply {
  const admitted = whileAdmitted(
    events,
    () => readmit(request),
    () => host().now(),
  );
  return (
    reply
      .header("content-type", "text/event-stream")
      .header("cache-control", "no-store")
      // Kept alive, it would keep a closing server open.
      .header("connection", "close")
      .send(Readable.from(admitted, { highWaterMark: 1 }))
  );
}

const systemTimer: EventSource["timer"] = (ms, fire) => {
  const timer = setTimeout(fire, ms);
  return () => clearTimeout(timer);
};

function addControlRoutes(server: FastifyInstance, { host }: RoutePorts): void {
  const withReason = { schema: { params: RunPath, body: ReasonBody } };
  type WithReason = { Params: RunPath; Body: ReasonBody };
  const after = async (runId: string): Promise<object> => runObject(await host().run(runId));

  server.post<WithReason>("/v1/runs/:id/cancel", withReason, async ({ params: { id }, body }) => {
    await host().cancel(id, { reason: body.reason ?? "cancelled over HTTP", by: "http" });
    return after(id);
  });

  server.post<WithReason>("/v1/runs/:id/pause", withReason, async ({ params: { id }, body }) => {
    await host().pause(id, { reason: body.reason ?? "paused over HTTP" });
    return after(id);
  });

  server.post<{ Params: RunPath; Body: ResumeBody }>(
    "/v1/runs/:id/resume",
    { schema: { params: RunPath, body: ResumeBody } },
    async ({ params: { id }, body: { reason = "resumed over HTTP", divergence = "strict" } }) => {
      await host().resume(id, { reason, divergence });
      return after(id);
    },
  );

  server.post<{ Params: RunPath; Body: SignalBody }>(
    "/v1/runs/:id/signals",
    { schema: { params: RunPath, body: SignalBody } },
    async ({ params: { id: runId }, body: { name, id, value = null } }, reply) => {
      await host().signal(runId, { name, id, value: value as Json });
      return reply.code(202).send(await after(runId));
    },
  );

  const created = async (reply: FastifyReply, runId: string): Promise<FastifyReply> =>
    reply
      .code(201)
      .header("location", `/v1/runs/${runId}`)
      .send(await after(runId));

  server.post<{ Params: RunPath; Body: ForkBody }>(
    "/v1/runs/:id/fork",
    { schema: { params: RunPath, body: ForkBody } },
    async ({ params: { id }, body: { from, ...body } }, reply) => {
      const options = await rerunOptions(host(), body);
      const run = await host().fork(id, { ...options, ...(from === undefined ? {} : { from }) });
      return created(reply, run.runId);
    },
  );

  server.post<{ Params: RunPath; Body: RerunBody }>(
    "/v1/runs/:id/rerun",
    { schema: { params: RunPath, body: RerunBody } },
    async ({ params: { id }, body }, reply) => {
      const run = await host().rerun(id, await rerunOptions(host(), body));
      return created(reply, run.runId);
    },
  );
}

async function rerunOptions(host: Host, { blueprint, version, flow, agents, ctx }: RerunBody): Promise<RerunOptions> {
  const head =
    blueprint === undefined && version === undefined
      ? undefined
      : await blueprintOf(host, {
          ...(blueprint === undefined ? {} : { blueprint }),
          ...(version === undefined ? {} : { version }),
        });
  return {
    ...(head === undefined ? {} : { head }),
    ...(flow === undefined ? {} : { flow }),
    ...(agents === undefined ? {} : { agents }),
    ...(ctx === undefined ? {} : { ctx: () => ctx as Json }),
  };
}

function addQueueRoute(server: FastifyInstance, { host }: RoutePorts): void {
  server.get("/v1/queues", async () => ({ queues: host().queues().map(queueObject) }));
}

function addTokenRoutes(server: FastifyInstance, { host }: RoutePorts): void {
  server.get("/v1/token", async ({ grant }) => grantObject(grant));

  server.post("/v1/keys/rotate", async () => {
    await host().rotateKeys();
    return { keys: host().keys.map(({ id, createdAt }) => ({ id, created_at: createdAt })) };
  });
}

async function blueprintOf(
  host: Host,
  { blueprint, version }: Pick<LaunchBody, "blueprint" | "version">,
): Promise<CompiledBlueprint> {
  if (blueprint !== undefined) return host.workshop.compile(blueprint as Json);
  const compiled = version === undefined ? undefined : await host.blueprint(version);
  if (compiled !== undefined) return compiled;
  throw new ServerError(
    "version_unknown",
    version === undefined ? "name a `blueprint` or a `version`" : `no Blueprint ${version} is kept here`,
  );
}
