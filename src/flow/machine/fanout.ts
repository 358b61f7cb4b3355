/**
 * `fanout`: one lane an item, each in a ctx of its own that starts as the parent's with the item at `bind`.
 *
 * F1  Lanes start in item order, all of them before any outcome is handed in (or one after another, with `in_turn`).
 *     A lane without steps settles where it starts; no lane starts once the fanout is joined.
 * F2  Which lane settles first is decided by the order of hand-ins, and by item order among lanes that settle at once.
 * F3  A lane that cannot bind its item fails the fanout, whatever the join; it never counts as a settled lane.
 * F4  Joining closes the fanout: lanes still running are cancelled, and nothing of theirs happens any more.
 */
import { assertNever, type FlowError } from "../error.ts";
import { limitExceeded, notAPath, typeError } from "../failures.ts";
import type { Json } from "../json.ts";
import { renderJson } from "../json-render.ts";
import { stepKey } from "../step-key.ts";
import { cancelLanes } from "./cancel.ts";
import { type FanoutFrame, type Frame, frameKey, type Scope } from "./frame.ts";
import { done, enter, fail, type Move, WAIT } from "./move.ts";
import type { FanoutOperation } from "./operation.ts";
import type { RunState } from "./run-state.ts";

/** How a lane ended. */
export type LaneEnd = { readonly value: Json; readonly depth: number } | { readonly error: FlowError };

/** Evaluates the items and has the lanes started. */
export const enterFanout = (
  run: RunState,
  operation: FanoutOperation,
  parent: Frame | undefined,
  scope: Scope,
): Move => {
  const { ctx } = scope;
  const items = ctx.release(run.evaluate(operation.items.evaluate, operation, parent, scope));
  if (!Array.isArray(items)) {
    throw typeError("fanout.items", `expected array, got ${renderJson(items)}`, `${operation.pointer}/items`);
  }
  const { maxFanout } = run.program.limits;
  if (items.length > maxFanout) {
    throw limitExceeded("maxFanout", maxFanout, `a fanout over ${items.length} items has too many lanes`);
  }
  const itemDepth = Math.max(0, operation.items.depth(items, ctx.depth) - 1);
  const frame: FanoutFrame = {
    kind: "fanout",
    operation,
    parent,
    scope,
    key: undefined,
    pending: { items, itemDepth, base: ctx.snapshot() },
    width: items.length,
    started: 0,
    lanes: new Map(),
    order: [],
    results: [],
    resultDepth: 0,
    lastError: undefined,
    closed: false,
  };
  if (items.length === 0) {
    const { join } = operation;
    if (join === "any" || join === "race") throw typeError(`fanout.${join}`, "requires at least one item");
    return joinLanes(run, frame, [], 1);
  }
  scope.waiting = frame;
  run.starting.push(frame);
  return WAIT;
};

/** Starts the next lane of a fanout that is starting, or takes it off `run.starting` where there is none to start now. */
export const startLane = (run: RunState, frame: FanoutFrame): Move => {
  const { pending, started } = frame;
  const oneAtATime = run.lanes === "in_turn" && frame.lanes.size > 0;
  if (pending === undefined || frame.closed || oneAtATime) {
    run.starting.pop();
    return WAIT;
  }
  const { bind, body } = frame.operation;
  const lane: Scope = {
    ctx: run.newCtx(pending.base),
    lane: { fanout: frame, index: started },
    waiting: undefined,
  };
  try {
    if (bind === undefined) throw notAPath("bind");
    lane.ctx.write(bind, pending.items[started] as Json, pending.itemDepth);
  } catch (error) {
    close(run, frame);
    throw error;
  }
  frame.lanes.set(started, lane);
  frame.started += 1;
  if (frame.started === frame.width) frame.pending = undefined;
  return enter(body, undefined, lane);
};

/** Settles a lane, and joins where that decides the fanout. Throws FlowError where the result cannot be written. */
export const settleLane = (run: RunState, frame: FanoutFrame, index: number, end: LaneEnd): Move => {
  frame.lanes.delete(index);
  frame.order.push(index);
  const all = frame.order.length === frame.width;
  const { join } = frame.operation;
  switch (join) {
    case "all":
      if ("error" in end) return giveUp(run, frame, end.error);
      keep(frame, index, end.value, end.depth);
      return all ? joinLanes(run, frame, frame.results, frame.resultDepth + 1) : goOn(run, frame);
    case "all_settled":
      if ("error" in end) keep(frame, index, { status: "rejected", reason: end.error.message }, 1);
      else keep(frame, index, { status: "fulfilled", value: end.value }, end.depth + 1);
      return all ? joinLanes(run, frame, frame.results, frame.resultDepth + 1) : goOn(run, frame);
    case "any":
      if ("value" in end) return joinLanes(run, frame, end.value, end.depth, index);
      frame.lastError = end.error;
      return all ? giveUp(run, frame, end.error) : goOn(run, frame);
    case "race":
      if ("error" in end) return giveUp(run, frame, end.error, index);
      return joinLanes(run, frame, end.value, end.depth, index);
    default:
      return assertNever(join);
  }
};

const keep = (frame: FanoutFrame, index: number, result: Json, depth: number): void => {
  frame.results[index] = result;
  frame.resultDepth = Math.max(frame.resultDepth, depth);
};

const goOn = (run: RunState, frame: FanoutFrame): Move => {
  if (run.lanes === "in_turn" && frame.pending !== undefined) run.starting.push(frame);
  return WAIT;
};

const joinLanes = (run: RunState, frame: FanoutFrame, result: Json, depth: number, winner?: number): Move => {
  announceJoin(run, frame, winner);
  const { operation, parent, scope } = frame;
  if (operation.out === undefined) throw notAPath("out");
  scope.ctx.write(operation.out, result, depth);
  return done(parent, scope);
};

const giveUp = (run: RunState, frame: FanoutFrame, error: FlowError, winner?: number): Move => {
  announceJoin(run, frame, winner);
  return fail(frame.parent, frame.scope, error);
};

const announceJoin = (run: RunState, frame: FanoutFrame, winner: number | undefined): void => {
  run.events.push({
    kind: "joined",
    key: stepKey(frameKey(frame)),
    join: frame.operation.join,
    ...(winner === undefined ? {} : { winner }),
    order: frame.order,
  });
  close(run, frame);
};

const close = (run: RunState, frame: FanoutFrame): void => {
  frame.scope.waiting = undefined;
  cancelLanes(run, frame);
};
