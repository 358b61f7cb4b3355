/** What every backend refuses in the same words. */
import { type RunStatus, StoreError } from "./ports.ts";

/** `create` of an id that is here, or twice in the batch. */
export function runExists(runId: string): StoreError {
  return new StoreError("run_exists", `run ${runId} exists already; nothing was added`, {
    details: { runId },
  });
}

/** `create` with an idempotency key that `holder` has. */
export function runKeyTaken(idempotencyKey: string, holder: string): StoreError {
  return new StoreError(
    "run_key_taken",
    `run ${holder} has the idempotency key ${JSON.stringify(idempotencyKey)}; nothing was added`,
    { details: { runId: holder, idempotencyKey } },
  );
}

/** `remove` of a run that has not ended, or is needed by one. `related`: what it is to the run that was to be removed. */
export function runLive({ runId, status }: { runId: string; status: RunStatus }, related = ""): StoreError {
  return new StoreError(
    "run_live",
    `run ${runId}${related} has not ended (${status}): cancel it first; nothing was removed`,
    { details: { runId, status } },
  );
}

/** `create` of a schedule whose name is taken. */
export function scheduleExists(name: string): StoreError {
  return new StoreError(
    "schedule_exists",
    `there is a schedule ${name} already: remove it first, or choose another name`,
    {
      details: { name },
    },
  );
}

/** `remove` of a run that is held. `related`: what it is to the run that was to be removed. */
export function runHeld(runId: string, related = ""): StoreError {
  return new StoreError("run_held", `run ${runId}${related} is held: release it first; nothing was removed`, {
    details: { runId },
  });
}
