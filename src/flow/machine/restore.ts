/**
 * Restoring a run from its saved form (save.ts). The form is not trusted: every node, number and value in it is checked
 * against the program before anything runs.
 */
import type { CtxSnapshot } from "../ctx.ts";
import { FlowError } from "../error.ts";
import type { Externs } from "../externs.ts";
import type { Json, JsonObject } from "../json.ts";
import { inspectJson } from "../json-inspect.ts";
import type { FlowProgram } from "../program.ts";
import { JOIN_MODES } from "../wire.ts";
import { executionKey, type FanoutFrame, type Frame, type Leaf, type Scope } from "./frame.ts";
import type { Operation } from "./operation.ts";
import { type QueuedEvent, RunState } from "./run-state.ts";
import { SAVED_VERSION } from "./save.ts";
import { field, misfit, readArray, readCount, readObject, readOneOf, readPairs, readString } from "./saved-reader.ts";

/** Reads a run. Throws FlowError `invalid_state`. */
export const restoreRun = (program: FlowProgram, saved: Json, externs: Externs): RunState => {
  const top = readObject(saved, "it");
  const version = field(top, "v");
  if (version !== SAVED_VERSION) throw misfit(`version ${JSON.stringify(version)}, this host reads ${SAVED_VERSION}`);
  const root = readObject(field(top, "root"), "'root'");
  const lanes = readOneOf(field(top, "lanes"), ["together", "in_turn"], "'lanes'");
  const run = new RunState(program, snapshotOf(program, field(root, "ctx")), externs, lanes);
  run.status = readOneOf(field(top, "status"), ["running", "completed", "failed"], "'status'");
  run.error = errorOf(field(top, "error"));
  run.dispatched = readCount(field(top, "dispatched"), "'dispatched'", program.limits.maxSteps);
  if ((run.status === "failed") !== (run.error !== undefined)) throw misfit("'status' and 'error' disagree");
  const restorer = new Restorer(run);
  restorer.scope(root, run.root, program.operations[0] as Operation);
  if ((run.status === "running") !== (run.root.waiting !== undefined)) throw misfit("'status' and 'waiting' disagree");
  restorer.openLeaves();
  run.events = readArray(field(top, "events"), "'events'").map((event) =>
    restorer.event(readObject(event, "an event")),
  );
  return run;
};

const errorOf = (saved: Json): FlowError | undefined => {
  if (saved === null) return undefined;
  const error = FlowError.fromJson(saved);
  if (error === undefined) throw misfit("'error' is not an error");
  return error;
};

const snapshotOf = (program: FlowProgram, value: Json): CtxSnapshot => ({ value, depth: depthOf(program, value) });

const depthOf = (program: FlowProgram, value: Json): number => {
  const inspection = inspectJson(value, program.limits);
  if ("depth" in inspection) return inspection.depth;
  throw misfit(`a value is ${inspection.problem.message}`);
};

type OperationOf<Kind extends Operation["kind"]> = Extract<Operation, { kind: Kind }>;

class Restorer {
  readonly #run: RunState;
  readonly #program: FlowProgram;
  readonly #byPath: ReadonlyMap<string, Operation>;
  readonly #leaves: Leaf[] = [];

  constructor(run: RunState) {
    this.#run = run;
    this.#program = run.program;
    this.#byPath = new Map(this.#program.operations.map((operation) => [operation.nodePath, operation]));
  }

  /** Rebuilds the thread of a scope, which is somewhere inside `outermost`. */
  scope(saved: JsonObject, scope: Scope, outermost: Operation): void {
    const waiting = field(saved, "waiting");
    let parent: Frame | undefined;
    let inside = outermost;
    for (const entry of readArray(field(saved, "frames"), "'frames'")) {
      const frame = this.#frame(readObject(entry, "a frame"), parent, scope, inside);
      parent = frame;
      inside = frame.operation;
    }
    if (waiting === null) {
      if (parent !== undefined) throw misfit("a thread is inside a node and waits for nothing");
      return;
    }
    const at = readObject(waiting, "'waiting'");
    scope.waiting =
      this.#operation(at, inside).kind === "fanout"
        ? this.#fanout(at, parent, scope, inside)
        : this.#leaf(at, parent, scope, inside);
  }

  /** Opens the leaves that were found, in the order they were wanted. */
  openLeaves(): void {
    for (const leaf of this.#leaves.sort((a, b) => a.serial - b.serial)) {
      const { key } = leaf.request;
      if (this.#run.leaves.has(key)) throw misfit(`two open steps have the key '${key}'`);
      this.#run.leaves.set(key, leaf);
    }
  }

  /** An event that was not taken. */
  event(saved: JsonObject): QueuedEvent {
    const kind = readOneOf(field(saved, "kind"), ["step", "cancel", "joined"], "an event's 'kind'");
    if (kind === "cancel") {
      return { kind, keys: readArray(field(saved, "keys"), "'keys'").map((key) => readString(key, "a key")) };
    }
    const key = readString(field(saved, "key"), "'key'");
    if (kind === "step") {
      const leaf = this.#run.leaves.get(key);
      if (leaf === undefined) throw misfit(`no open step has the key '${key}'`);
      return leaf;
    }
    const winner = saved["winner"];
    return {
      kind,
      key,
      join: readOneOf(field(saved, "join"), JOIN_MODES, "'join'"),
      ...(winner === undefined ? {} : { winner: readCount(winner, "'winner'") }),
      order: readArray(field(saved, "order"), "'order'").map((lane) => readCount(lane, "a lane")),
    };
  }

  #operation(saved: JsonObject, inside: Operation): Operation {
    const path = readString(field(saved, "at"), "'at'");
    const operation = this.#byPath.get(path);
    if (operation === undefined) throw misfit(`there is no node ${path}`);
    // The flow itself encloses every node; any other node encloses those whose path begins with its own.
    const outer = inside.nodePath;
    if (inside.index !== 0 && path !== outer && !path.startsWith(`${outer}.`)) {
      throw misfit(`node ${path} is not inside ${outer}`);
    }
    return operation;
  }

  #operationOf<Kind extends Operation["kind"]>(saved: JsonObject, inside: Operation, kind: Kind): OperationOf<Kind> {
    const operation = this.#operation(saved, inside);
    if (operation.kind !== kind) throw misfit(`node ${operation.nodePath} is a ${operation.kind}, not a ${kind}`);
    return operation as OperationOf<Kind>;
  }

  #frame(saved: JsonObject, parent: Frame | undefined, scope: Scope, inside: Operation): Frame {
    const base = { parent, scope, key: undefined };
    const { kind } = this.#operation(saved, inside);
    switch (kind) {
      case "seq": {
        const operation = this.#operationOf(saved, inside, kind);
        const child = readCount(field(saved, "child"), "'child'", operation.children.length - 1);
        return { kind, operation, ...base, child };
      }
      case "loop": {
        const operation = this.#operationOf(saved, inside, kind);
        const turn = readCount(field(saved, "turn"), "'turn'", operation.max);
        return { kind, operation, ...base, turn, externCalls: readCount(field(saved, "externs"), "'externs'") };
      }
      case "try": {
        const operation = this.#operationOf(saved, inside, kind);
        return { kind, operation, ...base, before: snapshotOf(this.#program, field(saved, "before")) };
      }
      default:
        throw misfit(`a ${kind} cannot enclose anything`);
    }
  }

  #leaf(saved: JsonObject, parent: Frame | undefined, scope: Scope, inside: Operation): Leaf {
    const operation = this.#operationOf(saved, inside, "step");
    const { step, label } = operation;
    const input = field(saved, "input");
    depthOf(this.#program, input);
    const key = executionKey(parent, scope, label);
    const leaf: Leaf = {
      kind: "leaf",
      operation,
      parent,
      scope,
      serial: readCount(field(saved, "serial"), "'serial'", this.#run.dispatched - 1),
      request: Object.freeze({ key, step, ref: step.ref, input }),
      announced: field(saved, "announced") === true,
    };
    this.#leaves.push(leaf);
    return leaf;
  }

  #fanout(saved: JsonObject, parent: Frame | undefined, scope: Scope, inside: Operation): FanoutFrame {
    const operation = this.#operationOf(saved, inside, "fanout");
    const width = readCount(field(saved, "width"), "'width'", this.#program.limits.maxFanout);
    const frame: FanoutFrame = {
      kind: "fanout",
      operation,
      parent,
      scope,
      key: undefined,
      pending: this.#pendingLanes(field(saved, "pending"), width),
      width,
      started: readCount(field(saved, "started"), "'started'", width),
      lanes: new Map(),
      order: readArray(field(saved, "order"), "'order'").map((lane) => readCount(lane, "a lane", width - 1)),
      results: [],
      resultDepth: 0,
      lastError: errorOf(field(saved, "error")),
      closed: false,
    };
    for (const [index, result] of readPairs(field(saved, "results"), "'results'", width)) {
      frame.results[index] = result;
      frame.resultDepth = Math.max(frame.resultDepth, depthOf(this.#program, result));
    }
    for (const [index, lane] of readPairs(field(saved, "lanes"), "'lanes'", width)) {
      const entry = readObject(lane, "a lane");
      const ctx = this.#run.newCtx(snapshotOf(this.#program, field(entry, "ctx")));
      const laneScope: Scope = { ctx, lane: { fanout: frame, index }, waiting: undefined };
      this.scope(entry, laneScope, operation.body);
      if (laneScope.waiting === undefined) throw misfit(`lane ${index} of ${operation.nodePath} waits for nothing`);
      frame.lanes.set(index, laneScope);
    }
    this.#checkFanout(frame);
    return frame;
  }

  #pendingLanes(saved: Json, width: number): FanoutFrame["pending"] {
    if (saved === null) return undefined;
    const pending = readObject(saved, "'pending'");
    const items = readArray(field(pending, "items"), "'items'");
    if (items.length !== width) throw misfit("'items' and 'width' disagree");
    const itemDepth = Math.max(0, depthOf(this.#program, items) - 1);
    return { items, itemDepth, base: snapshotOf(this.#program, field(pending, "before")) };
  }

  #checkFanout(frame: FanoutFrame): void {
    const lanes = new Set([...frame.lanes.keys(), ...frame.order]);
    const all = lanes.size === frame.lanes.size + frame.order.length && lanes.size === frame.started;
    const waits = frame.lanes.size > 0 && (frame.pending === undefined) === (frame.started === frame.width);
    if (!all || !waits) throw misfit(`the lanes of ${frame.operation.nodePath} do not add up`);
  }
}
