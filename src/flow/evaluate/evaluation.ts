/**
 * What a compiled expression is, and what it may see: one ctx, the host functions, and nothing else.
 */
import type { FlowError } from "../error.ts";
import type { Json } from "../json.ts";
import type { WorkMeter } from "../work-meter.ts";

/** The world of one evaluation. */
export interface Evaluation {
  /** The whole ctx. Values read from it are the evaluator's own until they are handed out. */
  readonly ctx: Json;
  /** Told of every value that is looked at beyond a fixed few. */
  readonly meter: WorkMeter;
  /** Calls a host function with values that are handed out, and answers a value that is JSON within bounds. */
  callExtern(ref: string, args: readonly Json[]): Json;
}

/** A compiled expression. Throws FlowError. */
export type Evaluate = (world: Evaluation) => Json;

/** Only `null` and `false` are falsy. */
export const isTruthy = (value: Json): boolean => value !== null && value !== false;

/** Whether an error is a missing path, the only one `exists` turns into an answer. */
export const isMissing = (error: FlowError): boolean => error.kind === "path_not_found";
