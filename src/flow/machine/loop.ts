/**
 * `loop`: turns while the condition is truthy, at most `max`.
 *
 * The counter path holds the number of completed turns and is written before the first condition and after each turn.
 * The count itself is the frame's: a body that writes the path changes what it reads, not how often the loop turns.
 */
import { isTruthy } from "../evaluate/evaluation.ts";
import { notAPath } from "../failures.ts";
import type { Frame, LoopFrame, Scope } from "./frame.ts";
import { done, enter, type Move } from "./move.ts";
import type { LoopOperation } from "./operation.ts";
import type { RunState } from "./run-state.ts";

/** Writes the counter and takes the first turn, if there is one. */
export const enterLoop = (run: RunState, operation: LoopOperation, parent: Frame | undefined, scope: Scope): Move => {
  const frame: LoopFrame = { kind: "loop", operation, parent, scope, key: undefined, turn: 0, externCalls: 0 };
  writeCounter(frame);
  return turn(run, frame);
};

/** Goes on after a turn. */
export const resumeLoop = (run: RunState, frame: LoopFrame): Move => {
  frame.turn += 1;
  writeCounter(frame);
  return turn(run, frame);
};

const turn = (run: RunState, frame: LoopFrame): Move => {
  const { operation, parent, scope } = frame;
  if (frame.turn >= operation.max) return done(parent, scope);
  const cond = run.evaluate(operation.cond, operation, parent, scope, frame.externCalls);
  frame.externCalls = run.externCalls;
  return isTruthy(cond) ? enter(operation.body, frame, scope) : done(parent, scope);
};

const writeCounter = (frame: LoopFrame): void => {
  const { counter } = frame.operation;
  if (counter === undefined) throw notAPath("counter");
  frame.scope.ctx.write(counter, frame.turn, 0);
};
