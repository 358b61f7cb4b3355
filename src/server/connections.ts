/**
 * How many connections a server holds at once, and what becomes of one more.
 *
 * N1  A connection beyond `most` is answered 503 once it asks something, and closed; one that asks nothing is closed with
 *     the slow ones. Beyond `most` and SPARE it is closed without a word.
 * N2  The bound leaves the process files for its stores and its children, whatever the machine permits.
 */
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { ServerError } from "./errors.ts";

/** Most connections of a server, where the machine permits as many: every session there can be, and some more. */
const MOST = 12_000;
/** Connections beyond the bound that are told so at once. */
const SPARE = 200;
/** Share of the open files a process may have that connections may take (N2). */
const SHARE = 0.75;

/** How many connections this process can hold. */
export function mostConnections(limits: () => string = systemLimits): number {
  const files = /^Max open files\s+([0-9]+)\s/mu.exec(limits())?.[1];
  return files === undefined ? MOST : Math.max(Math.min(MOST, Math.floor(Number(files) * SHARE) - SPARE), 1);
}

/** Counts the connections of a server; the returned function refuses those that are too many (N1). */
export function boundConnections(server: Server, most: number): (socket: Socket) => void {
  let open = 0;
  const refused = new WeakSet<Socket>();
  server.maxConnections = most + SPARE;
  server.on("connection", (socket: Socket) => {
    open += 1;
    if (open > most) refused.add(socket);
    socket.once("close", () => {
      open -= 1;
    });
  });
  return (socket) => {
    if (!refused.has(socket)) return;
    throw new ServerError("connections_full", `the host holds ${most} connections and takes no more: try again later`);
  };
}

/** What Linux says of this process; nothing elsewhere. */
function systemLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    // Not Linux: the machine's bound is not known, and found out the hard way.
    return "";
  }
}
