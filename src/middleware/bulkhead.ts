/**
 * The bulkhead layer: bounds the attempts of an agent that are under way and that wait, on this host and for this
 * Blueprint version, and refuses more.
 */
import { type BulkheadPolicy, BulkheadRejectedError, bulkhead as bulkheadPolicy } from "cockatiel";
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer } from "../engine/index.ts";
import { refusal } from "./errors.ts";
import { perAgent } from "./per-agent.ts";
import { untilAborted } from "./until-aborted.ts";

/** The layer, with places for each agent. */
export function bulkhead({ limit, queue = 0 }: NonNullable<LayerOptions["bulkhead"]>): SpawnerLayer {
  const placesOf = perAgent<BulkheadPolicy>(() => bulkheadPolicy(limit, queue));
  return function bulkheadLayer(next) {
    return async (call) => {
      let waits = true;
      const run = placesOf(call.agent).execute(() => {
        waits = false;
        return next(call);
      }, call.signal);
      try {
        return (await untilAborted(run, call.signal, () => waits)) ?? { kind: "cancelled" };
      } catch (cause) {
        if (call.signal.aborted) return { kind: "cancelled" };
        if (!(cause instanceof BulkheadRejectedError)) throw cause;
        const message = `agent '${call.agent}' has ${limit} attempts under way and ${queue} that wait, as many as it may`;
        return refusal("bulkhead_full", message, true);
      }
    };
  };
}
