/** Ids of the reference system, made of ours: `R-` and `ST-` are the same, a task is its one run. */

/** The task of a run. */
export function taskIdOf(runId: string): string {
  return `T-${runId.slice(2)}`;
}
