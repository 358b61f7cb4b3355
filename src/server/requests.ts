/** What requests may hold: one TypeBox source for ajv and for the types. Bounded everywhere. */
import { type Static, Type } from "@sinclair/typebox";
import { LaunchSeats } from "./operator-requests.ts";

const closed = { additionalProperties: false } as const;

/** A run's id in a path. */
export const RunPath = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) });
export type RunPath = Static<typeof RunPath>;

/** Headers of a launch. */
export const LaunchHeaders = Type.Object({
  "idempotency-key": Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
});
export type LaunchHeaders = Static<typeof LaunchHeaders>;

/** A launch: a linked Blueprint document, or the version of one that is kept. */
export const LaunchBody = Type.Object(
  {
    blueprint: Type.Optional(Type.Object({})),
    version: Type.Optional(Type.String({ pattern: "^sha256:[0-9a-f]{64}$" })),
    input: Type.Optional(Type.Object({})),
    seats: Type.Optional(LaunchSeats),
  },
  { ...closed, minProperties: 1 },
);
export type LaunchBody = Static<typeof LaunchBody>;

/** A list's filters; numbers are texts in a query. */
export const ListQuery = Type.Object(
  {
    status: Type.Optional(Type.String({ pattern: "^[a-z_]{1,20}(,[a-z_]{1,20}){0,8}$" })),
    blueprint: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    parent: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    limit: Type.Optional(Type.String({ pattern: "^([1-9][0-9]{0,2}|1000)$" })),
    before: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  },
  closed,
);
export type ListQuery = Static<typeof ListQuery>;

/** Where a stream of entries begins. */
export const EventsQuery = Type.Object({ from: Type.Optional(Type.String({ pattern: "^[1-9][0-9]{0,14}$" })) }, closed);
export type EventsQuery = Static<typeof EventsQuery>;

/** Why something is done. */
export const ReasonBody = Type.Object(
  { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })) },
  closed,
);
export type ReasonBody = Static<typeof ReasonBody>;

/** What a resume may say. `divergence`: where the run no longer does what its journal records; default `strict`. */
export const ResumeBody = Type.Object(
  {
    ...ReasonBody.properties,
    divergence: Type.Optional(Type.Union([Type.Literal("strict"), Type.Literal("reuse"), Type.Literal("rerun")])),
  },
  closed,
);
export type ResumeBody = Static<typeof ResumeBody>;

/** A signal. */
export const SignalBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    id: Type.String({ minLength: 1, maxLength: 200 }),
    value: Type.Optional(Type.Unknown()),
  },
  closed,
);
export type SignalBody = Static<typeof SignalBody>;

const ForkSide = Type.Union([Type.Literal("pinned"), Type.Literal("head")]);

/**
 * A rerun. `ctx` replaces the source's initial ctx; `blueprint` or `version` stands for the newest version, and `flow` and
 * `agents` say what is taken of it.
 */
export const RerunBody = Type.Object(
  {
    blueprint: Type.Optional(Type.Object({})),
    version: Type.Optional(Type.String({ pattern: "^sha256:[0-9a-f]{64}$" })),
    flow: Type.Optional(ForkSide),
    agents: Type.Optional(ForkSide),
    ctx: Type.Optional(Type.Object({})),
  },
  closed,
);
export type RerunBody = Static<typeof RerunBody>;

/** A fork: a rerun that takes over what need not be done again. */
export const ForkBody = Type.Object(
  { ...RerunBody.properties, from: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })) },
  closed,
);
export type ForkBody = Static<typeof ForkBody>;

/** A policy to collect by, instead of the data directory's; `dry_run`: only say what would be removed. */
export const CollectBody = Type.Object(
  { retention: Type.Optional(Type.Object({})), dry_run: Type.Optional(Type.Boolean()) },
  closed,
);
export type CollectBody = Static<typeof CollectBody>;

/** Runs to remove, all or none. */
export const RemovalBody = Type.Object(
  { run_ids: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 1000 }) },
  closed,
);
export type RemovalBody = Static<typeof RemovalBody>;
