/**
 * Bounds on documents and runs: everything that data or an author could make grow is bounded by default.
 *
 * Owns: the limits, their defaults and ceilings. The places that enforce them are named in each comment.
 */
import { FlowError } from "./error.ts";

/** Bounds of a flow document and of a run of it. All are counts. */
export interface FlowLimits {
  /** Levels of nodes and expressions nested in a document (decode, compile). */
  readonly maxDepth: number;
  /** Nodes and expressions in a document (decode, compile). */
  readonly maxNodes: number;
  /** Characters of a path text (decode). */
  readonly maxPathLength: number;
  /** Dispatches of a run. */
  readonly maxSteps: number;
  /** Nodes entered between two suspensions of a run (work-meter.ts); what stops an endless loop without steps. */
  readonly maxTransitions: number;
  /** Lanes of one fanout. */
  readonly maxFanout: number;
  /** Levels of nesting of a ctx, and of a value that enters a run. */
  readonly maxCtxDepth: number;
  /** JSON values in a value that enters or leaves a run: literal, outcome, step input, extern result, final ctx. */
  readonly maxValues: number;
}

/** What holds where nothing is said. */
export const DEFAULT_LIMITS: FlowLimits = Object.freeze({
  maxDepth: 1024,
  maxNodes: 500_000,
  maxPathLength: 8192,
  maxSteps: 1_000_000,
  maxTransitions: 2_000_000,
  maxFanout: 100_000,
  maxCtxDepth: 512,
  maxValues: 10_000_000,
});

/** What may be asked for at most: depths are bounded by the stack of the JavaScript engine, the rest by exact integers. */
const CEILINGS: FlowLimits = Object.freeze({
  maxDepth: 2048,
  maxNodes: 100_000_000,
  maxPathLength: 1_000_000,
  maxSteps: Number.MAX_SAFE_INTEGER,
  maxTransitions: Number.MAX_SAFE_INTEGER,
  maxFanout: 10_000_000,
  maxCtxDepth: 2048,
  maxValues: Number.MAX_SAFE_INTEGER,
});

const limitNames = Object.keys(DEFAULT_LIMITS) as (keyof FlowLimits)[];

/** The defaults with `limits` over them. Throws FlowError `invalid_limit` for a limit that is no integer in its range. */
export const resolveLimits = (limits: Partial<FlowLimits> = {}): FlowLimits => {
  const resolved = { ...DEFAULT_LIMITS };
  for (const name of limitNames) {
    const asked = limits[name];
    if (asked === undefined) continue;
    if (!Number.isSafeInteger(asked) || asked < 1 || asked > CEILINGS[name]) {
      throw new FlowError(
        "invalid_limit",
        `limit ${name} must be an integer from 1 to ${CEILINGS[name]}, not ${asked}`,
        {
          details: { limit: name, ceiling: CEILINGS[name] },
        },
      );
    }
    Object.assign(resolved, { [name]: asked });
  }
  return resolved;
};
