/** Workers: what serves the steps of a run. The host registers functions and scripts, and makes one spawner a Blueprint. */

export type { ChildEnd, ChildOrder, ChildRuns } from "./child-runs.ts";
export { type AgentContextView, allows, contextView } from "./context.ts";
export { contextHeader, directiveText } from "./directive.ts";
export { WorkerError, type WorkerErrorCode } from "./errors.ts";
export { nodeFiles, type ScratchFile, type WorkerFiles } from "./files.ts";
export {
  blocked,
  type FunctionCall,
  type FunctionDefinition,
  FunctionRegistry,
  type FunctionVerdict,
  pass,
  type RegisteredFunction,
  skip,
} from "./function-registry.ts";
export { jsonProblem, parseJson } from "./json-value.ts";
export type { HostCall, HostFunction, LuaScript } from "./lua.ts";
export type { OperatorReply, OperatorRequests, OperatorTask, RequestTerms, WorkerSpec } from "./operator-task.ts";
export { type CheckPolicy, MAX_PART_NAME_BYTES, partNameProblem } from "./projection.ts";
export { createSpawner, type SpawnerParts } from "./spawner.ts";
export {
  SUBPROCESS_LIMITS,
  SubprocessHost,
  type SubprocessLimits,
  type SubprocessOptions,
} from "./subprocess/index.ts";
export { checkVerdict, VERDICT_PART } from "./verdict.ts";
