/**
 * A server with the bounds that hold on every port of a host. Routes are added afterwards.
 *
 * B1  What no route ever sees (no HTTP, a path that is none, headers that are too long or too slow) is answered as a problem
 *     document too, and its connection is closed.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { type BodyTimes, boundBodies } from "./body-deadline.ts";
import { boundValues } from "./body-values.ts";
import { boundConnections, mostConnections } from "./connections.ts";
import { demandLocalName } from "./local-names.ts";
import { refusalOf } from "./operator-socket.ts";
import { type Problem, problem, problemOf } from "./problem.ts";
import { sayAndClose } from "./upgrades.ts";

/** The largest request body, in bytes. */
const MAX_BODY = 16 * 1024 * 1024;
/** The longest parameter in a path, in characters. */
const MAX_PARAM = 2000;

/** Bounds of a server. Times in milliseconds. */
export interface ServerLimits extends BodyTimes {
  /** How long the head of a request may take to arrive, from the connection's begin on. */
  readonly headMs: number;
  /** See connections.ts. */
  readonly connections: number;
}

/** A server, and what every request passes, one to upgrade too, before it is looked at. */
export interface BoundedServer {
  readonly server: FastifyInstance;
  /** @throws ServerError `connections_full`, `foreign_origin`. */
  readonly screen: (request: IncomingMessage) => void;
}

/** Default bounds. */
const limitsOf = (): ServerLimits => ({
  headMs: 20_000,
  bodyMs: 60_000,
  lingerMs: 2_000,
  connections: mostConnections(),
});

/**
 * Makes one.
 * @param limits others than the default.
 * @param streams paths of routes whose bodies come as long as they come.
 */
export function boundedServer(limits: Partial<ServerLimits>, streams: ReadonlySet<string>): BoundedServer {
  const { headMs, connections, ...times } = { ...limitsOf(), ...limits };
  const server = Fastify({
    bodyLimit: MAX_BODY,
    forceCloseConnections: "idle",
    // How long a body may take is bounded route by route.
    requestTimeout: 0,
    // Keys are data, and nothing here merges what was sent into an object: they are as good as any other.
    onProtoPoisoning: "ignore",
    onConstructorPoisoning: "ignore",
    routerOptions: { maxParamLength: MAX_PARAM },
    http: { headersTimeout: headMs, connectionsCheckingInterval: Math.min(headMs, 10_000) },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply as FastifyReply, problemOf(error)),
    clientErrorHandler: answerNoRequest,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  });
  const refuseTooMany = boundConnections(server.server, connections);
  const screen = ({ headers, socket }: IncomingMessage): void => {
    refuseTooMany(socket);
    demandLocalName(headers);
  };
  boundBodies(server, times, streams);
  server.addHook("onRequest", ({ raw }, _reply, done) => {
    screen(raw);
    done();
  });
  boundValues(server);
  return { server, screen };
}

/** Answers with a problem document. */
export function sendProblem(reply: FastifyReply, answer: Problem): FastifyReply {
  return reply.code(answer.status).type("application/problem+json").send(JSON.stringify(answer));
}

/** B1. */
function answerNoRequest(error: Error, socket: Socket): void {
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = code === "HPE_HEADER_OVERFLOW" ? 431 : code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  sayAndClose(socket, refusalOf(problem(status, "bad_request", "This is not a request", "it cannot be read as HTTP")));
}
