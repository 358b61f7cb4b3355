/** The routes below /v1/schedules. Does not own: who may ask (server.ts), when a schedule fires (src/schedules). */
import { randomUUID } from "node:crypto";
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import type { CompiledBlueprint } from "../blueprint/index.ts";
import type { Host } from "../host.ts";
import { CATCH_UP_POLICIES, MOST_CATCH_UP, OVERLAP_POLICIES, SCHEDULE_NAME } from "../host-schedules.ts";
import { runObject } from "../run-object.ts";
import { scheduleObject, scheduleOrder } from "../schedule-object.ts";
import { ServerError } from "./errors.ts";
import { LaunchHeaders } from "./requests.ts";

const closed = { additionalProperties: false } as const;
const Time = Type.Integer({ minimum: 0, maximum: 8.64e15 });

/** A schedule's name in a path. */
const SchedulePath = Type.Object({ name: Type.String({ pattern: SCHEDULE_NAME }) });
type SchedulePath = Static<typeof SchedulePath>;

/** See ScheduleBody in schedule-object.ts. */
const NewSchedule = Type.Object(
  {
    name: Type.String({ pattern: SCHEDULE_NAME }),
    blueprint: Type.Optional(Type.Object({})),
    version: Type.Optional(Type.String({ pattern: "^sha256:[0-9a-f]{64}$" })),
    input: Type.Optional(Type.Object({})),
    cron: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    time_zone: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    every_ms: Type.Optional(Type.Integer({ minimum: 1 })),
    at: Type.Optional(Time),
    overlap: Type.Optional(Type.Union(OVERLAP_POLICIES.map((policy) => Type.Literal(policy)))),
    catch_up: Type.Optional(Type.Union(CATCH_UP_POLICIES.map((policy) => Type.Literal(policy)))),
    catch_up_limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_CATCH_UP })),
    paused: Type.Optional(Type.Boolean()),
  },
  closed,
);
type NewSchedule = Static<typeof NewSchedule>;

const SchedulesQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: "^([1-9][0-9]{0,2}|1000)$" })),
    after: Type.Optional(Type.String({ pattern: SCHEDULE_NAME })),
  },
  closed,
);
type SchedulesQuery = Static<typeof SchedulesQuery>;

const DEFAULT_LIMIT = 100;

/** Finds the Blueprint of a body: the document it holds, or the version it names. */
export type BlueprintOf = (host: Host, body: Pick<NewSchedule, "blueprint" | "version">) => Promise<CompiledBlueprint>;

/** Adds the routes. */
export function addScheduleRoutes(
  server: FastifyInstance,
  { host }: { readonly host: () => Host },
  blueprintOf: BlueprintOf,
): void {
  server.post<{ Body: NewSchedule }>("/v1/schedules", { schema: { body: NewSchedule } }, async ({ body }, reply) => {
    const order = scheduleOrder(body, host().now());
    if (order === undefined) {
      throw new ServerError(
        "request_contradicts",
        "say when it fires in one way: `cron` (with a `time_zone`), `every_ms` (counted from `at`), or `at`",
      );
    }
    const schedule = await host().schedules.add(await blueprintOf(host(), body), order);
    return reply.code(201).header("location", `/v1/schedules/${schedule.name}`).send(scheduleObject(schedule));
  });

  server.get<{ Querystring: SchedulesQuery }>(
    "/v1/schedules",
    { schema: { querystring: SchedulesQuery } },
    async ({ query: { limit, after } }) => {
      const schedules = await host().schedules.list({
        limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
        ...(after === undefined ? {} : { after }),
      });
      return { schedules: schedules.map(scheduleObject) };
    },
  );

  const withName = { schema: { params: SchedulePath } };
  type WithName = { Params: SchedulePath };
  server.get<WithName>("/v1/schedules/:name", withName, async ({ params: { name } }) =>
    scheduleObject(await host().schedules.get(name)),
  );
  server.delete<WithName>("/v1/schedules/:name", withName, async ({ params: { name } }, reply) => {
    await host().schedules.remove(name);
    return reply.code(204).send();
  });
  server.post<WithName>("/v1/schedules/:name/pause", withName, async ({ params: { name } }) =>
    scheduleObject(await host().schedules.pause(name)),
  );
  server.post<WithName>("/v1/schedules/:name/resume", withName, async ({ params: { name } }) =>
    scheduleObject(await host().schedules.resume(name)),
  );
  server.post<WithName & { Headers: LaunchHeaders }>(
    "/v1/schedules/:name/trigger",
    { schema: { params: SchedulePath, headers: LaunchHeaders } },
    async ({ params: { name }, headers }, reply) => {
      const runId = await host().schedules.trigger(name, headers["idempotency-key"] ?? randomUUID());
      return reply
        .code(201)
        .header("location", `/v1/runs/${runId}`)
        .send(runObject(await host().run(runId)));
    },
  );
}
