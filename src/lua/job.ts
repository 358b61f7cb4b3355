/**
 * A job: one accepted invocation on its way through the pool.
 *
 * Owns: what is remembered of it between its stretches.
 * Does not own: where it runs (pool-thread.ts), what becomes of it (pool.ts).
 */
import type { Answer, Parked, Start } from "./execution.ts";
import type { LuaImage, LuaInvocation, LuaResult } from "./invocation.ts";
import type { LuaLimits } from "./limits.ts";
import type { ImageId } from "./protocol.ts";

/** What the next stretch starts from. */
export type JobStep = { readonly start: Start } | { readonly parked: Parked; readonly answer: Answer };

/** One accepted invocation. */
export interface Job {
  readonly invocation: LuaInvocation;
  readonly image: LuaImage;
  readonly imageId: ImageId;
  readonly limits: LuaLimits;
  readonly resolve: (result: LuaResult) => void;
  readonly reject: (error: Error) => void;
  /** Aborted when the job ends, so that a host call it waits for can stop. Made when first needed. */
  hostCalls?: AbortController;
  /** Takes the listener off the invocation's signal. */
  detach?: () => void;
  step: JobStep;
  /** About how large `step` is on its way to a thread, the memory of a parked script aside. */
  inputBytes: number;
  printed: string[];
  /** Set when the caller has its answer: whatever still happens to the job is ignored. */
  settled: boolean;
}
