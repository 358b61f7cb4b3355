/**
 * `let`: evaluates a value and writes it. A target that is not a path is found out after the value.
 */
import { notAPath } from "../failures.ts";
import type { Frame, Scope } from "./frame.ts";
import { done, type Move } from "./move.ts";
import type { LetOperation } from "./operation.ts";
import type { RunState } from "./run-state.ts";

/** Runs a let to its end. */
export const enterLet = (run: RunState, operation: LetOperation, parent: Frame | undefined, scope: Scope): Move => {
  const { ctx } = scope;
  const value = ctx.release(run.evaluate(operation.value.evaluate, operation, parent, scope));
  if (operation.at === undefined) throw notAPath("at");
  ctx.write(operation.at, value, operation.value.depth(value, ctx.depth));
  return done(parent, scope);
};
