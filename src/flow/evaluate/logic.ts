/**
 * `not`, `and`, `or`, `exists`: truthiness and presence. Results are booleans, never operands.
 */
import { FlowError } from "../error.ts";
import type { AllAnyExpr } from "../expr.ts";
import type { FlowPath } from "../path.ts";
import { lookupPath } from "../path-access.ts";
import { type Evaluate, isMissing, isTruthy } from "./evaluation.ts";

/** Compiles `not`. */
export const compileNot =
  (arg: Evaluate): Evaluate =>
  (world) =>
    !isTruthy(arg(world));

/** Compiles `and` and `or`: left to right, stopping as soon as the answer is known. */
export const compileAllAny = (op: AllAnyExpr["op"], args: readonly Evaluate[]): Evaluate =>
  op === "and"
    ? (world) => args.every((arg) => isTruthy(arg(world)))
    : (world) => args.some((arg) => isTruthy(arg(world)));

/** Compiles `exists` over a path: the common case, without an error made and caught. */
export const compilePathExists =
  (path: FlowPath): Evaluate =>
  (world) =>
    (lookupPath(path, world.ctx) ?? null) !== null;

/** Compiles `exists`: null and a missing path anywhere inside `arg` are false; every other error passes. */
export const compileExists =
  (arg: Evaluate): Evaluate =>
  (world) => {
    try {
      return arg(world) !== null;
    } catch (error) {
      if (error instanceof FlowError && isMissing(error)) return false;
      throw error;
    }
  };
