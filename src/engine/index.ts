/** The engine's public face. */

export type { Recovery } from "./claims.ts";
export type { Clock, Timer } from "./clock.ts";
export type {
  Dispatch,
  RunId,
  SpawnerLayer,
  StepAbort,
  StepCall,
  StepEvent,
  StepFailure,
  StepMemo,
  StepOutcome,
  WorkerReport,
} from "./dispatch.ts";
export { MAX_MEMO_NAME, MAX_MEMO_TEXT, MAX_MEMOS, reportOf } from "./dispatch.ts";
export type { CancelRequest, EnginePorts, LaunchOrder, RunHandle } from "./engine.ts";
export { Engine } from "./engine.ts";
export type { EngineErrorCode } from "./errors.ts";
export { EngineError } from "./errors.ts";
export type { Executable } from "./executable.ts";
export { type Leave, type QueueLimits, type Ticket, ticketOf } from "./fair-queue.ts";
export { FairQueues, type QueueView } from "./fair-queues.ts";
export type { ForkOrder } from "./fork.ts";
export { readJournal } from "./journal-reader.ts";
export type { ResumeOrder } from "./revival.ts";
export type { HostObserver, RunEvent, RunObserver } from "./run-events.ts";
export { stepIdOf } from "./step-id.ts";
