/**
 * The routes below /v1/worker: what whoever does a step outside fetches, sends and reports.
 *
 * Owns: paths, bodies and statuses. Does not own: who may ask (access.ts, rules.ts), what is told and taken (the host's
 * worker contract).
 *
 * Bodies are taken as bytes, whatever their content type says: the contract says what they must be. What needs no answer
 * is answered 204, once it is durable.
 */
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Binding, CapabilityError } from "../capability/index.ts";
import { type Host, MAX_PROGRESS_LINE, MAX_TEXT_BYTES } from "../host.ts";
import { bearerOf, READMIT_MS } from "./access.ts";
import type { RoutePorts } from "./routes.ts";
import { textLines } from "./text-lines.ts";
import { AboutQuery, ArtifactQuery, OutputPath, SubmitQuery } from "./worker-requests.ts";

/** The largest JSON body: a value as large as a text may be, and what surrounds it. */
const MAX_JSON: number = MAX_TEXT_BYTES + 64 * 1024;
/** How long a stream may be silent, in milliseconds. */
const SILENCE_MS = 300_000;

type About = { Querystring: AboutQuery };

/** Adds the routes. */
export function addWorkerRoutes(server: FastifyInstance, ports: RoutePorts): void {
  const { host } = ports;
  addCommonWorkerRoutes(server, { host, prompt: (binding) => host().worker.prompt(binding) });
  addTokenRoute(server, ports);
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, body, done) => done(null, body));
    addProgressRoute(scope, ports);
  });
}

/** What the routes need that the compatibility door has too. */
export interface CommonWorkerPorts extends Pick<RoutePorts, "host"> {
  /** What a worker is told. */
  readonly prompt: (binding: Binding) => Promise<object>;
}

/** Adds the routes that the compatibility door has too. */
export function addCommonWorkerRoutes(server: FastifyInstance, ports: CommonWorkerPorts): void {
  addFetchRoutes(server, ports);
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    addSendRoutes(scope, ports);
    addReportRoutes(scope, ports);
  });
}

function addFetchRoutes(server: FastifyInstance, { host, prompt }: CommonWorkerPorts): void {
  const about = { schema: { querystring: AboutQuery } };

  server.get<About>("/v1/worker/prompt", about, async (request, reply) => {
    const payload = await prompt(spokenFor(host(), request));
    return reply.header("cache-control", "no-store").send(payload);
  });

  server.get<About>("/v1/worker/prompt/system", about, async (request, reply) => {
    const system = await host().worker.system(spokenFor(host(), request));
    return reply.header("cache-control", "no-store").type("text/plain; charset=utf-8").send(system);
  });

  server.get<About & { Params: OutputPath }>(
    "/v1/worker/outputs/:name",
    { schema: { querystring: AboutQuery, params: OutputPath } },
    async (request, reply) => {
      const { text, sha256 } = await host().worker.output(spokenFor(host(), request), request.params.name);
      return reply
        .header("cache-control", "no-store")
        .header("etag", `"sha256:${sha256}"`)
        .type("application/json; charset=utf-8")
        .send(text);
    },
  );
}

function addSendRoutes(server: FastifyInstance, { host }: CommonWorkerPorts): void {
  const text = { bodyLimit: MAX_TEXT_BYTES };

  server.post<{ Querystring: SubmitQuery; Body: unknown }>(
    "/v1/worker/submit",
    { ...text, schema: { querystring: SubmitQuery } },
    async (request, reply) => {
      const { ok, verdict } = request.query;
      const words = { verdict, ok: ok === undefined ? undefined : ok === "true" };
      await host().worker.submit(spokenFor(host(), request), bytesOf(request.body), words);
      return reply.code(204).send();
    },
  );

  server.post<{ Querystring: ArtifactQuery; Body: unknown }>(
    "/v1/worker/artifact",
    { ...text, schema: { querystring: ArtifactQuery } },
    async (request, reply) => {
      await host().worker.artifact(spokenFor(host(), request), request.query.name, bytesOf(request.body));
      return reply.code(204).send();
    },
  );

  server.post<About>(
    "/v1/worker/result",
    { bodyLimit: MAX_JSON, schema: { querystring: AboutQuery } },
    async (request, reply) => {
      await host().worker.result(spokenFor(host(), request), bytesOf(request.body));
      return reply.code(204).send();
    },
  );
}

function addReportRoutes(server: FastifyInstance, { host }: CommonWorkerPorts): void {
  const about = { bodyLimit: MAX_JSON, schema: { querystring: AboutQuery } };

  server.post<About>("/v1/worker/stats", about, async (request, reply) => {
    await host().worker.stats(spokenFor(host(), request), bytesOf(request.body));
    return reply.code(204).send();
  });

  server.post<About>("/v1/worker/degradation", about, async (request, reply) => {
    await host().worker.degradation(spokenFor(host(), request), bytesOf(request.body));
    return reply.code(204).send();
  });
}

function addTokenRoute(server: FastifyInstance, { host }: RoutePorts): void {
  const about = { schema: { querystring: AboutQuery } };

  server.post<About>("/v1/worker/token", about, async (request, reply) => {
    const { token, expiresAt } = await host().renewWorkerToken(
      spokenFor(host(), request),
      bearerOf(request.headers.authorization) ?? "",
    );
    return reply.header("cache-control", "no-store").send({ token, expires_at: expiresAt });
  });
}

function addProgressRoute(server: FastifyInstance, { host, readmit }: RoutePorts): void {
  server.post<About>("/v1/worker/progress", { schema: { querystring: AboutQuery } }, async (request) => {
    const progress = host().worker.progress(spokenFor(host(), request));
    const body = request.body as Readable | undefined;
    if (body === undefined) return progress.count;
    request.raw.setTimeout(SILENCE_MS, () => request.raw.destroy());
    let judgedAt = host().now();
    // Kept open where a line is refused: destroyed, it would hold its socket unread (body-deadline.ts).
    const chunks = body.iterator({ destroyOnReturn: false });
    for await (const line of textLines(chunks, MAX_PROGRESS_LINE, progress.refusals)) {
      progress.take(line);
      if (host().now() - judgedAt < READMIT_MS) continue;
      await readmit(request);
      judgedAt = host().now();
    }
    return progress.count;
  });
}

/** The attempt that a request speaks for: its credential's, which must be the one that it says it is about. */
function spokenFor(host: Host, { grant, query }: FastifyRequest<About>): Binding {
  const { binding } = grant;
  if (binding === undefined) throw new CapabilityError("wrong_binding", "the credential is bound to no step");
  const { task_id: taskId, attempt } = query;
  host.worker.speaksFor(binding, { taskId, attempt: attempt === undefined ? undefined : Number(attempt) });
  return binding;
}

function bytesOf(body: unknown): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array();
}
