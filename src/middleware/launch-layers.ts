/** The layers that every launch of a Blueprint has around its spawner. */
import type { CompiledBlueprint } from "../blueprint/compiled.ts";
import type { SpawnerLayer } from "../engine/index.ts";
import { agentContext } from "./agent-context.ts";
import { projectNameAlias } from "./project-name-alias.ts";

/**
 * Outermost first: project-name-alias (where the Blueprint has one), agent-context. On the way in agent-context comes
 * last, so it sees every key that the stronger tiers have supplied.
 */
export function launchLayers(compiled: CompiledBlueprint): readonly SpawnerLayer[] {
  const alias = compiled.blueprint.metadata.project_name_alias;
  return [...(alias === undefined ? [] : [projectNameAlias(alias)]), agentContext(compiled)];
}
