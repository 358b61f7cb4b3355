/**
 * `seq`: children in order. The frame remembers which one runs.
 */
import type { Frame, Scope, SeqFrame } from "./frame.ts";
import { done, enter, type Move } from "./move.ts";
import type { SeqOperation } from "./operation.ts";

/** Enters the first child, if there is one. */
export const enterSeq = (operation: SeqOperation, parent: Frame | undefined, scope: Scope): Move => {
  const [first] = operation.children;
  if (first === undefined) return done(parent, scope);
  return enter(first, { kind: "seq", operation, parent, scope, key: undefined, child: 0 }, scope);
};

/** Goes on after a child. */
export const resumeSeq = (frame: SeqFrame): Move => {
  frame.child += 1;
  const next = frame.operation.children[frame.child];
  return next === undefined ? done(frame.parent, frame.scope) : enter(next, frame, frame.scope);
};
