/**
 * `try`: on any error of the body the whole ctx goes back to what it was before, the error's text is kept where
 * `err_at` says, and `catch` runs. Errors there, and in `err_at` itself, are not caught.
 */
import type { FlowError } from "../error.ts";
import { notAPath } from "../failures.ts";
import type { Frame, Scope, TryFrame } from "./frame.ts";
import { enter, type Move } from "./move.ts";
import type { TryOperation } from "./operation.ts";

/** Enters the body. */
export const enterTry = (operation: TryOperation, parent: Frame | undefined, scope: Scope): Move => {
  const frame: TryFrame = { kind: "try", operation, parent, scope, key: undefined, before: scope.ctx.snapshot() };
  return enter(operation.body, frame, scope);
};

/** Takes the ctx back and enters `catch`. */
export const catchError = (frame: TryFrame, error: FlowError): Move => {
  const { operation, parent, scope, before } = frame;
  scope.ctx.replace(before);
  if (operation.errAt !== undefined) {
    if (operation.errAt.target === undefined) throw notAPath("err_at");
    scope.ctx.write(operation.errAt.target, error.message, 0);
  }
  return enter(operation.catch, parent, scope);
};
