/** The routes of upkeep: what is kept and what is not. */
import type { FastifyInstance } from "fastify";
import type { Json } from "../flow/index.ts";
import { parseRetention } from "../retention/index.ts";
import { runObject } from "../run-object.ts";
import { collectionObject, expiredObject } from "../upkeep.ts";
import { CollectBody, RemovalBody, RunPath } from "./requests.ts";
import type { RoutePorts } from "./routes.ts";

/** Adds the routes. */
export function addUpkeepRoutes(server: FastifyInstance, { host }: RoutePorts): void {
  server.post<{ Body: CollectBody }>("/v1/gc", { schema: { body: CollectBody } }, async ({ body }) => {
    const { upkeep } = host();
    const retention = body.retention === undefined ? undefined : parseRetention(body.retention as Json);
    if (body.dry_run) return expiredObject(await upkeep.expired(retention));
    return collectionObject(await upkeep.collect(retention));
  });

  server.post<{ Body: RemovalBody }>("/v1/removals", { schema: { body: RemovalBody } }, async ({ body }) => ({
    runs: await host().remove(body.run_ids),
  }));

  for (const [verb, held] of [
    ["hold", true],
    ["release", false],
  ] as const) {
    server.post<{ Params: RunPath }>(`/v1/runs/:id/${verb}`, { schema: { params: RunPath } }, async ({ params }) => {
      await host().hold(params.id, held);
      return runObject(await host().run(params.id));
    });
  }
}
