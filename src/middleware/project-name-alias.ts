/** The project-name-alias layer: tells every step the name its project goes by. */
import type { SpawnerLayer } from "../engine/index.ts";

/** The layer. It overwrites the key `project_name_alias`. */
export function projectNameAlias(alias: string): SpawnerLayer {
  return function projectNameAliasLayer(next) {
    return (call) => next({ ...call, context: { ...call.context, project_name_alias: alias } });
  };
}
