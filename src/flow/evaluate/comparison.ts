/**
 * `eq`, `ne`, `in` (equality) and `lt`, `lte`, `gt`, `gte` (order). Operands left to right, types checked after both.
 */
import { compareStrings } from "../code-points.ts";
import type { EqualityExpr, OrderExpr } from "../expr.ts";
import { typeError } from "../failures.ts";
import type { Json } from "../json.ts";
import { equalSpending } from "../json-equal.ts";
import { renderJson } from "../json-render.ts";
import type { Evaluate } from "./evaluation.ts";

/** Compiles `eq` and `ne`. */
export const compileEquality = (op: EqualityExpr["op"], lhs: Evaluate, rhs: Evaluate): Evaluate => {
  const wanted = op === "eq";
  return (world) => equalSpending(lhs(world), rhs(world), world.meter) === wanted;
};

/** Compiles `in`. The needle is evaluated first; only an array can be searched. */
export const compileIn =
  (needle: Evaluate, haystack: Evaluate, pointer: string): Evaluate =>
  (world) => {
    const wanted = needle(world);
    const elements = haystack(world);
    if (!Array.isArray(elements)) {
      throw typeError("expr.in", `in: haystack must be array, got ${renderJson(elements)}`, pointer);
    }
    world.meter.spend(elements.length);
    return elements.some((element: Json) => equalSpending(element, wanted, world.meter));
  };

const orders: Readonly<Record<OrderExpr["op"], (order: number) => boolean>> = {
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
};

/** Compiles the order operations: two numbers, or two strings by code point. */
export const compileOrder = (op: OrderExpr["op"], lhs: Evaluate, rhs: Evaluate, pointer: string): Evaluate => {
  const holds = orders[op];
  return (world) => {
    const a = lhs(world);
    const b = rhs(world);
    if (typeof a === "number" && typeof b === "number") return holds(a - b);
    if (typeof a === "string" && typeof b === "string") return holds(compareStrings(a, b));
    throw typeError(
      "cmp",
      `cmp: both sides must be numbers or strings, got ${renderJson(a)} vs ${renderJson(b)}`,
      pointer,
    );
  };
};
