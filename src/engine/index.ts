/** The engine's public face. */
export type { Clock, Timer } from "./clock.ts";
export type {
  Dispatch,
  RunId,
  SpawnerLayer,
  StepAbort,
  StepCall,
  StepEvent,
  StepFailure,
  StepOutcome,
} from "./dispatch.ts";
export type { EnginePorts, LaunchOrder, RunHandle } from "./engine.ts";
export { Engine } from "./engine.ts";
export type { EngineErrorCode } from "./errors.ts";
export { EngineError } from "./errors.ts";
export type { Executable } from "./executable.ts";
export type { RunEvent, RunObserver } from "./run-events.ts";
