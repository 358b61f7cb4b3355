/**
 * The resolver layer: hands steps of one agent to another. The journal goes on naming the agent that the flow names.
 */
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer } from "../engine/index.ts";
import { ownValue } from "../flow/index.ts";

/** The layer. Names that are not in the map stay; what a name leads to is not looked up again. */
export function resolver({ map }: NonNullable<LayerOptions["resolver"]>): SpawnerLayer {
  return function resolverLayer(next) {
    return (call) => {
      const agent = ownValue(map, call.agent);
      return next(typeof agent === "string" ? { ...call, agent } : call);
    };
  };
}
