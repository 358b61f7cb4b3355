/**
 * Runs whose journal could not be written: each is suspended, with the reason in its row, as soon as the store can be
 * written again.
 *
 * Owns: which runs those are, and trying again. Does not own: stopping their drivers.
 *
 * U1  Nothing of what could not be written is assumed: the row is read again, and changed under the run's fence.
 * U2  A run without a single durable entry never began: it is removed, so that a launch with its key starts afresh.
 * U3  While there are none, nothing ticks.
 */
import { type Append, type RunRecord, StoreError, type Stores } from "../../stores/ports.ts";
import type { Clock, Timer } from "./clock.ts";
import type { EngineError } from "./errors.ts";

/** Milliseconds between tries. */
const TRY_AGAIN_MS = 5_000;

/** What is known of one. */
interface Unwritten {
  readonly fence: number;
  readonly error: EngineError;
}

/** Where runs are kept. */
export interface UnwrittenPorts {
  readonly stores: Pick<Stores, "journals" | "runs">;
  readonly clock: Clock;
}

/** The unwritten runs of one engine. */
export class UnwrittenRuns {
  readonly #ports: UnwrittenPorts;
  readonly #runs = new Map<string, Unwritten>();
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(ports: UnwrittenPorts) {
    this.#ports = ports;
  }

  /** Adds a run whose driver has stopped. */
  add(runId: string, fence: number, error: EngineError): void {
    if (this.#closed) return;
    this.#runs.set(runId, { fence, error });
    this.#try();
  }

  /** Resolves when the run is not among them. Rejects with StoreError where the store still cannot be written. */
  async settled(runId: string): Promise<void> {
    while (this.#runs.has(runId) && !this.#closed) await this.#written();
  }

  /** Tries no more. What is left is found at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#writing?.catch(notYet);
  }

  #try(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#written()
      .catch(notYet)
      .finally(() => {
        if (this.#runs.size === 0 || this.#closed || this.#timer !== undefined) return;
        const { clock } = this.#ports;
        this.#timer = clock.timer(clock.now() + TRY_AGAIN_MS, () => this.#try());
      });
  }

  /** The writing under way, or a new one. */
  #written(): Promise<void> {
    this.#writing ??= this.#write();
    return this.#writing;
  }

  async #write(): Promise<void> {
    try {
      const { stores, clock } = this.#ports;
      const runs = [...this.#runs];
      const records = await Promise.all(runs.map(([runId]) => stores.runs.get(runId)));
      const appends: Append[] = [];
      const begun: boolean[] = [];
      runs.forEach(([runId, unwritten], index) => {
        const record = records[index];
        if (record === undefined || record.fence !== unwritten.fence) this.#forget(runId, unwritten);
        else {
          begun.push(hasBegun(record));
          appends.push(asideOf(record, unwritten, clock.now()));
        }
      });
      if (appends.length === 0) return;
      const results = await stores.journals.append(appends);
      const removed = appends.filter((_, index) => results[index] === "appended" && !begun[index]);
      if (removed.length > 0) await stores.runs.remove(removed.map(({ runId }) => runId));
      // Whoever lost the race is looked at again; what has another owner now is not this host's to change.
      for (const [index, { runId }] of appends.entries()) if (results[index] !== "lost_race") this.#runs.delete(runId);
    } finally {
      this.#writing = undefined;
    }
  }

  #forget(runId: string, unwritten: Unwritten): void {
    if (this.#runs.get(runId) === unwritten) this.#runs.delete(runId);
  }
}

/** Whether anything of the run is durable but its row (U2). */
export function hasBegun({ nextSeq }: RunRecord): boolean {
  return nextSeq > 1;
}

/** What the row of a run says that never began, for the moment before it is removed. */
export const NEVER_BEGAN = "its start never became durable: launch it again";

function asideOf(record: RunRecord, { fence, error }: Unwritten, at: number): Append {
  const { runId, nextSeq: expectedSeq } = record;
  const why = error.cause instanceof StoreError ? `${error.cause.code}: ${error.cause.message}` : error.message;
  const patch = hasBegun(record)
    ? { status: "suspended" as const, error: `${why}; then go on with \`swarm-host runs resume ${runId}\`` }
    : { status: "dead_letter" as const, error: NEVER_BEGAN };
  return { runId, fence, expectedSeq, rows: [], patch, at };
}

/** The next try comes by itself. */
function notYet(): void {}
