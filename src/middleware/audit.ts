/** The audit layer: says as progress when an attempt starts and how it ends. */
import type { SpawnerLayer } from "../engine/index.ts";
import type { LayerParts } from "./layer-parts.ts";

/** The layer. */
export function audit({ clock }: Pick<LayerParts, "clock">): SpawnerLayer {
  return function auditLayer(next) {
    return async (call) => {
      const startedAt = clock.now();
      call.emit({ type: "progress", stage: "attempt_started", note: `attempt ${call.attempt} of '${call.agent}'` });
      const outcome = await next(call);
      call.emit({
        type: "progress",
        stage: "attempt_ended",
        note: `${outcome.kind} after ${clock.now() - startedAt} ms`,
      });
      return outcome;
    };
  };
}
