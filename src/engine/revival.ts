/**
 * Brings a run back: from its row and its journal to a kernel that can go on.
 *
 * Owns: what is read (snapshot, journal, pinned Blueprint) and what a run that cannot come back is told.
 * Does not own: claiming the run (engine), what the entries mean (kernel).
 */
import type { RunRecord, Stores } from "../../stores/ports.ts";
import type { JsonObject, StepKey } from "../flow/index.ts";
import {
  type HashText,
  JournalChain,
  KernelError,
  type RecordedCompletion,
  type ReplayedEntry,
  RunKernel,
  replayRun,
  type SavedKernel,
} from "../kernel/index.ts";
import { EngineError } from "./errors.ts";
import type { Executable } from "./executable.ts";
import { readJournal } from "./journal-reader.ts";
import type { DrivenRun } from "./run-driver.ts";

/** What reviving needs. */
export interface RevivalPorts {
  readonly stores: Stores;
  readonly hash: HashText;
  /** The executable of a pinned Blueprint version. Rejects where the document is missing or no longer compiles here. */
  readonly resolve: (version: string) => Promise<Executable>;
}

/** A snapshot's text: the kernel, and what of the journal before it is still needed. */
export interface SnapshotBody {
  readonly v: 1;
  readonly context: JsonObject;
  readonly kernel: SavedKernel;
  /** Absent: no. */
  readonly paused?: boolean;
}

/** Entries after which a revived run is saved, so that its next revival reads fewer. */
export const SNAPSHOT_EVERY = 5_000;

/** The run as it was, under the fence of its row. Rejects with EngineError `run_stuck` where it cannot go on. */
export async function revive(
  record: RunRecord,
  ports: RevivalPorts,
): Promise<DrivenRun & { readonly replayed: number }> {
  try {
    const executable = await ports.resolve(record.blueprintVersion);
    return {
      ...(await replayed(record, executable, ports)),
      runId: record.runId,
      fence: record.fence,
      executable,
      recoveryAttempts: record.recoveryAttempts,
    };
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("run_stuck", `run ${record.runId} cannot go on: ${why}`, {
      cause,
      details: { runId: record.runId },
    });
  }
}

async function replayed(
  record: RunRecord,
  executable: Executable,
  { stores, hash }: RevivalPorts,
): Promise<Pick<DrivenRun, "kernel" | "chain" | "context" | "paused"> & { readonly replayed: number }> {
  const { runId } = record;
  const records = record.forkedFrom === undefined ? undefined : await recordsOf(stores, record.forkedFrom, hash);
  const options = { hash, ...(records === undefined ? {} : { records }) };
  const snapshot = await stores.snapshots.get(runId);
  if (snapshot !== undefined) {
    const body = JSON.parse(snapshot.text) as SnapshotBody;
    const { nextSeq, prev } = snapshot;
    const { entries, position } = await readJournal(stores, runId, { hash, from: { nextSeq, prev } });
    const kernel = RunKernel.restore(executable, body.kernel, options);
    for (const { entry, value } of entries) kernel.apply(entry, value);
    return {
      kernel,
      chain: new JournalChain(hash, position),
      context: body.context,
      paused: endsPaused(entries, body.paused ?? false),
      replayed: entries.length,
    };
  }
  const { entries, position } = await readJournal(stores, runId, { hash });
  const kernel = replayRun(executable, entries, options);
  return {
    kernel,
    chain: new JournalChain(hash, position),
    context: launchContext(entries),
    paused: endsPaused(entries, false),
    replayed: entries.length,
  };
}

/** Whether the last word about pausing is a pause. `before`: what held before these entries. */
function endsPaused(entries: readonly ReplayedEntry[], before: boolean): boolean {
  const last = entries.findLast(({ entry }) => entry.type === "run_suspended" || entry.type === "run_resumed");
  return last === undefined ? before : last.entry.type === "run_suspended";
}

function launchContext(entries: readonly ReplayedEntry[]): JsonObject {
  const first = entries[0]?.entry;
  if (first?.type !== "run_started")
    throw new KernelError("journal_corrupt", "the journal does not begin with run_started", { seq: 1 });
  return first.context;
}

/** The accepted completions of a run, by key, for reuse by its forks. A source that is gone has none. */
export async function recordsOf(
  stores: Pick<Stores, "journals" | "blobs">,
  runId: string,
  hash: HashText,
): Promise<ReadonlyMap<StepKey, RecordedCompletion>> {
  const { entries } = await readJournal(stores, runId, { hash });
  const records = new Map<StepKey, RecordedCompletion>();
  for (const { entry, value } of entries) {
    if (entry.type !== "step_completed" || !entry.accepted || entry.outcome === "cancelled") continue;
    const { digests, outcome, error, seq } = entry;
    records.set(entry.key, {
      digests,
      outcome,
      run: runId,
      seq,
      ...(value === undefined ? {} : { value }),
      ...(error === undefined ? {} : { error }),
    });
  }
  return records;
}
