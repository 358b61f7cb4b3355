/**
 * The HTTP server of a host.
 *
 * Owns: when it answers, and how errors are answered. Does not own: who may ask (access.ts), the routes (routes.ts), opening
 * the host.
 *
 * H1  It listens before there is a host: until then all but the health route answer 503.
 * H2  Every route passes the door (access.ts) before it is answered.
 * H3  Closing ends the streams, then waits for requests under way.
 * H4  What no route ever sees (no HTTP, a path that is none, headers that are too long or too slow) is answered as a problem
 *     document too, and its connection is closed.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import type { CredentialSources } from "../capability/index.ts";
import type { Host } from "../host.ts";
import { Access, guardRoutes, readmit } from "./access.ts";
import { type BodyTimes, boundBodies } from "./body-deadline.ts";
import { boundConnections, mostConnections } from "./connections.ts";
import { ServerError } from "./errors.ts";
import { type Address, bind } from "./listening.ts";
import { demandLocalName } from "./local-names.ts";
import { acceptSockets, refusalOf } from "./operator-socket.ts";
import { type Problem, problem, problemOf } from "./problem.ts";
import { addRoutes } from "./routes.ts";
import { sayAndClose } from "./upgrades.ts";

/** The largest request body, in bytes. */
const MAX_BODY = 16 * 1024 * 1024;

/** Bounds of a server. Times in milliseconds. */
export interface ServerLimits extends BodyTimes {
  /** How long the head of a request may take to arrive, from the connection's begin on. */
  readonly headMs: number;
  /** See connections.ts. */
  readonly connections: number;
}

/** Default bounds. */
const limitsOf = (): ServerLimits => ({
  headMs: 20_000,
  bodyMs: 60_000,
  lingerMs: 2_000,
  connections: mostConnections(),
});
/** The longest parameter in a path, in characters. */
const MAX_PARAM = 2000;

/** A host that is ready to be asked, and the secret to show. */
export interface Service {
  readonly host: Host;
  readonly credential: string;
  /** Where sessions and workers' handles are looked up. Default: with the host. */
  readonly sources?: CredentialSources;
}

/** A server that listens. */
export interface HttpServer extends AsyncDisposable {
  /** `http://127.0.0.1:7717` */
  readonly url: string;
  /** From now on requests are answered. */
  ready(service: Service): void;
}

/** A server that does not listen yet. */
export interface UnboundServer extends Pick<HttpServer, "ready">, AsyncDisposable {
  readonly server: FastifyInstance;
}

/**
 * Listens.
 * @param onDefect told what no request could be told.
 * @param limits others than the default.
 * @throws ServerError `port_taken` or `not_listening`; nothing was changed.
 */
export async function listen(
  address: Address,
  onDefect: (error: unknown) => void,
  limits: Partial<ServerLimits> = {},
): Promise<HttpServer> {
  const { server, ready, [Symbol.asyncDispose]: close } = unboundServer(onDefect, limits);
  const url = await bind(server, address);
  return { url, ready, [Symbol.asyncDispose]: close };
}

/** All of it but the port. */
export function unboundServer(onDefect: (error: unknown) => void, limits: Partial<ServerLimits> = {}): UnboundServer {
  const { headMs, connections, ...times } = { ...limitsOf(), ...limits };
  let service: { readonly host: Host; readonly access: Access } | undefined;
  const closing = new AbortController();
  const server = Fastify({
    bodyLimit: MAX_BODY,
    forceCloseConnections: "idle",
    // How long a body may take is bounded route by route.
    requestTimeout: 0,
    routerOptions: { maxParamLength: MAX_PARAM },
    http: { headersTimeout: headMs, connectionsCheckingInterval: Math.min(headMs, 10_000) },
    frameworkErrors: (error, _request, reply) => void send(reply as FastifyReply, problemOf(error)),
    clientErrorHandler: answerNoRequest,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  });
  const current = (): NonNullable<typeof service> => {
    if (service === undefined) throw new ServerError("starting", "the host is recovering its runs: ask again soon");
    return service;
  };
  const refuseTooMany = boundConnections(server.server, connections);
  const screen = ({ headers, socket }: IncomingMessage): void => {
    refuseTooMany(socket);
    demandLocalName(headers);
  };
  boundBodies(server, times, new Set(["/v1/worker/progress"]));
  server.addHook("onRequest", async ({ raw }) => screen(raw));
  guardRoutes(server, () => current().access);
  server.get("/v1/health", async () => ({ status: "ok" }));
  server.get("/v1/ready", async () => ({ status: "ready" }));
  server.addHook("onSend", async (_request, reply) => {
    if (closing.signal.aborted) reply.header("connection", "close");
  });
  answerProblems(server, onDefect);
  addRoutes(server, {
    host: () => current().host,
    readmit: (request) => readmit(current().access, request),
    closing: closing.signal,
  });
  acceptSockets(server, {
    host: () => current().host,
    access: () => current().access,
    screen,
    onDefect,
  });
  return {
    server,
    ready({ host, credential, sources = host.credentialSources }) {
      const { capabilities } = host;
      const access = new Access({
        credential,
        capabilities,
        now: () => host.now(),
        sources,
      });
      service = { host, access };
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await server.close();
    },
  };
}

function answerProblems(server: FastifyInstance, onDefect: (error: unknown) => void): void {
  server.setErrorHandler((error, _request, reply) => {
    const answer = problemOf(error);
    if (answer.code === "internal") onDefect(error);
    if (answer.status === 401) reply.header("www-authenticate", "Bearer");
    if (answer.code === "connections_full") reply.header("connection", "close").header("retry-after", "5");
    return send(reply, answer);
  });
  server.setNotFoundHandler((request, reply) => {
    const answer = problem(404, "not_found", "There is no such route", `${request.method} ${request.url}`);
    return send(reply, answer);
  });
}

function send(reply: FastifyReply, answer: Problem): FastifyReply {
  return reply.code(answer.status).type("application/problem+json").send(JSON.stringify(answer));
}

/** H4. */
function answerNoRequest(error: Error, socket: Socket): void {
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = code === "HPE_HEADER_OVERFLOW" ? 431 : code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  sayAndClose(socket, refusalOf(problem(status, "bad_request", "This is not a request", "it cannot be read as HTTP")));
}
