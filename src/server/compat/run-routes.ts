/** The door's routes about runs: how one stands, its trace, its steps, its end. */
import type { FastifyInstance } from "fastify";
import type { JsonObject } from "../../flow/index.ts";
import { EngineError, type Host } from "../../host.ts";
import { taskIdOf } from "./ids.ts";
import { entriesOf, type TraceEvent, Tracing } from "./journal.ts";
import type { DoorPorts } from "./ports.ts";
import { runRecord } from "./run-record.ts";
import { RunPath, TaskRunPath, TraceQuery } from "./run-requests.ts";

const DEFAULT_LIMIT = 1_000;

/** Adds the routes. */
export function addRunRoutes(server: FastifyInstance, { host }: DoorPorts): void {
  server.get<{ Params: RunPath }>("/v1/runs/:id", { schema: { params: RunPath } }, async ({ params: { id } }) =>
    runRecord(host(), id),
  );

  server.get<{ Params: RunPath; Querystring: TraceQuery }>(
    "/v1/runs/:id/trace",
    { schema: { params: RunPath, querystring: TraceQuery } },
    async ({ params: { id }, query }) => ({ run_id: id, events: await trace(host(), id, query) }),
  );

  server.get<{ Params: TaskRunPath }>(
    "/v1/tasks/:task/runs/:id/steps",
    { schema: { params: TaskRunPath } },
    async ({ params: { task, id } }) => {
      const { runId } = await host().run(id);
      if (task !== taskIdOf(runId)) {
        throw new EngineError("run_unknown", `task ${task} has no run ${id}`, { details: { runId } });
      }
      return { task_id: task, run_id: id, steps: await steps(host(), id) };
    },
  );

  server.post<{ Params: RunPath }>(
    "/v1/runs/:id/cancel",
    { schema: { params: RunPath } },
    async ({ params: { id } }, reply) => {
      try {
        await host().cancel(id, { reason: "cancelled by a client of the compatibility door", by: "compat" });
      } catch (error) {
        // One that has ended needs no end: the client asks for none but that.
        if (!(error instanceof EngineError && error.code === "run_ended")) throw error;
      }
      return reply.code(204).send();
    },
  );
}

/** A run that is not here has an empty trace. */
async function trace(host: Host, runId: string, query: TraceQuery): Promise<readonly TraceEvent[]> {
  const { after = "0", limit, latest } = query;
  const most = latest ?? limit;
  const count = most === undefined ? DEFAULT_LIMIT : Number(most);
  const tracing = new Tracing(runId);
  const events: TraceEvent[] = [];
  for await (const entry of entriesOf(host, runId)) {
    for (const event of tracing.next(entry)) {
      if (latest === undefined && event.seq <= Number(after)) continue;
      events.push(event);
      if (events.length <= count) continue;
      if (latest === undefined) return events.slice(0, count);
      events.shift();
    }
  }
  return events;
}

/** Steps that have put something out, each once, and what audits found of them. */
async function steps(host: Host, runId: string): Promise<readonly JsonObject[]> {
  const names = new Set<string>();
  const agents = new Map<string, string>();
  for await (const entry of entriesOf(host, runId)) {
    if (entry.type === "step_scheduled") agents.set(entry.key, entry.agent);
    if (entry.type === "step_completed" && entry.accepted) names.add(entry.agent);
    if (entry.type === "step_memo" && entry.name.startsWith("after_run_audit/")) {
      names.add(`audit:${agents.get(entry.key) ?? entry.key}`);
    }
  }
  return [...names].map((name) => ({ name }));
}
