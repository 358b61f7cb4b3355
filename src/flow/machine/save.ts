/**
 * The saved form of a run, and writing it. Reading it back is restore.ts.
 *
 * Nodes are named by their path, keys are computed again from frames, and values are the machine's own, which never
 * change. A ctx is saved once a scope, so what lanes share is written once a lane.
 */
import type { CtxSnapshot } from "../ctx.ts";
import type { Json, JsonObject } from "../json.ts";
import type { FanoutFrame, Frame, Leaf, Scope } from "./frame.ts";
import type { QueuedEvent, RunState } from "./run-state.ts";
import { checkLeaving } from "./step.ts";

/** The version of the saved form that is written. */
export const SAVED_VERSION = 1;

/** Writes a run. */
export const saveRun = (run: RunState): JsonObject => ({
  v: SAVED_VERSION,
  lanes: run.lanes,
  status: run.status,
  error: run.error === undefined ? null : run.error.toJson(),
  dispatched: run.dispatched,
  events: run.events.filter((event) => event.kind !== "leaf" || isOpen(run, event)).map(saveEvent),
  root: saveScope(run, run.root),
});

const isOpen = (run: RunState, leaf: Leaf): boolean => run.leaves.get(leaf.request.key) === leaf;

const saveEvent = (event: QueuedEvent): JsonObject =>
  event.kind === "leaf" ? { kind: "step", key: event.request.key } : { ...event };

const saveSnapshot = (run: RunState, snapshot: CtxSnapshot): Json => {
  checkLeaving(run, snapshot.value, "a ctx to save");
  return snapshot.value;
};

const saveScope = (run: RunState, scope: Scope): JsonObject => {
  const { waiting } = scope;
  const frames: JsonObject[] = [];
  for (let frame = waiting?.parent; frame !== undefined; frame = frame.parent) frames.push(saveFrame(run, frame));
  return {
    ctx: saveSnapshot(run, scope.ctx.snapshot()),
    frames: frames.reverse(),
    waiting: waiting === undefined ? null : waiting.kind === "leaf" ? saveLeaf(waiting) : saveFanout(run, waiting),
  };
};

const saveFrame = (run: RunState, frame: Frame): JsonObject => {
  const at = frame.operation.nodePath;
  switch (frame.kind) {
    case "seq":
      return { at, child: frame.child };
    case "loop":
      return { at, turn: frame.turn, externs: frame.externCalls };
    case "try":
      return { at, before: saveSnapshot(run, frame.before) };
  }
};

const saveLeaf = (leaf: Leaf): JsonObject => ({
  at: leaf.operation.nodePath,
  serial: leaf.serial,
  announced: leaf.announced,
  input: leaf.request.input,
});

const saveFanout = (run: RunState, fanout: FanoutFrame): JsonObject => ({
  at: fanout.operation.nodePath,
  width: fanout.width,
  started: fanout.started,
  order: fanout.order.slice(),
  results: Object.keys(fanout.results).map((index) => [Number(index), fanout.results[Number(index)] as Json]),
  error: fanout.lastError === undefined ? null : fanout.lastError.toJson(),
  lanes: [...fanout.lanes].map(([index, lane]) => [index, saveScope(run, lane)]),
  pending:
    fanout.pending === undefined
      ? null
      : { items: fanout.pending.items, before: saveSnapshot(run, fanout.pending.base) },
});
