/**
 * The worker-binding layer: tells, beside the call, which worker an operator is to start for it. The key is the host's: it
 * is not part of what the agent sees.
 */
import type { CompiledBlueprint, Runner } from "../blueprint/index.ts";
import type { SpawnerLayer } from "../engine/index.ts";
import type { JsonObject } from "../flow/index.ts";

/** Whether an agent with this runner is served over a WebSocket, and so has a binding to tell. */
export function isServedBySocket(runner: Runner | undefined): runner is Extract<Runner, { readonly variant: string }> {
  return runner?.backend === "ws_operator" || runner?.backend === "ws_claude_code";
}

/** The layer. It overwrites the key `worker_binding` for agents with a WebSocket runner; others pass untouched. */
export function workerBinding({ agents }: Pick<CompiledBlueprint, "agents">): SpawnerLayer {
  const bindings = new Map<string, JsonObject>();
  for (const { name, runner, profile } of agents.values()) {
    if (!isServedBySocket(runner)) continue;
    const model = profile?.model === undefined ? {} : { requested_model: profile.model };
    bindings.set(name, { variant: runner.variant, tools: [...runner.tools].sort(), ...model });
  }
  return function workerBindingLayer(next) {
    return (call) => {
      const binding = bindings.get(call.agent);
      return next(binding === undefined ? call : { ...call, context: { ...call.context, worker_binding: binding } });
    };
  };
}
