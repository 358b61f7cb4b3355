/**
 * `branch`: exactly `true` or exactly `false` chooses an arm; truthiness is not enough. Keeps no frame.
 */
import { nonBoolCond } from "../failures.ts";
import type { Frame, Scope } from "./frame.ts";
import { enter, type Move } from "./move.ts";
import type { BranchOperation } from "./operation.ts";
import type { RunState } from "./run-state.ts";

/** Enters one arm. */
export const enterBranch = (
  run: RunState,
  operation: BranchOperation,
  parent: Frame | undefined,
  scope: Scope,
): Move => {
  const cond = run.evaluate(operation.cond, operation, parent, scope);
  if (typeof cond !== "boolean") throw nonBoolCond(cond, `${operation.pointer}/cond`);
  return enter(cond ? operation.onTrue : operation.onFalse, parent, scope);
};
