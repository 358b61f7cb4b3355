/**
 * How a node or an expression is written: a table of its fields, in the order they are encoded.
 *
 * Decoder, encoder and walkers are driven by these tables, so a kind is described once and a field that is forgotten in
 * its table does not compile.
 */
/**
 * What a field holds. `optional_expr` may be absent or null; `path` is a path text; `target` is a path text that stands
 * for a `path` expression; `count` is an integer from 0 to 4294967295.
 */
export type FieldKind =
  | "node"
  | "nodes"
  | "expr"
  | "exprs"
  | "optional_expr"
  | "path"
  | "target"
  | "string"
  | "json"
  | "count"
  | "join";

/** How a fanout makes one result of its lanes. */
export type JoinMode = "all" | "any" | "race" | "all_settled";

/** All join modes, as they are written. */
export const JOIN_MODES: readonly JoinMode[] = ["all", "any", "race", "all_settled"];

/** Fields in wire order, with what each holds. */
export type FieldTable = readonly (readonly [name: string, kind: FieldKind])[];

/** The largest `count`. */
export const MAX_COUNT = 4_294_967_295;
