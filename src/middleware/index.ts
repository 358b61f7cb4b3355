/** Middleware: the layers around a spawner, and how they are composed. */
export { agentContext } from "./agent-context.ts";
export type { Consult, HookReply, SeatAnswer, SeatQuestion } from "./consult.ts";
export { MiddlewareError, type MiddlewareErrorCode } from "./errors.ts";
export { HINT_LAYERS } from "./hint-layers.ts";
export { launchLayers } from "./launch-layers.ts";
export { projectNameAlias } from "./project-name-alias.ts";
export { compose } from "./stack.ts";
export { type OpenedInput, openStepMeta } from "./step-meta.ts";
export { type TaskInput, taskContext } from "./task-input.ts";
