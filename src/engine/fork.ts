/**
 * Forks: what a new run takes over from one that exists.
 *
 * Every recorded completion is offered to the new run; it takes those whose node, agent binding and input are still the
 * same (kernel), so only what changed, and what depends on a changed value, is executed again. A rerun is a fork from the
 * start: it is offered nothing.
 *
 * F1  What is offered is decided once, by what the fork's first entry says: the source's entries so far, but for those to
 *     be executed again. A later life of the fork is offered the same, whatever the source has done since.
 * F2  A source that is removed offers nothing more; what was taken over is in the fork's own journal.
 */
import type { RunRecord, Stores } from "../../stores/ports.ts";
import type { Json, JsonObject, StepKey } from "../flow/index.ts";
import {
  completionsOf,
  externValuesOf,
  type ForkOrigin,
  type HashText,
  type JournalEntry,
  type RecordedCompletion,
  type ReplayedEntry,
} from "../kernel/index.ts";
import { EngineError } from "./errors.ts";
import type { Executable } from "./executable.ts";
import { readJournal } from "./journal-reader.ts";
import { unknownRun } from "./refusals.ts";

/** What to fork. */
export interface ForkOrder {
  /** The source. */
  readonly runId: string;
  /** The version to run: the source's pinned one or a newer. */
  readonly executable: Executable;
  /**
   * What to execute again whatever it depends on: a step key with everything below it (a loop turn `2.~1`, a lane
   * `3.@0`); `failed`: the steps that did not pass; `start`: everything. Default `failed`.
   */
  readonly from?: string;
  /** Changes the source's initial ctx. Default: it is taken as it was. */
  readonly ctx?: (initial: Json) => Json;
  /** Changes what the source was launched with. Default: it is taken as it was. */
  readonly context?: (launch: JsonObject) => JsonObject;
}

/** What the completions and extern values of a source are offered as. */
export interface Offer {
  readonly records: ReadonlyMap<StepKey, RecordedCompletion>;
  /** By `siteId`. Those of a flow that is the same, else none: sites of another flow may ask for something else. */
  readonly externs: ReadonlyMap<string, Json>;
}

/** What the new run starts with. */
export interface ForkStart {
  readonly ctx: Json;
  readonly context: JsonObject;
  readonly offer: Offer;
  /** As the new run's journal has it. */
  readonly forkedFrom: ForkOrigin;
}

type ReadStores = Pick<Stores, "journals" | "blobs" | "runs">;

const NOTHING: Offer = { records: new Map(), externs: new Map() };

/**
 * Reads the source. Rejects with EngineError `run_unknown`, `fork_live` where it is to be forked from what failed, or run
 * again, and has not ended, or `key_unknown`.
 */
export async function forkStart(order: ForkOrder, stores: ReadStores, hash: HashText): Promise<ForkStart> {
  const { runId, from: key = "failed", executable } = order;
  const record = await stores.runs.get(runId);
  if (record === undefined) throw unknownRun(runId);
  if (isKeyword(key) && GOING.has(record.status)) throw stillGoing(record, key);
  const { entries } = await readJournal(stores, runId, { hash });
  const [first] = entries;
  if (first?.entry.type !== "run_started") {
    throw new EngineError("run_unknown", `run ${runId} never started: there is nothing to fork`, {
      details: { runId },
    });
  }
  if (!isKeyword(key) && !entries.some(({ entry }) => "key" in entry && isAtOrBelow(entry.key, key))) {
    throw new EngineError("key_unknown", `run ${runId} has no record of step ${key}; 'runs show' lists its step keys`, {
      details: { runId, key },
    });
  }
  const initial = first.value ?? {};
  const forkedFrom = { run: runId, key, entries: entries.length };
  return {
    ctx: order.ctx === undefined ? initial : order.ctx(initial),
    context: order.context === undefined ? first.entry.context : order.context(first.entry.context),
    offer: offerOf(entries, forkedFrom, executable.flowDigest),
    forkedFrom,
  };
}

/** What a fork that is brought back is offered (F1). */
export async function renewedOffer(
  record: RunRecord,
  flowDigest: string,
  stores: Pick<Stores, "journals" | "blobs">,
  hash: HashText,
): Promise<Offer> {
  if (record.forkedFrom === undefined) return NOTHING;
  const [row] = await stores.journals.read(record.runId, 1, 1);
  const first = row === undefined ? undefined : (JSON.parse(row.text) as JournalEntry);
  const origin = first?.type === "run_started" ? first.forked_from : undefined;
  if (origin === undefined || origin.key === "start") return NOTHING;
  const { entries } = await readJournal(stores, origin.run, { hash });
  return offerOf(entries, origin, flowDigest);
}

function offerOf(source: readonly ReplayedEntry[], origin: ForkOrigin, flowDigest: string): Offer {
  if (origin.key === "start") return NOTHING;
  const entries = source.slice(0, origin.entries);
  const [first] = entries;
  const records = new Map(completionsOf(entries, origin.run));
  for (const [key, record] of records) if (isAgain(key, record, origin.key)) records.delete(key);
  const isSameFlow = first?.entry.type === "run_started" && first.entry.flow === flowDigest;
  return { records, externs: isSameFlow ? externValuesOf(entries, (key) => !isAtOrBelow(key, origin.key)) : new Map() };
}

function isAgain(key: StepKey, { outcome }: RecordedCompletion, from: string): boolean {
  return from === "failed" ? outcome !== "pass" && outcome !== "skip" : isAtOrBelow(key, from);
}

function isAtOrBelow(key: StepKey | undefined, from: string): boolean {
  return key !== undefined && (key === from || key.startsWith(`${from}.`));
}

function isKeyword(key: string): boolean {
  return key === "failed" || key === "start";
}

/** Runs that may still do by themselves what a fork would do again. */
const GOING: ReadonlySet<RunRecord["status"]> = new Set<RunRecord["status"]>([
  "pending",
  "running",
  "waiting",
  "paused",
]);

function stillGoing({ runId, status }: RunRecord, key: string): EngineError {
  const what = key === "failed" ? "what failed in it is known at its end" : "it would be run twice at once";
  const message = `run ${runId} has not ended (${status}): ${what}; cancel it first, or fork it from a step key`;
  return new EngineError("fork_live", message, { details: { runId, status } });
}
