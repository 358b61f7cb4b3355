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
import Fastify, { type FastifyInstance } from "fastify";
import type { CredentialSources } from "../capability/index.ts";
import type { Host } from "../host.ts";
import { Access, guardRoutes, readmit } from "./access.ts";
import { boundBodies } from "./body-deadline.ts";
import { ServerError } from "./errors.ts";
import { type Address, bind } from "./listening.ts";
import { acceptSockets } from "./operator-socket.ts";
import { problem, problemOf } from "./problem.ts";
import { addRoutes } from "./routes.ts";

/** The largest request body, in bytes. */
const MAX_BODY = 16 * 1024 * 1024;

/** How long the body of a request may take to arrive, in milliseconds. */
const BODY_MS = 60_000;
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

/**
 * Listens.
 * @param onDefect told what no request could be told.
 * @throws ServerError `port_taken` or `not_listening`; nothing was changed.
 */
export async function listen(address: Address, onDefect: (error: unknown) => void): Promise<HttpServer> {
  let service: { readonly host: Host; readonly access: Access } | undefined;
  const closing = new AbortController();
  const server = Fastify({
    bodyLimit: MAX_BODY,
    forceCloseConnections: "idle",
    // How long a body may take is bounded route by route.
    requestTimeout: 0,
    routerOptions: { maxParamLength: MAX_PARAM },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  });
  const current = (): NonNullable<typeof service> => {
    if (service === undefined) throw new ServerError("starting", "the host is recovering its runs: ask again soon");
    return service;
  };
  boundBodies(server, BODY_MS, new Set(["/v1/worker/progress"]));
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
  acceptSockets(server, { host: () => current().host, access: () => current().access, onDefect });
  const url = await bind(server, address);
  return {
    url,
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
    return reply.code(answer.status).type("application/problem+json").send(JSON.stringify(answer));
  });
  server.setNotFoundHandler((request, reply) => {
    const answer = problem(404, "not_found", "There is no such route", `${request.method} ${request.url}`);
    return reply.code(404).type("application/problem+json").send(JSON.stringify(answer));
  });
}
