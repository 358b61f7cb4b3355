/**
 * `step`: the only suspension. The input is evaluated, the thread waits at a leaf, and the outcome is written to `out`.
 */
import { dispatcherError, limitExceeded, notAPath } from "../failures.ts";
import type { Json } from "../json.ts";
import { inspectJson } from "../json-inspect.ts";
import { executionKey, type Frame, type Leaf, type Scope } from "./frame.ts";
import { done, type Move, WAIT } from "./move.ts";
import type { StepOperation } from "./operation.ts";
import type { RunState } from "./run-state.ts";
import type { FlowOutcome } from "./step-request.ts";

/** Evaluates the input and leaves the thread waiting. */
export const enterStep = (run: RunState, operation: StepOperation, parent: Frame | undefined, scope: Scope): Move => {
  const { maxSteps } = run.program.limits;
  if (run.dispatched >= maxSteps)
    throw limitExceeded("maxSteps", maxSteps, `the run dispatches more than ${maxSteps} steps`);
  const input = scope.ctx.release(run.evaluate(operation.input, operation, parent, scope));
  run.meter.spend(checkLeaving(run, input, `the input of step '${operation.step.ref}'`));
  const key = executionKey(parent, scope, operation.label);
  const request = Object.freeze({ key, step: operation.step, ref: operation.step.ref, input });
  const leaf: Leaf = { kind: "leaf", operation, parent, scope, serial: run.dispatched, request, announced: false };
  run.dispatched += 1;
  run.leaves.set(key, leaf);
  run.events.push(leaf);
  scope.waiting = leaf;
  return WAIT;
};

/** Takes an outcome whose value is JSON, nested at most `depth`, and goes on. Throws FlowError where the step fails. */
export const answerStep = (leaf: Leaf, outcome: FlowOutcome, depth: number): Move => {
  const { operation, parent, scope } = leaf;
  if (outcome.kind === "error") throw dispatcherError(operation.step.ref, outcome.message);
  if (outcome.kind === "value") {
    if (operation.out === undefined) throw notAPath("out");
    scope.ctx.write(operation.out, outcome.value, depth);
  }
  return done(parent, scope);
};

/** Refuses to let a value out of the run that nobody could print. Answers how many values it holds. */
export const checkLeaving = (run: RunState, value: Json, what: string): number => {
  if (typeof value !== "object" || value === null) return 1;
  const { maxValues } = run.program.limits;
  const inspection = inspectJson(value, { maxCtxDepth: Number.POSITIVE_INFINITY, maxValues });
  if ("problem" in inspection)
    throw limitExceeded("maxValues", maxValues, `${what} holds more than ${maxValues} values`);
  return inspection.values;
};
