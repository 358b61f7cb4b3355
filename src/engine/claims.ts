/**
 * What this host takes over: claims, and the runs they bring back to life.
 *
 * Owns: which runs are being revived, and the order of claims. Does not own: how a run is rebuilt (revival), the drivers
 * (engine), when claims are due.
 *
 * C1  One claim at a time: what each brings is being revived before the next asks.
 * C2  A run that is this host's and that it drives is never claimed by it, also where it was launched a moment ago: its
 *     driver would be fenced off.
 */
import { type ClaimOrder, type RunPatch, type RunRecord, StoreError } from "../../stores/ports.ts";
import { FlowError } from "../flow/index.ts";
import type { Clock } from "./clock.ts";
import { EngineError } from "./errors.ts";
import { closedError, lostError, unknownRun } from "./refusals.ts";
import {
  type ResumeOrder,
  type RevivalPorts,
  type RevivedRun,
  revive,
  SNAPSHOT_EVERY,
  type SnapshotBody,
} from "./revival.ts";
import type { DrivenRun, RunDriver } from "./run-driver.ts";
import { hasBegun, NEVER_BEGAN } from "./unwritten-runs.ts";

const DEFAULT_MAX_RECOVERIES = 5;
/** Runs claimed at once. */
const CLAIM_LIMIT = 256;

/** What recovery found. */
export interface Recovery {
  /** Runs that go on. */
  readonly resumed: number;
  /** Runs put aside, with the reason in their rows. */
  readonly putAside: number;
}

/** What claims need. */
export interface ClaimPorts extends RevivalPorts {
  readonly clock: Clock;
  readonly hostId: string;
  /** Claims without progress after which a run is put aside as `dead_letter`. Default 5. */
  readonly maxRecoveries?: number;
  /** The live runs. */
  readonly drivers: ReadonlyMap<string, RunDriver>;
  /** Makes a run live. */
  readonly drive: (run: DrivenRun) => RunDriver;
  /** Told of a run that was put aside as `dead_letter`. */
  readonly abandoned: (record: RunRecord, error: EngineError) => void;
}

/** The claims of one engine. */
export class Claims {
  readonly #ports: ClaimPorts;
  /** Revivals under way, by run. */
  readonly #reviving = new Map<string, Promise<RunDriver>>();
  /** The claims so far; the next begins when they are done. Never rejects. */
  #latest: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(ports: ClaimPorts) {
    this.#ports = ports;
  }

  /** Whether the run is being revived. */
  has(runId: string): boolean {
    return this.#reviving.has(runId);
  }

  /** Claims nothing more; resolves when what is under way is done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#latest;
    await Promise.allSettled([...this.#reviving.values()]);
  }

  /**
   * Claims and revives a run, unless a claim before this one has brought it: claimed again, that one's driver would be
   * fenced off. Resolves when it is driven. Rejects with EngineError.
   */
  async one(runId: string, order?: ResumeOrder): Promise<void> {
    const { drivers } = this.#ports;
    const { revival } = await this.#serially(async () => {
      if (drivers.has(runId) || this.#reviving.has(runId)) return { revival: this.#reviving.get(runId) };
      return { revival: this.#revival(await this.#claim(runId), order) };
    });
    await revival;
  }

  /** One claim at a time: what each brings is in `#reviving` before the next asks. */
  #serially<T>(claim: () => Promise<T>): Promise<T> {
    const claimed = this.#latest.then(() => {
      if (this.#closed) throw closedError();
      return claim();
    });
    this.#latest = claimed.catch(() => {});
    return claimed;
  }

  async #claim(runId: string): Promise<RunRecord> {
    const { ownership, runs } = this.#ports.stores;
    const [claimed] = await ownership.claim({ hostId: this.#ports.hostId, limit: 1, which: { runId } });
    if (claimed !== undefined) return claimed;
    const record = await runs.get(runId);
    if (record === undefined) throw unknownRun(runId);
    if (hasEnded(record)) {
      throw new EngineError("run_ended", `run ${runId} has ended (${record.status}); fork it to run it again`, {
        details: { runId, status: record.status },
      });
    }
    throw new EngineError(
      "run_elsewhere",
      `run ${runId} is driven by host ${record.owner ?? "unknown"}: ask that one`,
      { details: { runId } },
    );
  }

  /** Claims and revives all there is, a page at a time. Says how many go on and how many could not. */
  async all(first: "own" | "abandoned" | "due"): Promise<Recovery> {
    let resumed = 0;
    let putAside = 0;
    let which: ClaimOrder["which"] = first;
    for (;;) {
      const { hostId, stores, drivers } = this.#ports;
      const order = { hostId, limit: CLAIM_LIMIT, which };
      const { records, revivals } = await this.#serially(async () => {
        // C2. What is not its own any more by the row is claimed whoever drives it: that driver has lost it.
        const except = first === "own" ? [...drivers.keys(), ...this.#reviving.keys()] : [];
        const claimed = await stores.ownership.claim({ ...order, except });
        return { records: claimed, revivals: claimed.map((record) => this.#revival(record)) };
      });
      for (const { status } of await Promise.allSettled(revivals)) {
        if (status === "fulfilled") resumed += 1;
        else putAside += 1;
      }
      const last = records.at(-1);
      if (last === undefined || records.length < CLAIM_LIMIT) return { resumed, putAside };
      if (first === "own") which = { ownAfter: last.runId };
    }
  }

  #revival(record: RunRecord, order?: ResumeOrder): Promise<RunDriver> {
    const { runId } = record;
    const revival = this.#revive(record, order).finally(() => this.#reviving.delete(runId));
    this.#reviving.set(runId, revival);
    // Whoever needs the run awaits it; a run nobody asked for is put aside without ending the process.
    revival.catch(() => {});
    return revival;
  }

  /** Rebuilds a claimed run and lets it go on. What cannot go on is put aside with the reason in its row. */
  async #revive(record: RunRecord, order?: ResumeOrder): Promise<RunDriver> {
    const { maxRecoveries = DEFAULT_MAX_RECOVERIES, clock } = this.#ports;
    // This host lost the run and got it back before it noticed.
    const former = this.#ports.drivers.get(record.runId);
    if (former !== undefined) await former.stop(lostError(record.runId)).then(() => former.settled);
    if (!hasBegun(record)) {
      // The crash came between its row and its first entry, so nobody was told of it; its key is free again.
      await this.#putAside(record, { status: "dead_letter", error: NEVER_BEGAN });
      await this.#ports.stores.runs.remove([record.runId]);
      throw unknownRun(record.runId);
    }
    if (record.recoveryAttempts > maxRecoveries) {
      const error = `recovered ${maxRecoveries} times without progress${record.error === undefined ? "" : `: ${record.error}`}`;
      await this.#putAside(record, { status: "dead_letter", error });
      const stuck = new EngineError("run_stuck", `run ${record.runId} is put aside: ${error}`, {
        details: { runId: record.runId },
      });
      this.#ports.abandoned(record, stuck);
      throw stuck;
    }
    let run: RevivedRun;
    try {
      run = await revive(record, this.#ports, order);
    } catch (error) {
      await this.#putAside(record, { status: "suspended", error: (error as Error).message });
      throw error;
    }
    if (run.savable && run.replayed >= SNAPSHOT_EVERY && run.kernel.result === undefined) await this.#snapshot(run);
    const driver = this.#ports.drive(run);
    driver.carryOut(run.goOn(clock.now()));
    return driver;
  }

  async #snapshot({ runId, kernel, chain, context, paused }: DrivenRun): Promise<void> {
    const { nextSeq, prev } = chain;
    try {
      const body: SnapshotBody = { v: 1, context, kernel: kernel.save(), paused };
      await this.#ports.stores.snapshots.put(runId, { nextSeq, prev, text: JSON.stringify(body) });
    } catch (error) {
      // A state that is too large to be printed, or a store that fails: the next revival reads more, and no more than that.
      if (!(error instanceof FlowError || error instanceof StoreError)) throw error;
    }
  }

  async #putAside({ runId, fence, nextSeq }: RunRecord, patch: RunPatch): Promise<void> {
    const at = this.#ports.clock.now();
    await this.#ports.stores.journals.append([{ runId, fence, expectedSeq: nextSeq, rows: [], patch, at }]);
  }
}

/** Whether nothing more happens to the run. */
export function hasEnded({ status }: RunRecord): boolean {
  return status === "done" || status === "failed" || status === "cancelled" || status === "dead_letter";
}
