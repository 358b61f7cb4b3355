/**
 * Running: makes moves until every thread waits or the run has ended.
 *
 * Owns: the exhaustive switches over node kinds and frames, where errors get their place, and the end of a run.
 * Invariants: the JavaScript stack does not grow with children, turns, lanes or nesting; a limit ends the run, past
 * every `try` and every join.
 */
import { assertNever, FlowError } from "../error.ts";
import { enterBranch } from "./branch.ts";
import { cancelAll } from "./cancel.ts";
import { enterFanout, settleLane, startLane } from "./fanout.ts";
import { executionKey, type FanoutFrame, type Frame, type Scope } from "./frame.ts";
import { enterLet } from "./let.ts";
import { enterLoop, resumeLoop } from "./loop.ts";
import { done, fail, type Move } from "./move.ts";
import type { Operation } from "./operation.ts";
import type { RunState } from "./run-state.ts";
import { enterSeq, resumeSeq } from "./seq.ts";
import { checkLeaving, enterStep } from "./step.ts";
import { catchError, enterTry } from "./try.ts";

/** Makes `first` and every move that follows from it. */
export const advance = (run: RunState, first: Move): void => {
  run.meter.reset();
  for (let move: Move | undefined = first; move !== undefined; ) move = makeMove(run, move);
};

const makeMove = (run: RunState, move: Move): Move | undefined => {
  switch (move.to) {
    case "enter": {
      const { operation, parent, scope } = move;
      try {
        run.meter.transition();
        return enterNode(run, operation, parent, scope);
      } catch (error) {
        return failed(error, operation, parent, scope);
      }
    }
    case "done": {
      const { parent, scope } = move;
      if (parent === undefined) return leaveScope(run, scope);
      try {
        return resume(run, parent);
      } catch (error) {
        return failed(error, parent.operation, parent.parent, scope);
      }
    }
    case "fail": {
      const { parent, scope, error } = move;
      if (error.kind === "limit_exceeded") return endWith(run, error);
      if (parent === undefined) return failScope(run, scope, error);
      if (parent.kind !== "try") return fail(parent.parent, scope, error);
      try {
        return catchError(parent, error);
      } catch (thrown) {
        return failed(thrown, parent.operation, parent.parent, scope);
      }
    }
    case "wait": {
      const fanout = run.starting.at(-1);
      if (fanout === undefined) return undefined;
      try {
        return startLane(run, fanout);
      } catch (error) {
        return failed(error, fanout.operation, fanout.parent, fanout.scope);
      }
    }
    default:
      return assertNever(move);
  }
};

const enterNode = (run: RunState, operation: Operation, parent: Frame | undefined, scope: Scope): Move => {
  switch (operation.kind) {
    case "step":
      return enterStep(run, operation, parent, scope);
    case "seq":
      return enterSeq(operation, parent, scope);
    case "branch":
      return enterBranch(run, operation, parent, scope);
    case "fanout":
      return enterFanout(run, operation, parent, scope);
    case "loop":
      return enterLoop(run, operation, parent, scope);
    case "try":
      return enterTry(operation, parent, scope);
    case "let":
      return enterLet(run, operation, parent, scope);
    default:
      return assertNever(operation);
  }
};

const resume = (run: RunState, frame: Frame): Move => {
  switch (frame.kind) {
    case "seq":
      return resumeSeq(frame);
    case "loop":
      return resumeLoop(run, frame);
    case "try":
      return done(frame.parent, frame.scope);
    default:
      return assertNever(frame);
  }
};

/** The move that follows from something thrown by a node: a failure at its place. What is no FlowError is a defect. */
export const failed = (thrown: unknown, operation: Operation, parent: Frame | undefined, scope: Scope): Move => {
  if (!(thrown instanceof FlowError)) throw thrown;
  const { nodePath, pointer, label } = operation;
  return fail(parent, scope, thrown.at({ nodePath, pointer, key: executionKey(parent, scope, label) }));
};

const leaveScope = (run: RunState, scope: Scope): Move | undefined => {
  const { lane, ctx } = scope;
  if (lane !== undefined) {
    const { value, depth } = ctx.snapshot();
    return settle(run, lane.fanout, lane.index, { value, depth });
  }
  try {
    checkLeaving(run, ctx.value, "the final ctx");
  } catch (error) {
    return failed(error, run.program.operations[0] as Operation, undefined, scope);
  }
  run.status = "completed";
  return undefined;
};

const failScope = (run: RunState, scope: Scope, error: FlowError): Move | undefined => {
  const { lane } = scope;
  return lane === undefined ? endWith(run, error) : settle(run, lane.fanout, lane.index, { error });
};

const settle = (run: RunState, fanout: FanoutFrame, index: number, end: Parameters<typeof settleLane>[3]): Move => {
  try {
    return settleLane(run, fanout, index, end);
  } catch (error) {
    return failed(error, fanout.operation, fanout.parent, fanout.scope);
  }
};

const endWith = (run: RunState, error: FlowError): undefined => {
  cancelAll(run);
  run.status = "failed";
  run.error = error;
  return undefined;
};
