/**
 * Spawner stacks: layers composed around a spawner.
 *
 * A layer is `(next) => (call) => outcome`. It looks at the call, hands `next` the same or a changed copy, and looks at
 * the outcome:
 *
 *     const timed: SpawnerLayer = (next) => async (call) => {
 *       const outcome = await next(call);
 *       call.emit({ type: "progress", stage: "done", note: outcome.kind });
 *       return outcome;
 *     };
 *
 * M1  The first layer of the list is the outermost.
 * M2  A layer is entered anew for every dispatch: it keeps nothing between `(next) =>` and `(call) =>`.
 * M3  Within one dispatch a layer calls `next` once, or not at all.
 */
import type { Dispatch, SpawnerLayer, StepCall, StepOutcome } from "../engine/index.ts";
import { MiddlewareError } from "./errors.ts";

/** The layers around `spawner`, as one Dispatch. It rejects with `next_called_twice` where a layer breaks M3. */
export function compose(layers: readonly SpawnerLayer[], spawner: Dispatch): Dispatch {
  const enter = (depth: number, call: StepCall): Promise<StepOutcome> => {
    const layer = layers[depth];
    if (layer === undefined) return spawner(call);
    let called = false;
    const next: Dispatch = (passed) => {
      if (called) return Promise.reject(calledTwice(layer, depth, call));
      called = true;
      return enter(depth + 1, passed);
    };
    return layer(next)(call);
  };
  return layers.length === 0 ? spawner : (call) => enter(0, call);
}

function calledTwice(layer: SpawnerLayer, depth: number, call: StepCall): MiddlewareError {
  const name = layer.name === "" ? `layer ${depth + 1}` : `layer '${layer.name}'`;
  return new MiddlewareError(
    "next_called_twice",
    `${name} called next twice for step ${call.key} of agent '${call.agent}'`,
  );
}
