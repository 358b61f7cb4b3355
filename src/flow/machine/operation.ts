/**
 * Operations: the nodes of a program as the machine runs them, with expressions compiled and places known.
 *
 * `label` is the node's part of a step key below the nearest frame that encloses it: branches keep no frame, so an arm's
 * label is `2.then`; loop bodies and lanes are named by their turn or lane alone, so their label is empty.
 */
import type { Evaluate } from "../evaluate/evaluation.ts";
import type { Json } from "../json.ts";
import type { FlowPath } from "../path.ts";
import type { ProgramStep } from "../program-step.ts";
import type { JoinMode } from "../wire.ts";

/** What every operation knows of its place. */
interface Place {
  /** Position in the program, in document order, from 0. */
  readonly index: number;
  readonly nodePath: string;
  readonly pointer: string;
  readonly label: string;
}

/** A value that may become part of a ctx: how to evaluate it, and the most it can be nested. */
export interface CompiledValue {
  readonly evaluate: Evaluate;
  /** Bound on the depth of a value this gave, in a ctx of the given depth. */
  depth(value: Json, ctxDepth: number): number;
}

/** A write target, `undefined` where the document has something other than a path, which fails when it is used. */
export type Target = FlowPath | undefined;

export interface StepOperation extends Place {
  readonly kind: "step";
  readonly step: ProgramStep;
  readonly input: Evaluate;
  readonly out: Target;
}

export interface SeqOperation extends Place {
  readonly kind: "seq";
  readonly children: readonly Operation[];
}

export interface BranchOperation extends Place {
  readonly kind: "branch";
  readonly cond: Evaluate;
  readonly onTrue: Operation;
  readonly onFalse: Operation;
}

export interface FanoutOperation extends Place {
  readonly kind: "fanout";
  readonly items: CompiledValue;
  readonly bind: Target;
  readonly body: Operation;
  readonly join: JoinMode;
  readonly out: Target;
}

export interface LoopOperation extends Place {
  readonly kind: "loop";
  readonly counter: Target;
  readonly cond: Evaluate;
  readonly body: Operation;
  readonly max: number;
}

export interface TryOperation extends Place {
  readonly kind: "try";
  readonly body: Operation;
  readonly catch: Operation;
  /** Absent where the error's text is not kept. */
  readonly errAt?: { readonly target: Target };
}

export interface LetOperation extends Place {
  readonly kind: "let";
  readonly at: Target;
  readonly value: CompiledValue;
}

/** Every operation. */
export type Operation =
  | StepOperation
  | SeqOperation
  | BranchOperation
  | FanoutOperation
  | LoopOperation
  | TryOperation
  | LetOperation;
