/**
 * The step-context layer: opens the step's `$step_meta` envelope, and lays what it supplies under what the launch and
 * outer layers have supplied.
 */
import type { CompiledBlueprint } from "../blueprint/index.ts";
import type { SpawnerLayer } from "../engine/index.ts";
import { MiddlewareError, refusal } from "./errors.ts";
import { type OpenedInput, openStepMeta } from "./step-meta.ts";

/** The layer for a Blueprint. An envelope that cannot be opened is the outcome `error` with the code `step_meta`. */
export function stepContext({ metas }: Pick<CompiledBlueprint, "metas">): SpawnerLayer {
  return function stepContextLayer(next) {
    return (call) => {
      let opened: OpenedInput;
      try {
        opened = openStepMeta(call.input, call.agent, metas);
      } catch (cause) {
        if (cause instanceof MiddlewareError) return Promise.resolve(refusal(cause.code, cause.message));
        throw cause;
      }
      const { directive, context } = opened;
      if (context === undefined) return next(call);
      return next({ ...call, input: directive, context: { ...context, ...call.context } });
    };
  };
}
