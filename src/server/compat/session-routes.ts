/** The door's routes about sessions: joining, leaving. The socket is elsewhere (socket.ts). */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import type { Verb } from "../../capability/index.ts";
import type { Json } from "../../flow/index.ts";
import type { DoorPorts } from "./ports.ts";

const closed = { additionalProperties: false } as const;
const text = Type.String({ maxLength: 200 });

const Manifest = Type.Object(
  {
    provider_id: text,
    provider_revision: Type.Optional(Type.Union([text, Type.Null()])),
    capabilities: Type.Optional(
      Type.Array(
        Type.Object(
          {
            launch_variant: Type.Optional(Type.Union([text, Type.Null()])),
            resolved_model: Type.Optional(Type.Union([text, Type.Null()])),
            effective_tools: Type.Optional(Type.Array(text, { maxItems: 1_000 })),
            capability_snapshot_digest: Type.Optional(Type.Union([text, Type.Null()])),
            evidence_digest: Type.Optional(Type.Union([text, Type.Null()])),
          },
          closed,
        ),
        { maxItems: 1_000 },
      ),
    ),
  },
  closed,
);

/** An operator joins. What else it says, as older clients do, is passed over. */
const JoinRequest = Type.Object({
  capability_manifest: Type.Optional(Type.Union([Manifest, Type.Null()])),
  desc: Type.Optional(Type.Union([Type.String({ maxLength: 1_000 }), Type.Null()])),
});
type JoinRequest = Static<typeof JoinRequest>;

const SessionPath = Type.Object({ sid: Type.String({ minLength: 1, maxLength: 100 }) });
type SessionPath = Static<typeof SessionPath>;

/** What a session may that joined here, on whatever port: work on what its seats are asked for. It starts and lists nothing. */
const SESSION_VERBS: readonly Verb[] = [
  "detach_session",
  "dispatch_attempt",
  "heartbeat",
  "mark_blocked",
  "mark_pass",
  "mint_worker_token",
  "query_senior",
];

/** Adds the routes. */
export function addSessionRoutes(server: FastifyInstance, { host }: DoorPorts): void {
  server.post<{ Body: JoinRequest }>("/v1/operators", { schema: { body: JoinRequest } }, async ({ body }, reply) => {
    const { capability_manifest: manifest, desc } = body;
    const description = desc && desc.trim() !== "" ? desc : "joined through the compatibility door";
    const order = { description, verbs: SESSION_VERBS, ...(manifest ? { manifest: manifest as Json } : {}) };
    const { session, secret } = await host().operators.join(order);
    return reply.header("cache-control", "no-store").send({ sid: session.sessionId, token: secret });
  });

  server.delete<{ Params: SessionPath }>(
    "/v1/operators/:sid",
    { schema: { params: SessionPath } },
    async ({ params }, reply) => {
      await host().operators.leave(params.sid);
      return reply.code(204).send();
    },
  );
}
