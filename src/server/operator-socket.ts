/**
 * The operators' sockets: from a request to upgrade, to a connection of the host.
 *
 * Owns: the handshake, and the WebSocket as the `Link` of a connection. Does not own: who may (access.ts), what is said
 * (src/operators).
 *
 * W1  Who may not, or asks for what there is not, is answered in HTTP, and the socket is closed.
 * W2  Nothing is read before there is a connection to take it.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { type WebSocket, WebSocketServer } from "ws";
import type { Host, Link } from "../host.ts";
import type { Access } from "./access.ts";
import { ServerError } from "./errors.ts";
import { problemOf } from "./problem.ts";
import { ruleOf } from "./rules.ts";

/** What the sockets need. */
export interface SocketPorts {
  /** @throws ServerError `starting`. */
  readonly host: () => Host;
  /** @throws ServerError `starting`. */
  readonly access: () => Access;
  readonly onDefect: (error: unknown) => void;
}

const PATH = "/v1/operators/:sid/socket";
const PROTOCOLS: Readonly<Record<string, Link["codec"]>> = {
  "swarm-host.v1+json": "json",
  "swarm-host.v1+msgpack": "msgpack",
};
/** For browsers, which cannot set a header: an offered subprotocol that carries the secret. It is never chosen. */
const BEARER = "swarm-host.bearer.";
/** Largest message of a client, in bytes. */
const MAX_MESSAGE: number = 1024 * 1024;

/** Takes the upgrade requests of a server. */
export function acceptSockets(server: FastifyInstance, ports: SocketPorts): void {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
    handleProtocols: (offered) => chosen([...offered]) ?? false,
  });
  server.server.on("upgrade", (request, socket, head) => {
    // Until it is a WebSocket its errors are nobody's.
    const ignore = (): void => {};
    socket.on("error", ignore);
    admit(request, ports).then(
      (sessionId) => {
        socket.off("error", ignore);
        sockets.handleUpgrade(request, socket, head, (ws) => {
          attach(ws, sessionId, ports).catch((error: unknown) => {
            ports.onDefect(error);
            ws.terminate();
          });
        });
      },
      (error: unknown) => refuse(socket, error, ports.onDefect),
    );
  });
  server.addHook("onClose", async () => sockets.close());
}

/** The session a request may attach to. */
async function admit(request: IncomingMessage, { access, host }: SocketPorts): Promise<string> {
  const sid = /^\/v1\/operators\/([^/?#]{1,100})\/socket(?:\?.*)?$/u.exec(request.url ?? "")?.[1];
  const rule = ruleOf("GET", PATH);
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
  const bearer = offered.find((one) => one.startsWith(BEARER))?.slice(BEARER.length);
  const authorization = request.headers.authorization ?? (bearer === undefined ? undefined : `Bearer ${bearer}`);
  if (sid === undefined || rule === undefined || rule === "open") {
    await access().authenticate(authorization);
    throw new ServerError("not_found", "there is no such socket");
  }
  await access().admit(rule, { authorization, params: { sid }, query: {} });
  await host().operators.session(sid);
  if (chosen(offered) !== undefined) return sid;
  throw new ServerError("subprotocol", `offer one of the subprotocols ${Object.keys(PROTOCOLS).join(", ")}`);
}

function chosen(offered: readonly string[]): string | undefined {
  return offered.find((one) => Object.hasOwn(PROTOCOLS, one));
}

async function attach(ws: WebSocket, sessionId: string, { host, onDefect }: SocketPorts): Promise<void> {
  ws.pause();
  // What is wrong with the wire ends in `close`, with the code that says so.
  ws.on("error", () => {});
  let drained = (): void => {};
  const link: Link = {
    codec: PROTOCOLS[ws.protocol] ?? "json",
    get buffered() {
      return ws.bufferedAmount;
    },
    send: (data) => ws.send(data, () => drained()),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    close: (code, reason) => {
      // A paused socket would not read the other side's goodbye.
      ws.resume();
      ws.close(code, reason);
    },
  };
  let isGone = false;
  ws.on("close", () => {
    isGone = true;
  });
  const connection = await host().operators.connect(sessionId, link);
  drained = () => connection.drained();
  ws.on("close", () => connection.gone());
  ws.on("message", (data: Buffer, isBinary) => {
    try {
      connection.receive(isBinary ? data : data.toString("utf8"));
    } catch (error) {
      onDefect(error);
      ws.close(1011, "the host itself failed");
    }
  });
  if (isGone) connection.gone();
  else ws.resume();
}

function refuse(socket: Duplex, error: unknown, onDefect: (error: unknown) => void): void {
  const answer = problemOf(error);
  if (answer.code === "internal") onDefect(error);
  const body = JSON.stringify(answer);
  socket.end(
    [
      `HTTP/1.1 ${answer.status} ${answer.title}`,
      "connection: close",
      "content-type: application/problem+json",
      `content-length: ${Buffer.byteLength(body)}`,
      ...(answer.status === 401 ? ["www-authenticate: Bearer"] : []),
      "",
      body,
    ].join("\r\n"),
  );
}
