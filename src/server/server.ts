/**
 * The HTTP server of a host.
 *
 * Owns: when it answers, and how errors are answered. Does not own: who may ask (access.ts), the routes (routes.ts), opening
 * the host.
 *
 * H1  It listens before there is a host: until then all but the health route answer 503.
 * H2  Every route passes the door (access.ts) before it is answered.
 * H3  Closing ends the streams, then waits for requests under way.
 */
import type { FastifyInstance } from "fastify";
import type { CredentialSources } from "../capability/index.ts";
import type { Host } from "../host.ts";
import { Access, guardRoutes, readmit } from "./access.ts";
import { boundedServer, type ServerLimits, sendProblem } from "./bounded-server.ts";
import { ServerError } from "./errors.ts";
import { type Address, bind } from "./listening.ts";
import { acceptSockets } from "./operator-socket.ts";
import { problem, problemOf } from "./problem.ts";
import { addRoutes } from "./routes.ts";

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
  let service: { readonly host: Host; readonly access: Access } | undefined;
  const closing = new AbortController();
  const { server, screen } = boundedServer(limits, new Set(["/v1/worker/progress"]));
  const current = (): NonNullable<typeof service> => {
    if (service === undefined) throw new ServerError("starting", "the host is recovering its runs: ask again soon");
    return service;
  };
  guardRoutes(server, () => current().access);
  server.get("/v1/health", async () => ({ status: "ok" }));
  server.get("/v1/ready", async () => ({ status: "ready" }));
  server.addHook("onSend", (_request, reply, payload, done) => {
    if (closing.signal.aborted) reply.header("connection", "close");
    done(null, payload);
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
    return sendProblem(reply, answer);
  });
  server.setNotFoundHandler((request, reply) => {
    const answer = problem(404, "not_found", "There is no such route", `${request.method} ${request.url}`);
    return sendProblem(reply, answer);
  });
}
