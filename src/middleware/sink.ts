/** The sink layer: tells workers where to send data. */
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer } from "../engine/index.ts";

/** The layer. It overwrites the key `data_sink_endpoint`. */
export function sink({ endpoint }: NonNullable<LayerOptions["sink"]>): SpawnerLayer {
  return function sinkLayer(next) {
    return (call) => next({ ...call, context: { ...call.context, data_sink_endpoint: endpoint } });
  };
}
