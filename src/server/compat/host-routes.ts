/** The door's routes about the host itself: liveness, how much is going on, what this is. */
import type { FastifyInstance } from "fastify";
import type { Host } from "../../host.ts";
import { packageVersion } from "../../package-version.ts";
import type { DoorPorts } from "./ports.ts";

/** The reference system whose client is served. */
const DIALECT = "mse-0.26";
/** Runs, and sessions, counted at most. */
const MAX_COUNT = 1_000;

/** Adds the routes. */
export function addHostRoutes(server: FastifyInstance, { host, url }: DoorPorts): void {
  server.get("/v1/healthz", async (_request, reply) => {
    host();
    return reply.type("text/plain; charset=utf-8").send("ok");
  });

  server.get("/v1/status", async () => ({
    running_runs: (await host().runs({ status: ["running", "waiting"], limit: MAX_COUNT })).length,
    attached_operators: await sessionCount(host()),
    periodic_jobs: [],
  }));

  // No `server_version`: the client compares it with its own.
  server.get("/v1/doctor", async () => ({
    host: { name: "swarm-host", version: packageVersion() },
    compat: DIALECT,
    bind: new URL(url()).host,
  }));
}

/** Sessions that have joined and not left, on whatever port. */
export async function sessionCount(host: Host): Promise<number> {
  return (await host.operators.sessions({ limit: MAX_COUNT })).length;
}
