/** The id of a step of a run, for outsiders: short, and the same for every attempt. */
import type { HashText } from "../kernel/index.ts";

/** `ST-` and 16 hex digits. */
export function stepIdOf(hash: HashText, runId: string, key: string): string {
  return `ST-${hash(`${runId}/${key}`).slice(0, 16)}`;
}
