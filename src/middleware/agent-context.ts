/**
 * The agent-context layer: opens the step's `$step_meta` envelope and lays the weaker context tiers under what is there.
 *
 * Strongest first: what the launch and outer layers supplied, the step, the agent (its own context over its meta_ref over
 * the Blueprint's default, merged by the compiler). A key is taken from the strongest tier that has it.
 */
import type { CompiledBlueprint } from "../blueprint/compiled.ts";
import type { SpawnerLayer, StepOutcome } from "../engine/index.ts";
import type { JsonObject } from "../flow/index.ts";
import { MiddlewareError } from "./errors.ts";
import { type OpenedInput, openStepMeta } from "./step-meta.ts";

const NONE: JsonObject = {};

/** The layer for a Blueprint. An envelope that cannot be opened is the outcome `error` with the code `step_meta`. */
export function agentContext({ agents, metas }: Pick<CompiledBlueprint, "agents" | "metas">): SpawnerLayer {
  return function agentContextLayer(next) {
    return (call) => {
      let opened: OpenedInput;
      try {
        opened = openStepMeta(call.input, call.agent, metas);
      } catch (cause) {
        if (cause instanceof MiddlewareError) return Promise.resolve(refusal(cause));
        throw cause;
      }
      const { directive, context } = opened;
      const tier = agents.get(call.agent)?.context ?? NONE;
      if (context === undefined && Object.keys(tier).length === 0) return next(call);
      return next({ ...call, input: directive, context: { ...tier, ...context, ...call.context } });
    };
  };
}

function refusal({ code, message }: MiddlewareError): StepOutcome {
  return { kind: "error", error: { code, message, retryable: false } };
}
