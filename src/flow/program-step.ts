/**
 * A step node of a program and its place: what a dispatch is told about where it comes from.
 */
import type { StepNode } from "./node.ts";

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
