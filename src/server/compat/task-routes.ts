/** The door's route that starts a run, and waits for it where the client does. */
import type { FastifyInstance } from "fastify";
import type { Grant } from "../../capability/index.ts";
import type { Json, JsonObject } from "../../flow/index.ts";
import { EngineError, type Host, type RunResult } from "../../host.ts";
import { taskIdOf } from "./ids.ts";
import { type Launched, launch } from "./launch.ts";
import { LaunchRequest } from "./launch-request.ts";
import type { DoorPorts } from "./ports.ts";
import { failureOf } from "./run-record.ts";

/** Adds the route. */
export function addTaskRoutes(server: FastifyInstance, { host }: DoorPorts): void {
  server.post<{ Body: LaunchRequest }>(
    "/v1/tasks",
    { schema: { body: LaunchRequest } },
    async ({ body, grant }: { body: LaunchRequest; grant: Grant | undefined }, reply) => {
      const launched = await launch(host(), body, grant);
      const { status, answer } = body.detach ? detached(launched) : await awaited(host(), launched);
      return reply.code(status).send(answer);
    },
  );
}

interface Answer {
  readonly status: number;
  readonly answer: JsonObject;
}

function detached({ run: { runId }, facts }: Launched): Answer {
  return { status: 202, answer: { ...facts, ...idsOf(runId), status: "running", final_ctx: null } };
}

/** The run's end. One that takes longer than the client waits is cancelled: no answer leaves a run behind. */
async function awaited(host: Host, { run, facts, waitMs }: Launched): Promise<Answer> {
  const { runId } = run;
  const ended = (await within(waitMs, run.result)) ?? (await cancelled(host, run));
  if (ended === undefined) {
    const error = `run: ${runId} has not ended within the ceiling of ${waitMs / 1_000} s, and is cancelled`;
    return { status: 504, answer: { error, ...idsOf(runId) } };
  }
  if (ended.status === "done") {
    return { status: 200, answer: { ...facts, ...idsOf(runId), status: "done", final_ctx: ended.ctx } };
  }
  const { message, ...details } = await failureOf(host, runId);
  const error = ended.status === "failed" ? `run: flow eval: ${message}` : `run: cancelled: ${ended.reason}`;
  return { status: 400, answer: { error, details: details as { [key: string]: Json }, ...idsOf(runId) } };
}

/** Undefined, unless the run ended by itself meanwhile. */
async function cancelled(host: Host, run: Launched["run"]): Promise<RunResult | undefined> {
  try {
    await host.cancel(run.runId, { reason: "it took longer than its client waits", by: "compat" });
    return undefined;
  } catch (error) {
    if (error instanceof EngineError && error.code === "run_ended") return run.result;
    throw error;
  }
}

function idsOf(runId: string): JsonObject {
  return { task_id: taskIdOf(runId), run_id: runId };
}

/** What a promise comes to; undefined where it takes longer. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
