/** The bulkhead layer: bounds the attempts of an agent that are under way and that wait, and refuses more. */
import { BulkheadRejectedError, bulkhead as bulkheadPolicy } from "cockatiel";
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer } from "../engine/index.ts";
import { refusal } from "./errors.ts";

/** The layer, with places of its own. */
export function bulkhead({ limit, queue = 0 }: NonNullable<LayerOptions["bulkhead"]>): SpawnerLayer {
  const places = bulkheadPolicy(limit, queue);
  return function bulkheadLayer(next) {
    return async (call) => {
      try {
        return await places.execute(() => next(call), call.signal);
      } catch (cause) {
        if (call.signal.aborted) return { kind: "cancelled" };
        if (!(cause instanceof BulkheadRejectedError)) throw cause;
        const message = `agent '${call.agent}' has ${limit} attempts under way and ${queue} that wait, as many as it may`;
        return refusal("bulkhead_full", message, true);
      }
    };
  };
}
