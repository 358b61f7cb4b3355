/** The routes of upkeep: what is kept and what is not. */
import type { FastifyInstance } from "fastify";
import type { Json } from "../flow/index.ts";
import { parseRetention } from "../retention/index.ts";
import { runObject } from "../run-object.ts";
import { collectionObject } from "../upkeep.ts";
import { CollectBody, RunPath } from "./requests.ts";
import type { RoutePorts } from "./routes.ts";

/** Adds the routes. */
export function addUpkeepRoutes(server: FastifyInstance, { host }: RoutePorts): void {
  server.post<{ Body: CollectBody }>("/v1/gc", { schema: { body: CollectBody } }, async ({ body: { retention } }) =>
    collectionObject(
      await host().upkeep.collect(retention === undefined ? undefined : parseRetention(retention as Json)),
    ),
  );

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
