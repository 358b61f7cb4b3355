/**
 * Brings a run back: from its row and its journal to a kernel that can go on.
 *
 * Owns: what is read (snapshot, journal, pinned Blueprint) and what a run that cannot come back is told.
 * Does not own: claiming the run (engine), what the entries mean (kernel).
 */
import type { RunRecord, Stores } from "../../stores/ports.ts";
import type { JsonObject } from "../flow/index.ts";
import {
  type Decision,
  type DivergencePolicy,
  externValuesOf,
  type HashText,
  JournalChain,
  KernelError,
  type ReplayedEntry,
  type ReplayOptions,
  RunKernel,
  replayRun,
  rerunRun,
  type SavedKernel,
  type ValuelessBody,
} from "../kernel/index.ts";
import type { Clock } from "./clock.ts";
import { EngineError } from "./errors.ts";
import type { Executable } from "./executable.ts";
import { renewedOffer } from "./fork.ts";
import { readJournal } from "./journal-reader.ts";
import type { DrivenRun } from "./run-driver.ts";

/** What reviving needs. */
export interface RevivalPorts {
  readonly stores: Stores;
  readonly clock: Clock;
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

/** How a run is brought back that does not do what its journal says. */
export interface ResumeOrder {
  readonly reason: string;
  /** Default `strict`: it is not brought back. */
  readonly divergence?: DivergencePolicy;
}

/** A run that can go on. */
export interface RevivedRun extends DrivenRun {
  /** Entries that were read. */
  readonly replayed: number;
  /** Whether a later revival may begin at a snapshot of it: what a rerun may still take over is in no snapshot. */
  readonly savable: boolean;
  /** What it does next. Call once. */
  readonly goOn: (now: number) => readonly Decision[];
}

type Replayed = Pick<
  RevivedRun,
  "kernel" | "chain" | "context" | "paused" | "resumed" | "replayed" | "savable" | "goOn"
>;

/** The run as it was, under the fence of its row. Rejects with EngineError `run_stuck` where it cannot go on. */
export async function revive(record: RunRecord, ports: RevivalPorts, order?: ResumeOrder): Promise<RevivedRun> {
  try {
    const executable = await ports.resolve(record.blueprintVersion);
    return {
      ...(await replayed(record, executable, ports, order)),
      runId: record.runId,
      fence: record.fence,
      executable,
      recoveryAttempts: record.recoveryAttempts,
      ...(record.parentRunId === undefined ? {} : { parentRunId: record.parentRunId }),
    };
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const details = cause instanceof KernelError ? cause.details : {};
    throw new EngineError("run_stuck", `run ${record.runId} cannot go on: ${why}`, {
      cause,
      details: { ...details, runId: record.runId },
    });
  }
}

async function replayed(
  record: RunRecord,
  executable: Executable,
  ports: RevivalPorts,
  order: ResumeOrder | undefined,
): Promise<Replayed> {
  const { stores, hash } = ports;
  const { records, externs } = await renewedOffer(record, executable.flowDigest, stores, hash);
  const options: ReplayOptions = { hash, records, offeredExterns: externs };
  const { divergence = "strict", reason = "" } = order ?? {};
  try {
    return (
      (await fromSnapshot(record, executable, ports, options)) ?? (await fromStart(record, executable, ports, options))
    );
  } catch (error) {
    const diverges = error instanceof KernelError && error.code === "divergence";
    if (!diverges || divergence === "strict") throw error;
    return divergence === "reuse"
      ? fromStart(record, executable, ports, { ...options, keep: true }, reason)
      : anew(record, executable, ports, options, reason);
  }
}

/** From the newest snapshot on. Undefined where there is none, or none of the course that the flow takes now. */
async function fromSnapshot(
  { runId }: RunRecord,
  executable: Executable,
  { stores, hash }: RevivalPorts,
  options: ReplayOptions,
): Promise<Replayed | undefined> {
  const snapshot = await stores.snapshots.get(runId);
  if (snapshot === undefined) return undefined;
  const body = JSON.parse(snapshot.text) as SnapshotBody;
  const { nextSeq, prev } = snapshot;
  const { entries, position } = await readJournal(stores, runId, { hash, from: { nextSeq, prev } });
  if (entries.some(isRerun)) return undefined;
  const kept = entries.findLast(({ entry }) => entry.type === "run_resumed" && entry.divergence === "reuse");
  const keepBefore = kept?.entry.seq ?? 0;
  const externValues = externValuesOf(entries);
  const kernel = RunKernel.restore(executable, body.kernel, { ...options, externValues, keepBefore, at: nextSeq });
  for (const { entry, value } of entries) if (entry.type !== "extern_value") kernel.apply(entry, value);
  return {
    kernel,
    chain: new JournalChain(hash, position),
    context: body.context,
    paused: endsPaused(entries, body.paused ?? false),
    resumed: false,
    replayed: entries.length,
    savable: true,
    goOn: (now) => kernel.resume(now),
  };
}

/** From the journal's first entry on. `reason`: of a resume that keeps what is recorded. */
async function fromStart(
  { runId }: RunRecord,
  executable: Executable,
  { stores, hash }: RevivalPorts,
  options: ReplayOptions,
  reason?: string,
): Promise<Replayed> {
  const { entries, position } = await readJournal(stores, runId, { hash });
  const kernel = replayRun(executable, entries, options);
  const record: ValuelessBody | undefined =
    reason === undefined ? undefined : { type: "run_resumed", reason, divergence: "reuse" };
  return {
    kernel,
    chain: new JournalChain(hash, position),
    context: launchContext(entries),
    paused: record === undefined && endsPaused(entries, false),
    resumed: record !== undefined,
    replayed: entries.length,
    savable: !entries.some(isRerun),
    goOn: (now) => kernel.resume(now, record),
  };
}

/** From the flow's beginning, with what may be taken over. A run that is to be cancelled only ends. */
async function anew(
  record: RunRecord,
  executable: Executable,
  ports: RevivalPorts,
  options: ReplayOptions,
  reason: string,
): Promise<Replayed> {
  const { runId } = record;
  const { entries, position } = await readJournal(ports.stores, runId, { hash: ports.hash });
  if (entries.some(({ entry }) => entry.type === "cancel_requested"))
    return fromStart(record, executable, ports, { ...options, keep: true }, reason);
  const { kernel, decisions } = rerunRun(executable, entries, options, { runId, reason, now: ports.clock.now() });
  return {
    kernel,
    chain: new JournalChain(ports.hash, position),
    context: launchContext(entries),
    paused: false,
    resumed: true,
    replayed: entries.length,
    savable: false,
    goOn: () => decisions,
  };
}

function isRerun({ entry }: ReplayedEntry): boolean {
  return entry.type === "run_resumed" && entry.divergence === "rerun";
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
