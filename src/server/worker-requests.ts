/** What the requests of workers may hold beside their bodies: one TypeBox source for ajv and for the types. */
import { type Static, Type } from "@sinclair/typebox";

const closed = { additionalProperties: false } as const;
/** Which step and attempt the caller believes to be speaking for; checked where it is said. */
const about = {
  task_id: Type.Optional(Type.String({ maxLength: 100 })),
  attempt: Type.Optional(Type.String({ pattern: "^[1-9][0-9]{0,8}$" })),
};

/** Of every request. */
export const AboutQuery = Type.Object(about, closed);
export type AboutQuery = Static<typeof AboutQuery>;

/** A submission's two words. */
export const SubmitQuery = Type.Object(
  {
    ...about,
    ok: Type.Optional(Type.Union([Type.Literal("true"), Type.Literal("false")])),
    verdict: Type.Optional(Type.String({ maxLength: 100 })),
  },
  closed,
);
export type SubmitQuery = Static<typeof SubmitQuery>;

/** A part's name. */
export const ArtifactQuery = Type.Object({ ...about, name: Type.String({ maxLength: 2000 }) }, closed);
export type ArtifactQuery = Static<typeof ArtifactQuery>;

/** An output's name in a path. */
export const OutputPath = Type.Object({ name: Type.String({ minLength: 1, maxLength: 2000 }) });
export type OutputPath = Static<typeof OutputPath>;
