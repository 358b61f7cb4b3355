/**
 * Which runs a removal removes, and why one is refused: the same in every backend.
 *
 * D1  What a run has started, and what that has started, goes with it.
 * D2  Nothing is removed that has not ended or is held; nor what a run that has not ended needs: its child, whose outcome it
 *     may not have yet, and the run it is a fork of, from which it takes over. A run without entries is needed by none.
 */
import { type RunStatus, StoreError } from "./ports.ts";
import { runHeld, runLive } from "./refusals.ts";
import { ENDED } from "./run-status.ts";

/** Of a run's row what decides. */
export interface Relative {
  readonly runId: string;
  readonly status: RunStatus;
  readonly isHeld: boolean;
  /** Whether it has entries. */
  readonly hasBegun: boolean;
  readonly parentRunId: string | undefined;
}

/** How a backend finds runs by each other. */
export interface Relations<R extends Relative> {
  get(runId: string): R | undefined;
  /** The runs whose parent it is. */
  children(runId: string): readonly R[];
  /** The runs that are forks of it. */
  forks(runId: string): readonly Relative[];
}

/** The runs that are here and what is below them, each once (D1). */
export function withDescendants<R extends Relative>(runIds: readonly string[], relations: Relations<R>): readonly R[] {
  const reached = new Map<string, R>();
  const next = runIds.flatMap((runId) => relations.get(runId) ?? []);
  for (const run of next) {
    if (reached.has(run.runId)) continue;
    reached.set(run.runId, run);
    next.push(...relations.children(run.runId));
  }
  return [...reached.values()];
}

/** What is to be removed. @throws StoreError `run_live` or `run_held`: nothing may be removed then (D2). */
export function removalOf<R extends Relative>(runIds: readonly string[], relations: Relations<R>): readonly R[] {
  const going = withDescendants(runIds, relations);
  const ids = new Set(going.map(({ runId }) => runId));
  const asked = new Set(runIds);
  for (const run of going) {
    if (ENDED.has(run.status)) continue;
    throw runLive(run, asked.has(run.runId) ? "" : `, which run ${run.parentRunId} started,`);
  }
  for (const { runId, isHeld, parentRunId } of going) {
    if (isHeld) throw runHeld(runId, asked.has(runId) ? "" : `, which run ${parentRunId} started,`);
  }
  for (const { runId, hasBegun, parentRunId } of going) {
    if (!hasBegun) continue;
    const parent = parentRunId === undefined || ids.has(parentRunId) ? undefined : relations.get(parentRunId);
    if (parent !== undefined && !ENDED.has(parent.status)) throw runLive(parent, `, which started run ${runId},`);
    const fork = relations.forks(runId).find(({ status }) => !ENDED.has(status));
    if (fork !== undefined) throw runLive(fork, `, a fork of run ${runId},`);
  }
  return going;
}

/** Why the removal of a run would be refused, if it would be. */
export function refusalOf<R extends Relative>(runId: string, relations: Relations<R>): StoreError | undefined {
  try {
    removalOf([runId], relations);
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}

/** Whether an error says that a removal was refused for what its runs are. */
export function isRefusal(error: unknown): error is StoreError {
  return error instanceof StoreError && (error.code === "run_live" || error.code === "run_held");
}
