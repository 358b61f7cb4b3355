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
 * M3  Within one dispatch a layer calls `next` once, or not at all; one that is made with `repeating` may call it again
 *     when the call before has ended. Two calls at once are always an error.
 */
import type { Dispatch, SpawnerLayer, StepCall, StepOutcome } from "../engine/index.ts";
import { MiddlewareError } from "./errors.ts";

/** A layer that may call `next` again and again, one call after the other (M3). */
export interface RepeatingLayer extends SpawnerLayer {
  readonly repeats: true;
}

/** Declares that a layer repeats. */
export function repeating(layer: SpawnerLayer): RepeatingLayer {
  return Object.assign(layer, { repeats: true as const });
}

/** The layers around `spawner`, as one Dispatch. It rejects with `next_called_twice` where a layer breaks M3. */
export function compose(layers: readonly SpawnerLayer[], spawner: Dispatch): Dispatch {
  const enter = (depth: number, call: StepCall): Promise<StepOutcome> => {
    const layer = layers[depth];
    if (layer === undefined) return spawner(call);
    return layer("repeats" in layer ? again(layer, depth) : once(layer, depth))(call);
  };
  const once = (layer: SpawnerLayer, depth: number): Dispatch => {
    let called = false;
    return (passed) => {
      if (called) return Promise.reject(calledTwice(layer, depth, passed, "called next twice"));
      called = true;
      return enter(depth + 1, passed);
    };
  };
  const again = (layer: SpawnerLayer, depth: number): Dispatch => {
    let isUnderWay = false;
    return async (passed) => {
      if (isUnderWay) throw calledTwice(layer, depth, passed, "called next while its last call was under way");
      isUnderWay = true;
      try {
        return await enter(depth + 1, passed);
      } finally {
        isUnderWay = false;
      }
    };
  };
  return layers.length === 0 ? spawner : (call) => enter(0, call);
}

function calledTwice(layer: SpawnerLayer, depth: number, call: StepCall, what: string): MiddlewareError {
  const name = layer.name === "" ? `layer ${depth + 1}` : `layer '${layer.name}'`;
  return new MiddlewareError("next_called_twice", `${name} ${what} for step ${call.key} of agent '${call.agent}'`);
}
