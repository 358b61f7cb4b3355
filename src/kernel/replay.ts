/**
 * Rebuilds a run from its journal.
 *
 * Owns: the order of reading: what must be known before the flow starts (recorded externs, reused completions), then
 * entry after entry. Does not own: reading rows, checking digests (ChainReader), or loading blobs; the caller does.
 */
import type { Json, StepKey } from "../flow/index.ts";
import type { RunDefinition } from "./definition.ts";
import type { HashText, JournalEntry } from "./entry.ts";
import { KernelError } from "./errors.ts";
import { siteId } from "./journaled-externs.ts";
import type { RecordedCompletion } from "./open-step.ts";
import { RunKernel } from "./run.ts";

/** An entry with its value, loaded where it was in a blob. */
export interface ReplayedEntry {
  readonly entry: JournalEntry;
  readonly value?: Json;
}

/**
 * A kernel in the state the journal describes. Call `resume` on it to go on.
 * @param records completions of another run that may still be reused (a fork); those already taken over need not be in it.
 * @throws KernelError `divergence` where the flow and the journal disagree, `journal_corrupt` where it has no start.
 */
export function replayRun(
  definition: RunDefinition,
  entries: readonly ReplayedEntry[],
  options: { readonly hash: HashText; readonly records?: ReadonlyMap<StepKey, RecordedCompletion> },
): RunKernel {
  const [first, ...rest] = entries;
  if (first?.entry.type !== "run_started") {
    throw new KernelError("journal_corrupt", "the journal does not begin with run_started: it is truncated or empty", {
      seq: 1,
    });
  }
  if (first.entry.flow !== definition.flowDigest) {
    throw new KernelError(
      "divergence",
      `the run was started with another flow (${first.entry.flow}) than its pinned Blueprint has`,
      {
        seq: 1,
        recorded: first.entry.flow,
        expected: definition.flowDigest,
      },
    );
  }
  const externValues = new Map<string, Json>();
  const records = new Map(options.records);
  for (const { entry, value } of rest) {
    if (entry.type === "extern_value") externValues.set(siteId(entry.key, entry.ordinal), value ?? null);
    else if (entry.type === "step_completed" && entry.reused_from !== undefined) {
      const { digests, outcome, error, reused_from } = entry;
      records.set(entry.key, {
        digests,
        outcome,
        ...reused_from,
        ...(value === undefined ? {} : { value }),
        ...(error === undefined ? {} : { error }),
      });
    }
  }
  const kernel = RunKernel.restart(definition, first.value ?? null, {
    hash: options.hash,
    records,
    externValues,
    now: first.entry.at,
  });
  for (const { entry, value } of rest) if (entry.type !== "extern_value") kernel.apply(entry, value);
  return kernel;
}
