/**
 * The runs of a memory store with their journals.
 *
 * Owns: which runs there are, their order by age, and the rows of each journal. Does not own: blobs and documents.
 *
 * M1  `rows[i].seq` is `firstSeq + i`: appends are contiguous from the run's `nextSeq`, which starts at `firstSeq`.
 * M2  `#byAge` holds every run once, oldest first, equal times by ascending run id.
 */
import {
  type Append,
  type AppendResult,
  type JournalRow,
  type RunQuery,
  type RunRecord,
  StoreError,
} from "../ports.ts";

/** A run and its journal. */
interface ShelvedRun {
  record: RunRecord;
  readonly firstSeq: number;
  readonly rows: JournalRow[];
}

/** All runs of one memory store. */
export class RunShelf {
  readonly #runs = new Map<string, ShelvedRun>();
  readonly #byAge: ShelvedRun[] = [];

  /** Adds runs, all or none. Throws StoreError `run_exists`. */
  create(batch: readonly RunRecord[]): void {
    const fresh = new Set<string>();
    for (const { runId } of batch) {
      if (this.#runs.has(runId) || fresh.has(runId)) {
        throw new StoreError("run_exists", `run ${runId} exists already; none of the ${batch.length} runs was added`, {
          details: { runId },
        });
      }
      fresh.add(runId);
    }
    for (const record of batch) {
      const run: ShelvedRun = { record, firstSeq: record.nextSeq, rows: [] };
      this.#runs.set(record.runId, run);
      this.#byAge.splice(this.#place(record), 0, run);
    }
  }

  /** A run's row. */
  get(runId: string): RunRecord | undefined {
    return this.#runs.get(runId)?.record;
  }

  /** Appends, or says why not and changes nothing (P1). */
  append({ runId, fence, expectedSeq, rows, patch, at }: Append): AppendResult {
    const run = this.#runs.get(runId);
    if (run === undefined) return "unknown_run";
    if (run.record.fence !== fence) return "fenced";
    if (run.record.nextSeq !== expectedSeq) return "lost_race";
    for (const row of rows) run.rows.push(row);
    run.record = { ...run.record, ...patch, nextSeq: expectedSeq + rows.length, updatedAt: at };
    return "appended";
  }

  /** At most `limit` rows of a run's journal from `fromSeq` on. */
  read(runId: string, fromSeq: number, limit: number): readonly JournalRow[] {
    const run = this.#runs.get(runId);
    if (run === undefined || limit <= 0) return [];
    const start = Math.max(fromSeq - run.firstSeq, 0);
    return run.rows.slice(start, start + limit);
  }

  /** Runs that match, newest first. */
  list({ status, blueprintId, limit, before }: RunQuery): readonly RunRecord[] {
    const listed: RunRecord[] = [];
    for (let index = this.#end(before) - 1; index >= 0 && listed.length < limit; index -= 1) {
      const { record } = this.#byAge[index]!;
      if (status !== undefined && !status.includes(record.status)) continue;
      if (blueprintId !== undefined && record.blueprintId !== blueprintId) continue;
      listed.push(record);
    }
    return listed;
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

function isOlder(left: RunRecord, right: RunRecord): boolean {
  return left.createdAt === right.createdAt ? left.runId < right.runId : left.createdAt < right.createdAt;
}
