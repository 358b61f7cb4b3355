/** What requests about operators may hold: one TypeBox source for ajv and for the types. Bounded everywhere. */
import { type Static, Type } from "@sinclair/typebox";

const closed = { additionalProperties: false } as const;
const sid = Type.String({ pattern: "^S-[0-9a-f]{32}$" });
const description = Type.String({ minLength: 1, maxLength: 1000 });

/** A session's id in a path. */
export const SessionPath = Type.Object({ sid: Type.String({ minLength: 1, maxLength: 100 }) });
export type SessionPath = Static<typeof SessionPath>;

/** A run and one of its seats in a path. */
export const SeatPath = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 100 }),
  seat: Type.String({ minLength: 1, maxLength: 200 }),
});
export type SeatPath = Static<typeof SeatPath>;

/** A run and one of its requests in a path. */
export const RequestPath = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 100 }),
  request: Type.String({ minLength: 1, maxLength: 64 }),
});
export type RequestPath = Static<typeof RequestPath>;

/** An answer in place of a seat. */
export const AnswerBody = Type.Object({ value: Type.Unknown() }, closed);
export type AnswerBody = Static<typeof AnswerBody>;

/** A verdict in place of a worker. */
export const VerdictBody = Type.Object(
  {
    verdict: Type.Union([Type.Literal("pass"), Type.Literal("blocked"), Type.Literal("skip")]),
    value: Type.Optional(Type.Unknown()),
  },
  closed,
);
export type VerdictBody = Static<typeof VerdictBody>;

/** An operator joins. */
export const JoinBody = Type.Object({ description, manifest: Type.Optional(Type.Unknown()) }, closed);
export type JoinBody = Static<typeof JoinBody>;

/** A page of sessions; numbers are texts in a query. */
export const SessionsQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: "^([1-9][0-9]{0,2}|1000)$" })),
    after: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  },
  closed,
);
export type SessionsQuery = Static<typeof SessionsQuery>;

/** A seat is taken. `session`: for whom; absent: for whoever asks. `seat` absent: the only one. */
export const AcquireBody = Type.Object(
  { seat: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })), session: Type.Optional(sid), description },
  closed,
);
export type AcquireBody = Static<typeof AcquireBody>;

/** The generation a seat is given back under. */
export const ReleaseQuery = Type.Object({ generation: Type.String({ pattern: "^[1-9][0-9]{0,14}$" }) }, closed);
export type ReleaseQuery = Static<typeof ReleaseQuery>;

/** Who sits where from the launch on, by seat. */
export const LaunchSeats = Type.Record(
  Type.String({ minLength: 1, maxLength: 200 }),
  Type.Object({ session: Type.Optional(sid), description }, closed),
  { maxProperties: 100 },
);
export type LaunchSeats = Static<typeof LaunchSeats>;
