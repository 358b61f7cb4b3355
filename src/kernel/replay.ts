/**
 * Rebuilds a run from its journal.
 *
 * Owns: the order of reading: what must be known before the flow starts (recorded externs, reused completions, what of the
 * journal stands whatever has changed), then entry after entry; and how a diverged run begins anew.
 * Does not own: reading rows, checking digests (ChainReader), or loading blobs; the caller does.
 *
 * A rerun is a new course of the flow within the same journal: everything before it is history, and offers its completions.
 */
import type { Json, StepKey } from "../flow/index.ts";
import { knownBehaviour } from "./behaviour.ts";
import type { Decision, KeptState, RerunState, RestartOptions } from "./decision.ts";
import type { RunDefinition } from "./definition.ts";
import type { HashText, JournalEntry } from "./entry.ts";
import { KernelError } from "./errors.ts";
import type { ValuelessBody } from "./journal-chain.ts";
import { siteId } from "./journaled-externs.ts";
import type { RecordedCompletion } from "./open-step.ts";
import { RunKernel } from "./run.ts";
import { SignalBox } from "./signal-box.ts";

/** An entry with its value, loaded where it was in a blob. */
export interface ReplayedEntry {
  readonly entry: JournalEntry;
  readonly value?: Json;
}

/** What a replay needs beside the journal. */
export interface ReplayOptions {
  readonly hash: HashText;
  /** Completions of another run that may still be reused (a fork); those already taken over need not be in it. */
  readonly records?: ReadonlyMap<StepKey, RecordedCompletion>;
  /** See KernelOptions.offeredExterns (a fork). */
  readonly offeredExterns?: ReadonlyMap<string, Json>;
  /** All of the journal stands, whatever the digests of its steps are by now. Default: what a resume said so of. */
  readonly keep?: boolean;
}

/**
 * A kernel in the state the journal describes. Call `resume` on it to go on.
 * @throws KernelError `divergence` where the flow and the journal disagree, `journal_corrupt` where it has no start,
 *   `journal_newer` where it was started with a behaviour this host does not know.
 */
export function replayRun(
  definition: RunDefinition,
  entries: readonly ReplayedEntry[],
  options: ReplayOptions,
): RunKernel {
  const first = startOf(entries);
  const turn = entries.findLastIndex(({ entry }) => entry.type === "run_resumed" && entry.divergence === "rerun");
  const former = entries.slice(0, Math.max(turn, 0));
  const course = entries.slice(Math.max(turn, 0) + 1);
  const keepBefore = options.keep === true ? Number.POSITIVE_INFINITY : keptBefore(course);
  if (turn < 0 && keepBefore === 0 && first.entry.flow !== definition.flowDigest) {
    throw new KernelError(
      "divergence",
      `the run was started with another flow (${first.entry.flow}) than its pinned Blueprint has`,
      { seq: 1, digest: "flow", recorded: first.entry.flow, expected: definition.flowDigest },
    );
  }
  const kept = entries[turn]?.value as unknown as RerunState | undefined;
  const kernel = RunKernel.restart(definition, first.value ?? null, {
    ...before(entries, former, kept?.run, options),
    now: entries[Math.max(turn, 0)]?.entry.at ?? first.entry.at,
    keepBefore,
    ...(kept === undefined ? {} : { kept }),
  });
  for (const { entry, value } of course) if (entry.type !== "extern_value") kernel.apply(entry, value);
  return kernel;
}

/**
 * Begins a diverged run anew: what is still of the same work is taken over, all else is executed again.
 * @param how the run, for the origin of what is taken over, and the resume to journal.
 * @throws KernelError `journal_corrupt` or `journal_newer`.
 */
export function rerunRun(
  definition: RunDefinition,
  entries: readonly ReplayedEntry[],
  options: Omit<ReplayOptions, "keep">,
  how: { readonly runId: string; readonly reason: string; readonly now: number },
): { readonly kernel: RunKernel; readonly decisions: readonly Decision[] } {
  const first = startOf(entries);
  const kept: RerunState = { run: how.runId, ...keptOf(definition, entries, options) };
  const kernel = RunKernel.restart(definition, first.value ?? null, {
    ...before(entries, entries, how.runId, options),
    now: how.now,
    kept,
  });
  const body: ValuelessBody = { type: "run_resumed", reason: how.reason, divergence: "rerun" };
  const resumed = kernel.resume(how.now);
  return { kernel, decisions: [{ kind: "append", body, value: kept as unknown as Json }, ...resumed] };
}

/** The accepted completions of a journal, by key, for reuse. Of several the last. */
export function completionsOf(
  entries: readonly ReplayedEntry[],
  runId: string,
): ReadonlyMap<StepKey, RecordedCompletion> {
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

/** The extern values of a journal, by `siteId`, of the sites that `wanted` says. Of several the last. */
export function externValuesOf(
  entries: readonly ReplayedEntry[],
  wanted: (key: StepKey) => boolean = () => true,
): ReadonlyMap<string, Json> {
  const values = new Map<string, Json>();
  for (const { entry, value } of entries) {
    if (entry.type === "extern_value" && wanted(entry.key)) values.set(siteId(entry.key, entry.ordinal), value ?? null);
  }
  return values;
}

function startOf(entries: readonly ReplayedEntry[]): ReplayedEntry & {
  readonly entry: Extract<JournalEntry, { readonly type: "run_started" }>;
} {
  const [first] = entries;
  if (first?.entry.type !== "run_started") {
    throw new KernelError("journal_corrupt", "the journal does not begin with run_started: it is truncated or empty", {
      seq: 1,
    });
  }
  return { ...first, entry: first.entry };
}

/**
 * What must be known before the flow starts.
 * @param former the part of the journal before this course of the flow; empty where it is the first.
 * @param runId the run, where this is not its first course.
 */
function before(
  entries: readonly ReplayedEntry[],
  former: readonly ReplayedEntry[],
  runId: string | undefined,
  { hash, records: offered = new Map(), offeredExterns }: ReplayOptions,
): Omit<RestartOptions, "now"> {
  const records = new Map([...offered, ...(runId === undefined ? [] : completionsOf(former, runId))]);
  const used = new Map<StepKey, number>();
  for (const { entry } of former) {
    if (entry.type === "step_scheduled" || entry.type === "step_completed")
      used.set(entry.key, Math.max(used.get(entry.key) ?? 0, entry.attempt));
  }
  for (const { entry, value } of entries.slice(former.length)) {
    if (entry.type !== "step_completed" || entry.reused_from === undefined) continue;
    const { digests, outcome, error, reused_from } = entry;
    records.set(entry.key, {
      digests,
      outcome,
      ...reused_from,
      ...(value === undefined ? {} : { value }),
      ...(error === undefined ? {} : { error }),
    });
  }
  const { entry } = startOf(entries);
  return {
    hash,
    records,
    externValues: externValuesOf(entries),
    ...(offeredExterns === undefined ? {} : { offeredExterns }),
    used,
    behaviour: knownBehaviour(entry.behaviour),
  };
}

function keptBefore(course: readonly ReplayedEntry[]): number {
  const last = course.findLast(({ entry }) => entry.type === "run_resumed" && entry.divergence === "reuse");
  return last?.entry.seq ?? 0;
}

/** What the signals and seats of a journal are at its end, whether the flow still goes the recorded way or not. */
function keptOf(
  definition: RunDefinition,
  entries: readonly ReplayedEntry[],
  options: Omit<ReplayOptions, "keep">,
): KeptState {
  let way = entries;
  let kernel: RunKernel;
  try {
    kernel = replayRun(definition, entries, { ...options, keep: true });
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== "divergence") throw error;
    way = entries.slice(0, Number(error.details["seq"]) - 1);
    kernel = replayRun(definition, way, { ...options, keep: true });
  }
  const { signals, seats } = kernel.kept;
  const box = new SignalBox();
  box.load(signals);
  const last = new Map(seats?.map((seat) => [seat.seat, seat]));
  for (const { entry, value } of entries.slice(way.length)) {
    if (entry.type === "signal_received") {
      // One that a step took is in that step's completion.
      if (box.admit(entry.id) && entry.key === undefined) box.keep(entry.name, value ?? null);
    } else if (entry.type === "seat_changed") {
      const { seat, generation, holder } = entry;
      last.set(seat, { seat, generation, ...(holder === undefined ? {} : { holder }) });
    }
  }
  return { signals: box.save(), seats: [...last.values()] };
}
