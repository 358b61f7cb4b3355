/**
 * Which layers are around an agent's worker, outermost first.
 *
 * Owns: the order, and what brings each layer in. Does not own: what the layers do (src/middleware).
 *
 *     after_run_audit       where an audit looks at the agent
 *     project_name_alias    where the Blueprint has one
 *     step_context          always
 *     hint layers           as `spawner_hints.layers` lists them: the last is the outermost
 *     agent_context         always
 *     worker_binding        where any agent has a WebSocket runner
 */
import type { CompiledBlueprint } from "./compiled.ts";
import type { AuditDef, LayerName, LayerOptions } from "./schema.ts";

/** Layers that a Blueprint has without asking for them. */
export type BaseLayer = "after_run_audit" | "project_name_alias" | "step_context" | "agent_context" | "worker_binding";

/** Any layer of a stack. */
export type LayerInStack = BaseLayer | LayerName;

/** The layers around an agent's worker, outermost first. */
export function layersOf(compiled: CompiledBlueprint, agent: string): readonly LayerInStack[] {
  const { blueprint, agents, layers, layerOptions } = compiled;
  const served = [...agents.values()].some(({ runner }) => runner !== undefined && "variant" in runner);
  return [
    ...(auditsOf(compiled, agent).length > 0 ? (["after_run_audit"] as const) : []),
    ...(blueprint.metadata.project_name_alias === undefined ? [] : (["project_name_alias"] as const)),
    "step_context",
    ...layers.toReversed().filter((layer) => isFor(layerOptions[layer], agent)),
    "agent_context",
    ...(served ? (["worker_binding"] as const) : []),
  ];
}

/** The audits that look at an agent's steps, in the Blueprint's order. An auditor is never audited. */
export function auditsOf({ audits }: Pick<CompiledBlueprint, "audits">, agent: string): readonly AuditDef[] {
  if (audits.some((audit) => audit.agent === agent)) return [];
  return audits.filter(({ steps }) => steps === undefined || steps.includes("*") || steps.includes(agent));
}

function isFor(options: LayerOptions[LayerName], agent: string): boolean {
  if (options === undefined || !("agents" in options)) return true;
  return options.agents?.includes(agent) ?? true;
}
