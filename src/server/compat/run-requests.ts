/** What requests about runs may hold: one TypeBox source for ajv and for the types. Numbers are texts in a query. */
import { type Static, Type } from "@sinclair/typebox";

const id = Type.String({ minLength: 1, maxLength: 100 });

/** A run in a path. */
export const RunPath = Type.Object({ id });
export type RunPath = Static<typeof RunPath>;

/** A task and its run in a path. */
export const TaskRunPath = Type.Object({ task: id, id });
export type TaskRunPath = Static<typeof TaskRunPath>;

/** Which part of a trace. `latest` wins over the others. What else a query says is passed over. */
export const TraceQuery = Type.Object({
  after: Type.Optional(Type.String({ pattern: "^[0-9]{1,15}$" })),
  limit: Type.Optional(Type.String({ pattern: "^([1-9][0-9]{0,3}|10000)$" })),
  latest: Type.Optional(Type.String({ pattern: "^([1-9][0-9]{0,3}|10000)$" })),
});
export type TraceQuery = Static<typeof TraceQuery>;
