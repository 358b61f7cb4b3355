/**
 * Flow documents in a few words, for tests that read better without wire JSON.
 */
import { compileFlow, decodeFlow, type FlowLimits, type FlowProgram, type Json } from "../../src/flow/index.ts";

/** A path expression. */
export const path = (at: string): Json => ({ op: "path", at });
/** A literal. */
export const lit = (value: Json): Json => ({ op: "lit", value });
/** Any binary operation. */
export const binary = (op: string, lhs: Json, rhs: Json): Json => ({ op, lhs, rhs });
/** A step that hands `input` to `ref` and keeps the answer at `out`. */
export const step = (ref: string, out = "$.out", input: Json = lit(null)): Json => ({
  kind: "step",
  ref,
  in: input,
  out: path(out),
});
/** A sequence. */
export const seq = (...children: Json[]): Json => ({ kind: "seq", children });
/** A write. */
export const assign = (at: string, value: Json): Json => ({ kind: "let", at, value });
/** A choice. */
export const branch = (cond: Json, yes: Json, no: Json = seq()): Json =>
  Object.fromEntries(
    Object.entries({ kind: "branch", cond, yes, else: no }).map(([k, v]) => [k === "yes" ? "then" : k, v]),
  );
/** A loop that counts at `$.n`. */
export const loop = (max: number, body: Json, cond: Json = lit(true)): Json => ({
  kind: "loop",
  counter: path("$.n"),
  cond,
  body,
  max,
});
/** A fanout that binds at `$.item` and keeps its result at `$.results`. */
export const fanout = (join: string, items: Json, body: Json): Json => ({
  kind: "fanout",
  items,
  bind: path("$.item"),
  body,
  join,
  out: path("$.results"),
});
/** A try that keeps the error's text at `$.err`. */
export const attempt = (body: Json, recover: Json = seq()): Json => ({
  kind: "try",
  body,
  catch: recover,
  err_at: path("$.err"),
});

/** Decodes and compiles. */
export const program = (document: Json, limits?: Partial<FlowLimits>): FlowProgram =>
  compileFlow(decodeFlow(document, limits === undefined ? {} : { limits }), limits);
