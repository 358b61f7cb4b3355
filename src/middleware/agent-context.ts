/**
 * The agent-context layer: lays the agent's own context under what is there.
 *
 * Strongest first: what the launch and outer layers supplied, the step, the agent (its own context over its meta_ref over
 * the Blueprint's default, merged by the compiler). A key is taken from the strongest tier that has it. It is inside the
 * layers that may hand the step to another agent, so that it is that agent's context which is laid.
 */
import type { CompiledBlueprint } from "../blueprint/index.ts";
import type { SpawnerLayer } from "../engine/index.ts";
import type { JsonObject } from "../flow/index.ts";

const NONE: JsonObject = {};

/** The layer for a Blueprint. */
export function agentContext({ agents }: Pick<CompiledBlueprint, "agents">): SpawnerLayer {
  return function agentContextLayer(next) {
    return (call) => {
      const tier = agents.get(call.agent)?.context ?? NONE;
      if (Object.keys(tier).length === 0) return next(call);
      return next({ ...call, context: { ...tier, ...call.context } });
    };
  };
}
