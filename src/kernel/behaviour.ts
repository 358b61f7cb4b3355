/**
 * Behaviour flags: what a run was started with that later versions of the kernel must go on doing for it.
 *
 * A change of what the kernel decides gets the next number here. New runs are recorded with all of them; code asks whether
 * a run has the flag before it does the new thing, so a journal replays for ever as it ran. Numbers are never used again.
 */
import type { BehaviourFlag } from "./entry.ts";
import { KernelError } from "./errors.ts";

/** The flags this host knows, and what each changes. None so far: every recorded run behaves as the first did. */
export const BEHAVIOURS: ReadonlyMap<BehaviourFlag, string> = new Map();

/**
 * The flags of a recorded run.
 * @throws KernelError `journal_newer` naming the first that `known` has not.
 */
export function knownBehaviour(
  recorded: readonly BehaviourFlag[],
  known: ReadonlyMap<BehaviourFlag, string> = BEHAVIOURS,
): ReadonlySet<BehaviourFlag> {
  const unknown = recorded.find((flag) => !known.has(flag));
  if (unknown === undefined) return new Set(recorded);
  throw new KernelError(
    "journal_newer",
    `the run was started with the behaviour flag ${unknown}, which this host does not know: use a newer swarm-host`,
    { seq: 1, flag: unknown },
  );
}
