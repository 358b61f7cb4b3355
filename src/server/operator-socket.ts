/**
 * The operators' sockets: who may have one, and in which subprotocol.
 *
 * Does not own: the handshake (upgrades.ts), the rules (access.ts), what is said (src/operators).
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Host, Link } from "../host.ts";
import type { Access } from "./access.ts";
import { ServerError } from "./errors.ts";
import { type Problem, problemOf } from "./problem.ts";
import { ruleOf } from "./rules.ts";
import { type Refusal, speakOver, takeUpgrades } from "./upgrades.ts";

/** What the sockets need. */
export interface SocketPorts {
  /** @throws ServerError `starting`. */
  readonly host: () => Host;
  /** @throws ServerError `starting`. */
  readonly access: () => Access;
  /** Refuses what no route would get to see. */
  readonly screen: (request: IncomingMessage) => void;
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
  const { host, onDefect } = ports;
  takeUpgrades(server, {
    admit: (request) => admit(request, ports),
    refusal: (error) => {
      const answer = problemOf(error);
      if (answer.code === "internal") onDefect(error);
      return refusalOf(answer);
    },
    attach: (socket, sessionId) => {
      const codec = PROTOCOLS[socket.ws.protocol] ?? "json";
      return speakOver(socket, codec, (link) => host().operators.connect(sessionId, link), onDefect);
    },
    handleProtocols: (offered) => chosen([...offered]) ?? false,
    maxPayload: MAX_MESSAGE,
    onDefect,
  });
}

/** The session a request may attach to. */
async function admit(request: IncomingMessage, { access, host, screen }: SocketPorts): Promise<string> {
  screen(request);
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

/** A problem as what is answered where there is no route. */
export function refusalOf(answer: Problem): Refusal {
  const { status, title } = answer;
  return { status, title, type: "application/problem+json", body: JSON.stringify(answer) };
}
