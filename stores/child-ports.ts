/** Persistence of what binds child runs to the steps they were started for; part of ports.ts, which gives it out. */
import type { CallOptions } from "./ports.ts";

/** The attempt of the parent's that a child run was started for. */
export interface ParentStep {
  readonly key: string;
  readonly attempt: number;
}

/** Which ids: after `after` in the order of their runs' age, equal times by id, at most `limit`. */
export interface LinkQuery {
  readonly limit: number;
  /** An id that is not here has none after it. */
  readonly after?: string;
}

/**
 * Where a child's end has not reached its parent, and where a parent's end has not reached its child: what a crash leaves
 * between two journals. An attempt is over where the parent's journal has its end, or a later attempt of its step.
 */
export interface ChildStore {
  /** Waiting runs with a child that has ended, though the attempt it was started for is not over. */
  answered(query: LinkQuery, options?: CallOptions): Promise<readonly string[]>;
  /** Runs that have not ended, though the attempt they were started for is over, or its run has ended. */
  orphaned(query: LinkQuery, options?: CallOptions): Promise<readonly string[]>;
}
