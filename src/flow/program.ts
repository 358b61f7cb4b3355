import type { FlowError } from "./error.ts";
import type { FlowLimits } from "./limits.ts";
import type { FlowNode, StepNode } from "./node.ts";

/** One step node of a program. */
export interface ProgramStep {
  /** Position among the program's steps, in document order, from 0. */
  readonly index: number;
  /** Path of the node, e.g. `2.body.0`; `root` where the step is the whole flow. */
  readonly nodePath: string;
  /** JSON pointer below the flow document, e.g. `/children/2/body/children/0`. */
  readonly pointer: string;
  /** Name of the agent. */
  readonly ref: string;
  readonly node: StepNode;
}

/** A flow ready to run: expressions compiled, places known. Immutable, shared by any number of machines. */
export interface FlowProgram {
  readonly root: FlowNode;
  readonly steps: readonly ProgramStep[];
  readonly limits: FlowLimits;
}

/** Compiles a decoded flow. Throws FlowError `limit_exceeded` or `invalid_limit`. */
export declare function compileFlow(node: FlowNode, limits?: Partial<FlowLimits>): FlowProgram;
export type { FlowError };
