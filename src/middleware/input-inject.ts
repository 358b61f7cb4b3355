/** The input-inject layer: names earlier outputs, for the host to hand to the worker beside its input. */
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer } from "../engine/index.ts";

/** The layer. It overwrites the key `input_refs`; an empty list is a list. */
export function inputInject({ refs }: NonNullable<LayerOptions["input_inject"]>): SpawnerLayer {
  return function inputInjectLayer(next) {
    return (call) => next({ ...call, context: { ...call.context, input_refs: refs } });
  };
}
