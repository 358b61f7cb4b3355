/**
 * WebSockets: from a request to upgrade, to a connection of the host.
 *
 * Owns: the handshake, and the WebSocket as the `Link` of a connection. Does not own: who may, and what is answered to who
 * may not (operator-socket.ts, compat/socket.ts); what is said (src/operators).
 *
 * W1  Who may not, or asks for what there is not, is answered in HTTP, and the socket is closed.
 * W2  Nothing is read before there is a connection to take it.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import type { Connection, Link } from "../host.ts";

/** How long a refused socket is kept for its client to read why, in milliseconds. */
const LINGER_MS = 2_000;

/** What is answered in place of a socket. */
export interface Refusal {
  readonly status: number;
  /** The reason phrase. */
  readonly title: string;
  readonly type: string;
  readonly body: string;
}

/** A WebSocket, and what it writes to. */
export interface OpenSocket {
  readonly ws: WebSocket;
  readonly wire: Duplex;
}

/** Whose sockets these are, and what becomes of them. */
export interface UpgradePorts extends Pick<ServerOptions, "handleProtocols"> {
  /** The session a request may attach to; rejects where it may not. */
  readonly admit: (request: IncomingMessage) => Promise<string>;
  readonly refusal: (error: unknown, request: IncomingMessage) => Refusal;
  /** Takes an open socket, paused. */
  readonly attach: (socket: OpenSocket, sessionId: string) => Promise<void>;
  /** Largest message of a client, in bytes. */
  readonly maxPayload: number;
  readonly onDefect: (error: unknown) => void;
}

/** Takes the upgrade requests of a server. */
export function takeUpgrades(server: FastifyInstance, ports: UpgradePorts): void {
  const { admit, attach, refusal, onDefect, maxPayload, handleProtocols } = ports;
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload,
    ...(handleProtocols === undefined ? {} : { handleProtocols }),
  });
  server.server.on("upgrade", (request, socket, head) => {
    // Until it is a WebSocket its errors are nobody's.
    const ignore = (): void => {};
    socket.on("error", ignore);
    admit(request).then(
      (sessionId) => {
        socket.off("error", ignore);
        sockets.handleUpgrade(request, socket, head, (ws) => {
          ws.pause();
          // What is wrong with the wire ends in `close`, with the code that says so.
          ws.on("error", () => {});
          attach({ ws, wire: socket }, sessionId).catch((error: unknown) => {
            onDefect(error);
            ws.terminate();
          });
        });
      },
      (error: unknown) => sayAndClose(socket, refusal(error, request)),
    );
  });
  server.addHook("onClose", async () => sockets.close());
}

/** Lets a connection of the host speak over an open, paused socket. */
export async function speakOver(
  { ws, wire }: OpenSocket,
  codec: Link["codec"],
  connect: (link: Link) => Promise<Connection>,
  onDefect: (error: unknown) => void,
): Promise<void> {
  let drained = (): void => {};
  let isCorked = false;
  // All that one turn of the event loop says to a client goes out in one write.
  const cork = (): void => {
    if (isCorked) return;
    isCorked = true;
    wire.cork();
    setImmediate(() => {
      isCorked = false;
      wire.uncork();
    });
  };
  const link: Link = {
    codec,
    get buffered() {
      return ws.bufferedAmount;
    },
    send: (data) => {
      cork();
      ws.send(data, () => drained());
    },
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
  const connection = await connect(link);
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

/** Answers in HTTP on a socket that no request is served on, and closes it, whatever the client does. */
export function sayAndClose(socket: Duplex, { status, title, type, body }: Refusal): void {
  socket.end(
    [
      `HTTP/1.1 ${status} ${title}`,
      "connection: close",
      `content-type: ${type}`,
      `content-length: ${Buffer.byteLength(body)}`,
      ...(status === 401 ? ["www-authenticate: Bearer"] : []),
      "",
      body,
    ].join("\r\n"),
  );
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}
