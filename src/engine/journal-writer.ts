/**
 * Group commit: the appends of all runs, gathered and handed to the store a batch at a time.
 *
 * Owns: which appends are on their way and which are durable. Does not own: what is appended.
 *
 * W1  Appends of one run reach the store in the order they were made.
 * W2  `durable(run)` resolves when everything appended to that run before the call is durable, and rejects if any of it
 *     is not; once it has rejected for a run, it rejects for ever: that run's owner must stop.
 * W3  At most two batches are on their way; what comes meanwhile becomes the next one.
 */
import { type Append, type JournalStore, type RunPatch, StoreError } from "../../stores/ports.ts";
import type { SealedEntry } from "../kernel/index.ts";
import { EngineError } from "./errors.ts";

const MAX_IN_FLIGHT = 2;

/** Rows of one run that do not wait for the end of the turn (W3 stands). */
const FULL = 2_048;

/** An append being gathered. */
interface Gathering {
  readonly runId: string;
  readonly fence: number;
  readonly expectedSeq: number;
  readonly rows: Append["rows"][number][];
  readonly blobs: { digest: string; text: string }[];
  patch: RunPatch | undefined;
  at: number;
}

/** What becomes of a batch, for those that wait for it. */
interface Batch {
  readonly gathered: Map<string, Gathering>;
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

/** Writes journals for all runs of one engine. */
export class JournalWriter {
  readonly #store: JournalStore;
  readonly #failed = new Map<string, Error>();
  readonly #latest = new Map<string, Batch>();
  #next: Batch | undefined;
  #inFlight = 0;
  #backlog = 0;
  #scheduled = false;

  constructor(store: JournalStore) {
    this.#store = store;
  }

  /** Rows that are not durable yet. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Appends entries at the end of a run's journal. Returns at once; see `durable`. */
  append(
    run: { readonly runId: string; readonly fence: number },
    entries: readonly SealedEntry[],
    at: number,
    patch?: RunPatch,
  ): void {
    const first = entries[0];
    if (first === undefined || this.#failed.has(run.runId)) return;
    const gathering = this.#gather(run, first.seq, at);
    for (const { blob, ...row } of entries) {
      gathering.rows.push(row);
      if (blob !== undefined) gathering.blobs.push(blob);
    }
    gathering.at = at;
    if (patch !== undefined) gathering.patch = { ...gathering.patch, ...patch };
    this.#backlog += entries.length;
    if (gathering.rows.length >= FULL) void this.#send();
    else this.#schedule();
  }

  /** Changes a run's row without an entry, under the same rules. `nextSeq` is where the journal ends. */
  patch(run: { readonly runId: string; readonly fence: number }, nextSeq: number, at: number, patch: RunPatch): void {
    if (this.#failed.has(run.runId)) return;
    const gathering = this.#gather(run, nextSeq, at);
    gathering.patch = { ...gathering.patch, ...patch };
    this.#schedule();
  }

  /** W2. Rejects with EngineError `run_lost` or `journal_write`. */
  async durable(runId: string): Promise<void> {
    await this.#latest.get(runId)?.settled;
    const failure = this.#failed.get(runId);
    if (failure !== undefined) throw failure;
  }

  /** Forgets a run that is finished or lost. Call only when nothing of it is on its way. */
  forget(runId: string): void {
    this.#latest.delete(runId);
    this.#failed.delete(runId);
  }

  #gather(run: { readonly runId: string; readonly fence: number }, nextSeq: number, at: number): Gathering {
    this.#next ??= newBatch();
    let gathering = this.#next.gathered.get(run.runId);
    if (gathering === undefined) {
      gathering = { ...run, expectedSeq: nextSeq, rows: [], blobs: [], patch: undefined, at };
      this.#next.gathered.set(run.runId, gathering);
      this.#latest.set(run.runId, this.#next);
    }
    return gathering;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= MAX_IN_FLIGHT) return;
    this.#scheduled = true;
    // A turn of the microtask queue gathers what one completion decides; more gathers while two batches are on their way.
    queueMicrotask(() => {
      this.#scheduled = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    const batch = this.#next;
    if (batch === undefined || this.#inFlight >= MAX_IN_FLIGHT) return;
    this.#next = undefined;
    this.#inFlight += 1;
    const gathered = [...batch.gathered.values()];
    // What was gathered before its run was refused must not be tried: the journal would have a hole.
    const appends = gathered.filter(({ runId }) => !this.#failed.has(runId)).map(toAppend);
    try {
      const results = appends.length === 0 ? [] : await this.#store.append(appends);
      results.forEach((result, index) => {
        const runId = appends[index]?.runId ?? "";
        if (result !== "appended") this.#failed.set(runId, lost(runId, result));
      });
    } catch (cause) {
      for (const { runId } of appends) this.#failed.set(runId, notWritten(runId, cause));
    } finally {
      this.#inFlight -= 1;
      for (const { runId, rows } of gathered) {
        this.#backlog -= rows.length;
        if (this.#latest.get(runId) === batch && !this.#failed.has(runId)) this.#latest.delete(runId);
      }
      batch.settle();
      if (this.#next !== undefined) this.#schedule();
    }
  }
}

function newBatch(): Batch {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { gathered: new Map(), settled: promise, settle: resolve };
}

function toAppend({ patch, blobs, ...rest }: Gathering): Append {
  return { ...rest, ...(patch === undefined ? {} : { patch }), ...(blobs.length === 0 ? {} : { blobs }) };
}

function lost(runId: string, result: string): EngineError {
  return new EngineError(
    "run_lost",
    `run ${runId} is no longer owned by this host (${result}): its new owner goes on with it`,
    {
      details: { runId, result },
    },
  );
}

function notWritten(runId: string, cause: unknown): EngineError {
  const why = cause instanceof StoreError ? `${cause.code}: ${cause.message}` : String(cause);
  return new EngineError(
    "journal_write",
    `the journal of run ${runId} could not be written (${why}); what was acknowledged is kept`,
    {
      cause,
      details: { runId },
    },
  );
}
