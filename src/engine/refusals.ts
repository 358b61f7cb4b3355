/** The engine's refusals that more than one place gives. */
import { EngineError } from "./errors.ts";

/** Whether an error says that the run has ended. */
export function isEnded(error: unknown): boolean {
  return error instanceof EngineError && error.code === "run_ended";
}

/** Whether an error says that another host drives the run. */
export function isElsewhere(error: unknown): boolean {
  return error instanceof EngineError && error.code === "run_elsewhere";
}

/** There is no such run. */
export function unknownRun(runId: string): EngineError {
  return new EngineError("run_unknown", `there is no run ${runId}; 'runs list' shows those there are`, {
    details: { runId },
  });
}

/** Another host has the run now. */
export function lostError(runId: string): EngineError {
  return new EngineError("run_lost", `run ${runId} was taken over by another host meanwhile`, { details: { runId } });
}

/** The engine takes nothing any more. */
export function closedError(): EngineError {
  return new EngineError("engine_closed", "the host is shutting down; unfinished runs go on when it starts again");
}
