/**
 * One run: everything a machine holds, and how its expressions are evaluated.
 *
 * Owns: the counters, the open leaves, the events not yet taken, the world expressions see. Moves nothing.
 */
import { Ctx, type CtxSnapshot } from "../ctx.ts";
import type { FlowError } from "../error.ts";
import type { Evaluate, Evaluation } from "../evaluate/evaluation.ts";
import { callHostFunction } from "../evaluate/extern-call.ts";
import type { Externs } from "../externs.ts";
import type { Json } from "../json.ts";
import type { FlowProgram } from "../program.ts";
import { stepKey } from "../step-key.ts";
import { WorkMeter } from "../work-meter.ts";
import { childKey, type FanoutFrame, type Frame, type Leaf, type Scope } from "./frame.ts";
import type { Operation } from "./operation.ts";
import type { FlowEvent } from "./step-request.ts";

/** When the lanes of a fanout start: all at once, or each when the one before it has settled. */
export type LaneOrder = "together" | "in_turn";

/** An event not yet taken: as the driver will see it, or a leaf that is announced if it is still open by then. */
export type QueuedEvent = Exclude<FlowEvent, { kind: "step" }> | Leaf;

/** Where a run stands. */
export type RunStatus = "running" | "completed" | "failed";

/** The state of a run. */
export class RunState {
  readonly program: FlowProgram;
  readonly externs: Externs;
  readonly lanes: LaneOrder;
  readonly meter: WorkMeter;
  readonly root: Scope;
  status: RunStatus = "running";
  error: FlowError | undefined;
  /** Steps dispatched so far. */
  dispatched = 0;
  /** Steps without an outcome, by key, in the order they were wanted. */
  readonly leaves = new Map<string, Leaf>();
  events: QueuedEvent[] = [];
  /** Fanouts with lanes to start, innermost last. Empty between two hand-ins. */
  readonly starting: FanoutFrame[] = [];
  readonly #world: World;

  constructor(program: FlowProgram, ctx: CtxSnapshot, externs: Externs, lanes: LaneOrder) {
    this.program = program;
    this.externs = externs;
    this.lanes = lanes;
    this.meter = new WorkMeter(program.limits.maxTransitions);
    this.root = { ctx: this.newCtx(ctx), waiting: undefined };
    this.#world = new World(this);
  }

  /** A ctx for a scope of this run. */
  newCtx(snapshot: CtxSnapshot): Ctx {
    return new Ctx(snapshot, this.program.limits.maxCtxDepth, this.meter);
  }

  /** Evaluates an expression of `operation`. What it answers is not released yet. `made` is how many externs ran before. */
  evaluate(evaluate: Evaluate, operation: Operation, parent: Frame | undefined, scope: Scope, made = 0): Json {
    this.#world.enter(operation, parent, scope, made);
    return evaluate(this.#world);
  }

  /** Extern calls of the node execution that was evaluated last, those before it included. */
  get externCalls(): number {
    return this.#world.externCalls;
  }
}

/** What expressions see. One object a run, pointed at one node execution after another. */
class World implements Evaluation {
  readonly meter: WorkMeter;
  externCalls = 0;
  readonly #run: RunState;
  #operation: Operation;
  #parent: Frame | undefined;
  #scope: Scope;

  constructor(run: RunState) {
    this.#run = run;
    this.meter = run.meter;
    this.#operation = run.program.operations[0] as Operation;
    this.#scope = run.root;
  }

  enter(operation: Operation, parent: Frame | undefined, scope: Scope, externCalls: number): void {
    this.#operation = operation;
    this.#parent = parent;
    this.#scope = scope;
    this.externCalls = externCalls;
  }

  get ctx(): Json {
    return this.#scope.ctx.value;
  }

  callExtern(ref: string, args: readonly Json[]): Json {
    for (const arg of args) this.#scope.ctx.release(arg);
    const key = stepKey(childKey(this.#parent, this.#scope, this.#operation.label));
    const site = { key, ordinal: this.externCalls };
    this.externCalls += 1;
    return callHostFunction(this.#run.externs, ref, args, site, this.#run.program.limits, this.meter);
  }
}
