/**
 * The state of a run: scopes, frames and leaves. Plain mutable data; what moves it is beside it, one file a node kind.
 *
 * A *scope* is a ctx and the one thread that works on it: the whole flow, or one lane of a fanout. A *frame* is a
 * composite node the thread is inside of; frames point outwards. A thread that cannot go on waits at a *leaf* (a step
 * without an outcome) or at a fanout.
 */
import type { Ctx, CtxSnapshot } from "../ctx.ts";
import type { FlowError } from "../error.ts";
import type { Json } from "../json.ts";
import { joinKey, type StepKey, stepKey } from "../step-key.ts";
import type { FanoutOperation, LoopOperation, SeqOperation, StepOperation, TryOperation } from "./operation.ts";
import type { StepRequest } from "./step-request.ts";

/** A ctx and its thread. */
export interface Scope {
  readonly ctx: Ctx;
  /** The lane it is; absent for the whole flow. */
  readonly lane?: { readonly fanout: FanoutFrame; readonly index: number };
  /** What the thread waits for; absent while it runs and once it has ended. */
  waiting: Leaf | FanoutFrame | undefined;
}

interface FrameBase {
  readonly parent: Frame | undefined;
  readonly scope: Scope;
  /** Key of this execution of the node, once somebody asked: see `frameKey`. */
  key: string | undefined;
}

/** Inside a seq. */
export interface SeqFrame extends FrameBase {
  readonly kind: "seq";
  readonly operation: SeqOperation;
  /** Index of the child that runs. */
  child: number;
}

/** Inside a loop. */
export interface LoopFrame extends FrameBase {
  readonly kind: "loop";
  readonly operation: LoopOperation;
  /** Completed turns, which is also the number of the turn that runs. */
  turn: number;
  /** Extern calls its condition has made in all turns so far. */
  externCalls: number;
}

/** Inside the body of a try. */
export interface TryFrame extends FrameBase {
  readonly kind: "try";
  readonly operation: TryOperation;
  readonly before: CtxSnapshot;
}

/** A fanout whose lanes run. It is never the parent of a frame: its lanes' frames end at their scope. */
export interface FanoutFrame extends FrameBase {
  readonly kind: "fanout";
  readonly operation: FanoutOperation;
  /** What lanes that are not started yet start from; emptied when all are. */
  pending: { readonly items: readonly Json[]; readonly itemDepth: number; readonly base: CtxSnapshot } | undefined;
  readonly width: number;
  started: number;
  /** Lanes that run, by index. */
  readonly lanes: Map<number, Scope>;
  /** Lanes that have settled, in the order they did. */
  readonly order: number[];
  /** Results by lane, for the joins that keep them all. */
  readonly results: Json[];
  /** Bound on the depth of `results`' elements. */
  resultDepth: number;
  lastError: FlowError | undefined;
  /** Joined, failed or cancelled: nothing that happens below it counts any more. */
  closed: boolean;
}

/** A frame that can enclose another. */
export type Frame = SeqFrame | LoopFrame | TryFrame;

/** A step without an outcome. */
export interface Leaf {
  readonly kind: "leaf";
  readonly operation: StepOperation;
  readonly parent: Frame | undefined;
  readonly scope: Scope;
  /** How many dispatches came before it in the run. */
  readonly serial: number;
  readonly request: StepRequest;
  /** Whether the driver has seen the request. */
  announced: boolean;
}

/** Key of a frame's node execution, in joined form (empty for the root). Computed when first asked for. */
export const frameKey = (frame: Frame | FanoutFrame): string => {
  frame.key ??= childKey(frame.parent, frame.scope, frame.operation.label);
  return frame.key;
};

/** Key of a node below a frame, or directly in a scope, in joined form. */
export const childKey = (parent: Frame | undefined, scope: Scope, label: string): string => {
  if (parent === undefined) {
    const { lane } = scope;
    return lane === undefined ? label : joinKey(joinKey(frameKey(lane.fanout), `@${lane.index}`), label);
  }
  const key = frameKey(parent);
  return joinKey(parent.kind === "loop" ? joinKey(key, `~${parent.turn}`) : key, label);
};

/** Key of a node execution as it is shown. */
export const executionKey = (parent: Frame | undefined, scope: Scope, label: string): StepKey =>
  stepKey(childKey(parent, scope, label));
