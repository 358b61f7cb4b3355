/**
 * Expressions: the 20 operations, as readonly data with a literal `op`.
 *
 * Owns: the closed union and how each operation is written. What an operation means is in evaluate/.
 * Field names are the wire's own; paths are parsed.
 */
import type { Json } from "./json.ts";
import type { FlowPath } from "./path.ts";
import type { FieldTable } from "./wire.ts";

/** Reads a path; an error where it is missing. */
export interface PathExpr {
  readonly op: "path";
  readonly at: FlowPath;
}

/** A value as it stands; nothing inside it is evaluated. */
export interface LitExpr {
  readonly op: "lit";
  readonly value: Json;
}

/** Deep equality, numbers by value; and its negation. Never a type error. */
export interface EqualityExpr {
  readonly op: "eq" | "ne";
  readonly lhs: FlowExpr;
  readonly rhs: FlowExpr;
}

/** Order of two numbers or of two strings (by code point). */
export interface OrderExpr {
  readonly op: "lt" | "lte" | "gt" | "gte";
  readonly lhs: FlowExpr;
  readonly rhs: FlowExpr;
}

/** Negated truthiness: only `null` and `false` are falsy. */
export interface NotExpr {
  readonly op: "not";
  readonly arg: FlowExpr;
}

/** Truthiness of all or of some, short-circuit, always a boolean. Empty: `and` is true, `or` is false. */
export interface AllAnyExpr {
  readonly op: "and" | "or";
  readonly args: readonly FlowExpr[];
}

/** Whether `arg` is there and not null: a missing path anywhere inside it means false. */
export interface ExistsExpr {
  readonly op: "exists";
  readonly arg: FlowExpr;
}

/** Arithmetic in doubles. `mod` takes the sign of the divisor. */
export interface ArithExpr {
  readonly op: "add" | "sub" | "mul" | "div" | "mod";
  readonly lhs: FlowExpr;
  readonly rhs: FlowExpr;
}

/** Elements of an array, keys of an object, code points of a string. */
export interface LenExpr {
  readonly op: "len";
  readonly arg: FlowExpr;
}

/** Whether an array has an element equal to the needle. */
export interface InExpr {
  readonly op: "in";
  readonly needle: FlowExpr;
  readonly haystack: FlowExpr;
}

/** Calls a host function by name. */
export interface CallExternExpr {
  readonly op: "call_extern";
  readonly ref: string;
  readonly args: readonly FlowExpr[];
}

/** Every expression. */
export type FlowExpr =
  | PathExpr
  | LitExpr
  | EqualityExpr
  | OrderExpr
  | NotExpr
  | AllAnyExpr
  | ExistsExpr
  | ArithExpr
  | LenExpr
  | InExpr
  | CallExternExpr;

/** Names of all operations. */
export type FlowOp = FlowExpr["op"];

const binary: FieldTable = [
  ["lhs", "expr"],
  ["rhs", "expr"],
];
const unary: FieldTable = [["arg", "expr"]];
const variadic: FieldTable = [["args", "exprs"]];

/** How each operation is written, in the order the language lists them. */
export const EXPR_FIELDS: Readonly<Record<FlowOp, FieldTable>> = {
  path: [["at", "path"]],
  lit: [["value", "json"]],
  eq: binary,
  ne: binary,
  lt: binary,
  lte: binary,
  gt: binary,
  gte: binary,
  not: unary,
  and: variadic,
  or: variadic,
  exists: unary,
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  mod: binary,
  len: unary,
  in: [
    ["needle", "expr"],
    ["haystack", "expr"],
  ],
  call_extern: [
    ["ref", "string"],
    ["args", "exprs"],
  ],
};
