/** Middleware: the layers around a spawner, and how they are composed. */
export { AuditTasks } from "./audit-tasks.ts";
export type { Consult, HookReply, SeatAnswer, SeatQuestion } from "./consult.ts";
export { MiddlewareError, type MiddlewareErrorCode } from "./errors.ts";
export { layered } from "./launch-layers.ts";
export type { LayerParts } from "./layer-parts.ts";
export { compose, type RepeatingLayer, repeating } from "./stack.ts";
export { type OpenedInput, openStepMeta } from "./step-meta.ts";
export { type OperatorKinds, type TaskInput, taskContext } from "./task-input.ts";
