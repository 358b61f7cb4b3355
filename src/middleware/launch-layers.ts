/** The layers that every launch has around the Blueprint's spawner. */
import type { CompiledBlueprint } from "../blueprint/compiled.ts";
import type { SpawnerLayer } from "../engine/index.ts";
import { agentContext } from "./agent-context.ts";
import { projectNameAlias } from "./project-name-alias.ts";
import { type TaskInput, taskContext, taskInput } from "./task-input.ts";

/**
 * Outermost first: task-input (where there is any), project-name-alias (where the Blueprint has one), agent-context.
 * On the way in agent-context comes last, so it sees every key the stronger tiers have supplied.
 */
export function launchLayers(compiled: CompiledBlueprint, input: TaskInput = {}): readonly SpawnerLayer[] {
  const alias = compiled.blueprint.metadata.project_name_alias;
  return [
    ...(Object.keys(taskContext(input)).length === 0 ? [] : [taskInput(input)]),
    ...(alias === undefined ? [] : [projectNameAlias(alias)]),
    agentContext(compiled),
  ];
}
