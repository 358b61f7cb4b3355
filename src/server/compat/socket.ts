/** The sockets of the door: who may have one, and which connection of the desk it becomes. */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { ServerError } from "../errors.ts";
import { type OpenSocket, speakOver, takeUpgrades } from "../upgrades.ts";
import { refusalOf } from "./answers.ts";
import { type ClientFrame, clientFrames } from "./frames.ts";
import type { DoorPorts } from "./ports.ts";
import { COMPAT_ROUTES } from "./rules.ts";
import { Translation } from "./translation.ts";

/** Largest message of a client, in bytes: an answer as large as a worker's, and what surrounds it. */
const MAX_MESSAGE: number = 2 * 1024 * 1024 + 64 * 1024;

/** Takes the upgrade requests of the door. */
export function acceptCompatSockets(server: FastifyInstance, ports: DoorPorts): void {
  const read = clientFrames();
  takeUpgrades(server, {
    admit: (request) => admit(request, ports),
    refusal: (error, { url = "", headers: { authorization } }) => {
      const { status, problem } = refusalOf(error, { url, authorization });
      if (problem.code === "internal") ports.onDefect(error);
      return { status, title: problem.title, type: "text/plain; charset=utf-8", body: problem.detail };
    },
    attach: (socket, sessionId) => attach(socket, sessionId, read, ports),
    maxPayload: MAX_MESSAGE,
    onDefect: ports.onDefect,
  });

  // What comes here asked for no upgrade.
  server.get("/v1/operators/:sid/ws", async (_request, reply) =>
    reply.code(426).header("upgrade", "websocket").type("text/plain; charset=utf-8").send("ask for a WebSocket"),
  );
}

/** The session a request may attach to. */
async function admit(request: IncomingMessage, { access, host, screen }: DoorPorts): Promise<string> {
  screen(request);
  const { authorization } = request.headers;
  const sid = /^\/v1\/operators\/([^/?#]{1,100})\/ws(?:\?.*)?$/u.exec(request.url ?? "")?.[1];
  if (sid === undefined) {
    await access().authenticate(authorization);
    throw new ServerError("not_found", "there is no such socket");
  }
  await access().admit(COMPAT_ROUTES["GET /v1/operators/:sid/ws"], { authorization, params: { sid }, query: {} });
  await host().operators.session(sid);
  return sid;
}

async function attach(
  socket: OpenSocket,
  sessionId: string,
  read: (message: string | Uint8Array) => ClientFrame | undefined,
  { host, url, onDefect }: DoorPorts,
): Promise<void> {
  const { ws } = socket;
  const { verbs } = await host().operators.session(sessionId);
  await speakOver(
    socket,
    "json",
    async (link) => {
      const translation = new Translation(link, {
        host: host(),
        sessionId,
        may: (verb) => verbs === undefined || verbs.includes(verb),
        baseUrl: url(),
        ping: (text) => ws.ping(text),
        read,
        onDefect,
      });
      ws.on("pong", (data) => translation.ponged(data.toString("utf8")));
      translation.attached(await host().operators.connect(sessionId, translation.link));
      return translation;
    },
    onDefect,
  );
}
