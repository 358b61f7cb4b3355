/**
 * The routes of seniors: what a run asks of whom, and an answer or a verdict in place of whoever was asked.
 *
 * Owns: what each answers. Does not own: who may ask (rules.ts), what may still be answered (the desk).
 */
import type { FastifyInstance } from "fastify";
import type { Grant } from "../capability/index.ts";
import type { Json } from "../flow/index.ts";
import { AnswerBody, RequestPath, VerdictBody } from "./operator-requests.ts";
import { RunPath } from "./requests.ts";
import type { RoutePorts } from "./routes.ts";

/** Adds the routes. */
export function addSeniorRoutes(server: FastifyInstance, { host }: RoutePorts): void {
  server.get<{ Params: RunPath }>("/v1/runs/:id/requests", { schema: { params: RunPath } }, async ({ params }) => {
    const requests = await host().operators.openRequests(params.id);
    return {
      requests: requests.map(({ id, kind, seat, step, key, attempt, agent, openedAt, deadline, question }) => ({
        id,
        kind,
        seat,
        step,
        key,
        attempt,
        agent,
        opened_at: openedAt,
        ...(deadline === undefined ? {} : { deadline }),
        ...(question === undefined ? {} : { question }),
      })),
    };
  });

  server.post<{ Params: RequestPath; Body: AnswerBody }>(
    "/v1/runs/:id/requests/:request/answer",
    { schema: { params: RequestPath, body: AnswerBody } },
    async ({ params, body, grant }, reply) => {
      await host().operators.answerFor(overruled(params, grant), body.value as Json);
      return reply.code(204).send();
    },
  );

  server.post<{ Params: RequestPath; Body: VerdictBody }>(
    "/v1/runs/:id/requests/:request/verdict",
    { schema: { params: RequestPath, body: VerdictBody } },
    async ({ params, body: { verdict, value = null }, grant }, reply) => {
      await host().operators.decideFor(overruled(params, grant), { verdict, value: value as Json });
      return reply.code(204).send();
    },
  );
}

function overruled({ id, request }: RequestPath, { subject }: Grant): { runId: string; requestId: string; by: string } {
  return { runId: id, requestId: request, by: `senior: ${subject}` };
}
