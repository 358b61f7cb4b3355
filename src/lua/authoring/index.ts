/** Authoring: the Lua library for Blueprint scripts, and running such a script. */
export { BUILTIN_MODULE_NAMES, type BuiltinModule, readBuiltinModules } from "./builtin-modules.ts";
export { EMPTY_OBJECT_MARKER_KEY } from "./empty-object.ts";
export { type AuthoringPool, type AuthoringResult, type AuthoringScript, runAuthoringScript } from "./script.ts";
export type { AuthoringWarning } from "./warning.ts";
