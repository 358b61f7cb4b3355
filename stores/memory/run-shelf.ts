/**
 * The runs of a memory store with their journals.
 *
 * Owns: which runs there are, their order by age, and the rows of each journal. Does not own: who owns a run (leases.ts),
 * blobs and documents (contents-shelf.ts), the rows of all runs in one order (journal-log.ts).
 *
 * M1  `rows[i].seq` is `firstSeq + i`: appends are contiguous from the run's `nextSeq`, which starts at `firstSeq`.
 * M2  `#byAge` holds every run once, oldest first, equal times by ascending run id.
 */
import type { Append, AppendResult, JournalRow, RunPatch, RunQuery, RunRecord, Snapshot } from "../ports.ts";
import { runExists, runKeyTaken } from "../refusals.ts";
import { type Relations, removalOf } from "../removal.ts";
import { type Kin, RunLinks } from "./run-links.ts";

/** A run, its journal and its snapshot. */
interface ShelvedRun {
  record: RunRecord;
  readonly firstSeq: number;
  readonly rows: JournalRow[];
  snapshot: Snapshot | undefined;
}

/** All runs of one memory store. */
export class RunShelf {
  readonly #runs = new Map<string, ShelvedRun>();
  readonly #byAge: ShelvedRun[] = [];
  readonly #byKey = new Map<string, string>();
  readonly #links = new RunLinks((runId) => this.get(runId));

  /** Adds runs, all or none. Throws StoreError `run_exists` or `run_key_taken`. */
  create(batch: readonly RunRecord[]): void {
    const fresh = new Set<string>();
    const freshKeys = new Map<string, string>();
    for (const { runId, idempotencyKey } of batch) {
      if (this.#runs.has(runId) || fresh.has(runId)) throw runExists(runId);
      fresh.add(runId);
      if (idempotencyKey === undefined) continue;
      const holder = this.#byKey.get(idempotencyKey) ?? freshKeys.get(idempotencyKey);
      if (holder !== undefined) throw runKeyTaken(idempotencyKey, holder);
      freshKeys.set(idempotencyKey, runId);
    }
    for (const record of batch) {
      const run: ShelvedRun = { record, firstSeq: record.nextSeq, rows: [], snapshot: undefined };
      this.#runs.set(record.runId, run);
      this.#byAge.splice(this.#place(record), 0, run);
      this.#links.add(record);
    }
    for (const [key, runId] of freshKeys) this.#byKey.set(key, runId);
  }

  /** A run's row. */
  get(runId: string): RunRecord | undefined {
    return this.#runs.get(runId)?.record;
  }

  /** The run that was created with an idempotency key. */
  byIdempotencyKey(key: string): RunRecord | undefined {
    const runId = this.#byKey.get(key);
    return runId === undefined ? undefined : this.get(runId);
  }

  /** Appends, or says why not and changes nothing (P1). */
  append({ runId, fence, expectedSeq, rows, patch = {}, at }: Append): AppendResult {
    const run = this.#runs.get(runId);
    if (run === undefined) return "unknown_run";
    if (run.record.fence !== fence) return "fenced";
    if (run.record.nextSeq !== expectedSeq) return "lost_race";
    for (const row of rows) run.rows.push(row);
    run.record = { ...patched(run.record, patch), nextSeq: expectedSeq + rows.length, updatedAt: at };
    return "appended";
  }

  /** Puts another row in the place of a run's. Its id and times of creation are the same. */
  replace(record: RunRecord): void {
    const run = this.#runs.get(record.runId);
    if (run !== undefined) run.record = record;
  }

  /** At most `limit` rows of a run's journal from `fromSeq` on. */
  read(runId: string, fromSeq: number, limit: number): readonly JournalRow[] {
    const run = this.#runs.get(runId);
    if (run === undefined || limit <= 0) return [];
    const start = Math.max(fromSeq - run.firstSeq, 0);
    return run.rows.slice(start, start + limit);
  }

  /** Runs that match, newest first. */
  list({ status, blueprintId, parentRunId, limit, before }: RunQuery): readonly RunRecord[] {
    const listed: RunRecord[] = [];
    for (let index = this.#end(before) - 1; index >= 0 && listed.length < limit; index -= 1) {
      const { record } = this.#byAge[index]!;
      if (status !== undefined && !status.includes(record.status)) continue;
      if (parentRunId !== undefined && record.parentRunId !== parentRunId) continue;
      if (blueprintId !== undefined && record.blueprintId !== blueprintId) continue;
      listed.push(record);
    }
    return listed;
  }

  /** All runs, oldest first. */
  *oldestFirst(): Iterable<RunRecord> {
    for (const { record } of this.#byAge) yield record;
  }

  /** How the runs are related. */
  get relations(): Relations<Kin> {
    return this.#links;
  }

  /** Removes runs and what is below them, all or none. Throws StoreError `run_live` or `run_held`. Gives what was removed. */
  remove(runIds: readonly string[]): readonly RunRecord[] {
    const going = removalOf(runIds, this.#links).map(({ record }) => record);
    for (const record of going) {
      this.#byAge.splice(this.#place(record), 1);
      this.#runs.delete(record.runId);
      this.#links.remove(record);
      if (record.idempotencyKey !== undefined) this.#byKey.delete(record.idempotencyKey);
    }
    return going;
  }

  /** Holds a run, or releases it; says whether it is here. */
  hold(runId: string, held: boolean): boolean {
    const run = this.#runs.get(runId);
    if (run === undefined) return false;
    const { held: _former, ...rest } = run.record;
    run.record = held ? { ...rest, held } : rest;
    return true;
  }

  /** Bytes of a run's entries. */
  size(runId: string): number {
    return (this.#runs.get(runId)?.rows ?? []).reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  }

  /** Keeps a snapshot, unless the run has a newer one or is not here. */
  putSnapshot(runId: string, snapshot: Snapshot): void {
    const run = this.#runs.get(runId);
    if (run !== undefined && snapshot.nextSeq >= (run.snapshot?.nextSeq ?? 0)) run.snapshot = snapshot;
  }

  /** A run's newest snapshot. */
  snapshot(runId: string): Snapshot | undefined {
    return this.#runs.get(runId)?.snapshot;
  }

  /** Where in `#byAge` the runs older than `before` end. */
  #end(before: string | undefined): number {
    if (before === undefined) return this.#byAge.length;
    const cursor = this.#runs.get(before);
    return cursor === undefined ? 0 : this.#place(cursor.record);
  }

  /** How many runs are older than `record`. */
  #place(record: RunRecord): number {
    let low = 0;
    let high = this.#byAge.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isOlder(this.#byAge[middle]!.record, record)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether `left` comes before `right` in age, equal times by run id. */
export function isOlder(left: RunRecord, right: RunRecord): boolean {
  return left.createdAt === right.createdAt ? left.runId < right.runId : left.createdAt < right.createdAt;
}

function patched(record: RunRecord, { wakeAt, error, ...rest }: RunPatch): RunRecord {
  const { wakeAt: formerWake, error: formerError, ...kept } = record;
  const nextWake = wakeAt === undefined ? formerWake : (wakeAt ?? undefined);
  const nextError = error === undefined ? formerError : (error ?? undefined);
  return {
    ...kept,
    ...rest,
    ...(nextWake === undefined ? {} : { wakeAt: nextWake }),
    ...(nextError === undefined ? {} : { error: nextError }),
  };
}
