/**
 * What is recorded about runs, for reading: rows and journals, checked.
 *
 * Owns: opening a data directory only to look into it, beside a host that works there or without one.
 * Does not own: anything that changes a run (host.ts).
 */
import { hash } from "node:crypto";
import type { JournalRow, RunQuery, RunRecord, ScheduleRecord, Stores, TailRow } from "../stores/ports.ts";
import { exportRun } from "./archive/index.ts";
import { EngineError, readJournal } from "./engine/index.ts";
import { KernelError, type ReplayedEntry } from "./kernel/index.ts";
import { ScheduleError } from "./schedules/index.ts";

/** The stores that records are read from. */
export type RecordStores = Pick<Stores, "runs" | "journals" | "blobs" | "documents" | "schedules">;

/** The runs and schedules of a store. */
export class RunRecords {
  readonly #stores: RecordStores;

  /** @param stores stay their owner's: they must be open as long as this is used. */
  constructor(stores: RecordStores) {
    this.#stores = stores;
  }

  /** A run's row. @throws EngineError `run_unknown`. */
  async run(runId: string): Promise<RunRecord> {
    const record = await this.#stores.runs.get(runId);
    if (record !== undefined) return record;
    throw new EngineError("run_unknown", `there is no run ${runId}`, { details: { runId } });
  }

  /** Runs, newest first. */
  runs(query: RunQuery): Promise<readonly RunRecord[]> {
    return this.#stores.runs.list(query);
  }

  /** A schedule. @throws ScheduleError `schedule_unknown`. */
  async schedule(name: string): Promise<ScheduleRecord> {
    const schedule = await this.#stores.schedules.get(name);
    if (schedule !== undefined) return schedule;
    throw new ScheduleError("schedule_unknown", `there is no schedule ${name}`, { details: { name } });
  }

  /** Schedules by name, after `after`. */
  schedules(query: { readonly limit: number; readonly after?: string }): Promise<readonly ScheduleRecord[]> {
    return this.#stores.schedules.list(query);
  }

  /**
   * A run's journal, blobs loaded.
   * @throws EngineError `run_unknown`; KernelError `journal_corrupt` or `journal_newer`, naming the first bad entry: a
   *   broken digest chain, a damaged blob, or an end that is missing.
   */
  async journal(runId: string): Promise<readonly ReplayedEntry[]> {
    // The row first: a journal that grows meanwhile is only longer.
    const { nextSeq } = await this.run(runId);
    const { entries } = await readJournal(this.#stores, runId, { hash: (text) => hash("sha256", text) });
    if (entries.length + 1 >= nextSeq) return entries;
    const seq = entries.length + 1;
    throw new KernelError("journal_corrupt", `journal entry ${seq} is missing: the run has ${nextSeq - 1} entries`, {
      seq,
    });
  }

  /** Rows of a run's journal, as they are, from a seq on. @throws EngineError `run_unknown`. */
  async entries(runId: string, fromSeq: number, limit: number): Promise<readonly JournalRow[]> {
    await this.run(runId);
    return this.#stores.journals.read(runId, fromSeq, limit);
  }

  /** Rows of all journals in the order they were committed, after a position. */
  tail(after: number, limit: number): Promise<readonly TailRow[]> {
    return this.#stores.journals.tail(after, limit);
  }

  /** The position of the last row there ever was. */
  end(): Promise<number> {
    return this.#stores.journals.end();
  }

  /**
   * The lines of a run's archive, as the run is now.
   * @throws EngineError `run_unknown`, before the first line; while they are read, as exportRun.
   */
  async archive(runId: string): Promise<AsyncGenerator<string>> {
    return exportRun(await this.run(runId), this.#stores);
  }
}

/** Records that are open, and their store with them. */
export interface OpenRecords extends AsyncDisposable {
  readonly records: RunRecords;
}

/**
 * Opens the records of a data directory for reading. Changes nothing there.
 * @throws StoreError `store_missing`, `store_older`, `store_newer`, `store_corrupt` or `store_io`.
 */
export async function openRecords(dataDir: string): Promise<OpenRecords> {
  const { openSqliteStores } = await import("../stores/sqlite/index.ts");
  const stores = await openSqliteStores({ dataDir, mode: "read" });
  return {
    records: new RunRecords(stores),
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  };
}

/** The process that owns a data directory now; undefined where none does. @throws StoreError `store_io`. */
export async function directoryOwner(dataDir: string): Promise<number | undefined> {
  const { directoryOwner: owner } = await import("../stores/sqlite/index.ts");
  return owner(dataDir);
}
