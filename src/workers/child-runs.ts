/**
 * What a swarm agent's step asks of its host, and what comes back: the contract between the swarm worker and whoever runs
 * child runs (src/host-children.ts), which implements `ChildRuns`.
 */
import type { SwarmTarget } from "../blueprint/compiled.ts";
import type { StepCall } from "../engine/index.ts";
import type { Json, JsonObject } from "../flow/index.ts";

/** One child run. */
export interface ChildOrder {
  readonly target: SwarmTarget;
  /** Merged over the child's `default_init_ctx`. */
  readonly input: JsonObject;
}

/** How a child run ended. */
export type ChildEnd = { readonly runId: string } & (
  | { readonly status: "done"; readonly ctx: Json }
  | { readonly status: "failed"; readonly message: string }
  | { readonly status: "cancelled"; readonly reason: string }
  /** It was put aside, or removed before its end was taken. */
  | { readonly status: "lost"; readonly message: string }
);

/** The child runs of a host. */
export interface ChildRuns {
  /**
   * Has a child run do an attempt, and waits for its end, resting meanwhile. The same attempt again is the same child.
   * Rejects with WorkerError where no child can be started, and with the reason of `call.signal` once that is aborted: the
   * child has been cancelled by then, unless the reason is `parked`.
   * @param order Asked for only where there is no child yet; throws WorkerError.
   */
  see(call: StepCall, order: () => ChildOrder): Promise<ChildEnd>;
}
