/**
 * The Lua library that ships with the host, as `require` sees it.
 *
 * Owns: which module names exist and where their text lies.
 * Does not own: `require` itself, or an author's own modules (the VM's image).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** A module of the library. */
export interface BuiltinModule {
  /** What scripts pass to `require`. */
  readonly name: string;
  /** Chunk name in errors. */
  readonly file: string;
  /** Lua text. */
  readonly text: string;
}

/**
 * The names, each the file `src/lua/modules/<name>.lua`. What starts with `swarm_` is for the library itself, not for
 * scripts. A name here wins over an author's own file of that name.
 */
export const BUILTIN_MODULE_NAMES: readonly string[] = Object.freeze([
  "flow_dsl",
  "bp_dsl",
  "std",
  "swarm_authoring",
  "swarm_pipeline",
  "swarm_stage",
]);

/** Reads the library from its package. Costs a file read a module: keep the answer. */
export function readBuiltinModules(): readonly BuiltinModule[] {
  const resolver = createRequire(import.meta.url);
  return BUILTIN_MODULE_NAMES.map((name) => {
    const file = `${name}.lua`;
    return { name, file, text: readFileSync(resolver.resolve(`#lua/${file}`), "utf8") };
  });
}
