/** Binding a server to an address, and what can go wrong with that. */
import type { FastifyInstance } from "fastify";
import { ServerError } from "./errors.ts";

/** Where to listen. Port 0 is any that is free. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Names of this machine that no other machine reaches. */
export const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

/** Listens; gives the URL. @throws ServerError `port_taken`, `not_listening`; the server is closed then. */
export async function bind(server: FastifyInstance, { hostname, port }: Address): Promise<string> {
  try {
    return await server.listen({ host: hostname, port });
  } catch (cause) {
    await server.close();
    const taken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    throw taken
      ? new ServerError("port_taken", `port ${port} of ${hostname} is taken by another process`, { cause })
      : new ServerError("not_listening", `${hostname}:${port} cannot be listened on: ${(cause as Error).message}`, {
          cause,
        });
  }
}
