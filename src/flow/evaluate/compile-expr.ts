/**
 * Compiles expressions to closures: once for each expression of a document, so that evaluating walks no tree of names.
 *
 * Owns: the exhaustive switch over operations, and the stand-alone form `compileExpr`. Recursion is bounded by
 * `maxDepth`, which is checked here again because a tree need not come from the decoder.
 */
import { codePointCount } from "../code-points.ts";
import { assertNever } from "../error.ts";
import type { FlowExpr } from "../expr.ts";
import { type Externs, noExterns } from "../externs.ts";
import { limitExceeded, pathNotFound, typeError } from "../failures.ts";
import { isJsonObject, type Json } from "../json.ts";
import { renderJson } from "../json-render.ts";
import { type FlowLimits, resolveLimits } from "../limits.ts";
import type { FlowPath } from "../path.ts";
import { lookupPath } from "../path-access.ts";
import { ROOT_KEY } from "../step-key.ts";
import { WorkMeter } from "../work-meter.ts";
import { compileArithmetic } from "./arithmetic.ts";
import { compileEquality, compileIn, compileOrder } from "./comparison.ts";
import type { Evaluate } from "./evaluation.ts";
import { callHostFunction } from "./extern-call.ts";
import { compileAllAny, compileExists, compileNot, compilePathExists } from "./logic.ts";

/** An expression that can be evaluated by itself. */
export interface CompiledExpr {
  /** Evaluates against a ctx, which is not changed. Throws FlowError. */
  evaluate(ctx: Json, externs?: Externs): Json;
}

/** Compiles an expression for use outside a flow. Throws FlowError `limit_exceeded` or `invalid_limit`. */
export const compileExpr = (expr: FlowExpr, limits?: Partial<FlowLimits>): CompiledExpr => {
  const bounds = resolveLimits(limits);
  const evaluate = compileEvaluate(expr, "", 1, bounds.maxDepth);
  return {
    evaluate(ctx, externs = noExterns) {
      let ordinal = 0;
      const meter = new WorkMeter(bounds.maxTransitions);
      return evaluate({
        ctx,
        meter,
        callExtern(ref, args) {
          const site = { key: ROOT_KEY, ordinal };
          ordinal += 1;
          return callHostFunction(externs, ref, args, site, bounds, meter);
        },
      });
    },
  };
};

/** Compiles an expression at `pointer`, which is at level `depth` of its document (from 1). */
export const compileEvaluate = (expr: FlowExpr, pointer: string, depth: number, maxDepth: number): Evaluate => {
  if (depth > maxDepth) throw limitExceeded("maxDepth", maxDepth, "nodes and expressions are nested too deep");
  const below = (arg: FlowExpr, field: string) => compileEvaluate(arg, `${pointer}/${field}`, depth + 1, maxDepth);
  switch (expr.op) {
    case "path":
      return compilePath(expr.at, pointer);
    case "lit": {
      const { value } = expr;
      return () => value;
    }
    case "eq":
    case "ne":
      return compileEquality(expr.op, below(expr.lhs, "lhs"), below(expr.rhs, "rhs"));
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return compileOrder(expr.op, below(expr.lhs, "lhs"), below(expr.rhs, "rhs"), pointer);
    case "not":
      return compileNot(below(expr.arg, "arg"));
    case "and":
    case "or":
      return compileAllAny(
        expr.op,
        expr.args.map((arg, index) => below(arg, `args/${index}`)),
      );
    case "exists":
      return expr.arg.op === "path" ? compilePathExists(expr.arg.at) : compileExists(below(expr.arg, "arg"));
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "mod":
      return compileArithmetic(expr.op, below(expr.lhs, "lhs"), below(expr.rhs, "rhs"), pointer);
    case "len":
      return compileLen(below(expr.arg, "arg"), pointer);
    case "in":
      return compileIn(below(expr.needle, "needle"), below(expr.haystack, "haystack"), pointer);
    case "call_extern": {
      const { ref } = expr;
      const args = expr.args.map((arg, index) => below(arg, `args/${index}`));
      return (world) =>
        world.callExtern(
          ref,
          args.map((arg) => arg(world)),
        );
    }
    default:
      return assertNever(expr);
  }
};

const compilePath =
  (path: FlowPath, pointer: string): Evaluate =>
  (world) => {
    const value = lookupPath(path, world.ctx);
    if (value === undefined) throw pathNotFound(path, pointer);
    return value;
  };

const compileLen =
  (arg: Evaluate, pointer: string): Evaluate =>
  (world) => {
    const value = arg(world);
    if (Array.isArray(value)) return value.length;
    if (typeof value === "string") {
      world.meter.spend(value.length);
      return codePointCount(value);
    }
    if (isJsonObject(value)) {
      const count = Object.keys(value).length;
      world.meter.spend(count);
      return count;
    }
    throw typeError("expr.len", `len: unsupported type ${renderJson(value)}`, pointer);
  };
