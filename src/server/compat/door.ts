/**
 * The compatibility door: a second port, on which the client of the reference system operates this host.
 *
 * Owns: when it answers, and what reaches it at all. Does not own: any behaviour of runs, operators or workers: every route
 * is a call of the host, in other words (spec/compat.md).
 *
 * D1  It listens on a loopback address or not at all, and answers no page in a browser (local-names.ts): it has none itself.
 * D2  It is a port of its own: nothing of it is on the native port, whose rules do not change by it.
 * D3  Until there is a host all routes answer 503, that of liveness too: the client takes it for the leave to connect.
 */
import type { Host } from "../../host.ts";
import { Access, guardRoutes } from "../access.ts";
import { boundedServer } from "../bounded-server.ts";
import { ServerError } from "../errors.ts";
import { type Address, bind, LOOPBACK } from "../listening.ts";
import type { HttpServer, Service } from "../server.ts";
import { answerRefusal, dependsOnSeat } from "./answers.ts";
import { addHostRoutes } from "./host-routes.ts";
import type { DoorPorts } from "./ports.ts";
import { COMPAT_ROUTES } from "./rules.ts";
import { addRunRoutes } from "./run-routes.ts";
import { addSessionRoutes } from "./session-routes.ts";
import { acceptCompatSockets } from "./socket.ts";
import { addTaskRoutes } from "./task-routes.ts";
import { isVacant } from "./vacancy.ts";
import { addCompatWorkerRoutes } from "./worker-routes.ts";

/**
 * Opens the door.
 * @param onDefect told what no request could be told.
 * @throws ServerError `not_loopback`, `port_taken`, `not_listening`; nothing was changed.
 */
export async function openDoor(address: Address, onDefect: (error: unknown) => void): Promise<HttpServer> {
  if (!LOOPBACK.has(address.hostname)) {
    throw new ServerError("not_loopback", `${address.hostname} is not this machine alone: the door opens nowhere else`);
  }
  let service: { readonly host: Host; readonly access: Access } | undefined;
  let url = "";
  const { server, screen } = boundedServer({}, new Set());
  const current = (): NonNullable<typeof service> => {
    if (service === undefined) throw new ServerError("starting", "the host is recovering its runs: ask again soon");
    return service;
  };
  const ports: DoorPorts = {
    host: () => current().host,
    access: () => current().access,
    url: () => url,
    screen,
    onDefect,
  };
  guardRoutes(server, ports.access, COMPAT_ROUTES);
  server.setErrorHandler(async (error, request, reply) => {
    const { url: asked, headers } = request;
    const vacant = dependsOnSeat(error, asked) && (await isVacant(ports, headers.authorization));
    const answer = answerRefusal(error, request, reply, { isVacant: vacant });
    if (reply.statusCode === 500) onDefect(error);
    return answer;
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send());
  addHostRoutes(server, ports);
  addTaskRoutes(server, ports);
  addRunRoutes(server, ports);
  addSessionRoutes(server, ports);
  acceptCompatSockets(server, ports);
  addCompatWorkerRoutes(server, ports);
  url = await bind(server, address);
  return {
    url,
    ready({ host, credential, sources = host.credentialSources }: Service) {
      const { capabilities } = host;
      service = { host, access: new Access({ credential, capabilities, now: () => host.now(), sources }) };
    },
    async [Symbol.asyncDispose]() {
      await server.close();
    },
  };
}
