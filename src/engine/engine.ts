/**
 * The engine: launches runs, drives them, brings them back, and stops them in good order.
 *
 * Owns: the live runs of this host and who watches them. Does not own: what a Blueprint is (executables are handed in or
 * resolved), which worker a step gets (the executable's dispatch), or how anything is stored (the ports).
 *
 * N1  `launch` returns before anything is durable; whoever tells somebody else that the run exists awaits `accepted`.
 * N2  A run is driven by one driver at a time. What comes for a run without one claims and revives it; what comes while
 *     one is being revived or parked waits for that.
 * N3  A run that only waits leaves memory; the earliest time any of them waits for is the engine's one timer.
 * N4  Disposing aborts every live attempt and waits for it, and leaves unfinished runs as their journals have them.
 */
import type { RunRecord, Stores } from "../../stores/ports.ts";
import type { Json, JsonObject, StepKey } from "../flow/index.ts";
import {
  type HashText,
  JournalChain,
  type ParentAttempt,
  RunKernel,
  type RunResult,
  type SeatChange,
} from "../kernel/index.ts";
import { Claims, hasEnded, type Recovery } from "./claims.ts";
import type { Clock, Timer } from "./clock.ts";
import type { StepEvent } from "./dispatch.ts";
import { EngineError } from "./errors.ts";
import type { Executable } from "./executable.ts";
import { FairQueues } from "./fair-queues.ts";
import { type ForkOrder, forkStart } from "./fork.ts";
import { JournalWriter } from "./journal-writer.ts";
import { closedError, isElsewhere, isEnded, unknownRun } from "./refusals.ts";
import type { ResumeOrder } from "./revival.ts";
import { type DrivenRun, type DriverPorts, RunDriver } from "./run-driver.ts";
import { readResult } from "./run-end.ts";
import type { HostObserver, RunObserver } from "./run-events.ts";
import { RunWatch } from "./run-watch.ts";
import { stepIdOf } from "./step-id.ts";
import { hasBegun, UnwrittenRuns } from "./unwritten-runs.ts";

/** What the engine needs of the world. */
export interface EnginePorts {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly hash: HashText;
  /** A new run id: `R-` and at least 16 lower-case hex digits, unique over all hosts. */
  readonly newRunId: () => string;
  /** This host's name in run rows. */
  readonly hostId: string;
  /** The host's version, recorded with every run. */
  readonly version: string;
  /** The executable of a pinned Blueprint version, for runs that are brought back. */
  readonly resolve: (version: string) => Promise<Executable>;
  /** Where attempts wait for the places that agents' policies bound (`policy.concurrency`). Default: queues of its own. */
  readonly places?: FairQueues;
  /** How long a run that only waits stays in memory, in milliseconds. Default 1000. */
  readonly parkAfterMs?: number;
  /** Claims without progress after which a run is put aside as `dead_letter`. Default 5. */
  readonly maxRecoveries?: number;
  /** Told when a child run has ended, or was put aside for good: its parent may wait for that. Default: nobody. */
  readonly childEnded?: (parentRunId: string) => void;
}

/** One run to launch. */
export interface LaunchOrder {
  readonly executable: Executable;
  /** The initial ctx, defaults already merged. */
  readonly ctx: Json;
  /** Supplied to workers beside their input: project_root, work_dir, task_metadata, ... */
  readonly context: JsonObject;
  /** Told everything from the first step on. */
  readonly observer?: RunObserver;
  /** A launch with the key of an earlier one is that run: nothing new is started. At most 200 characters. */
  readonly idempotencyKey?: string;
  /** The attempt of another run that this one is started for. */
  readonly parent?: ParentAttempt;
}

/** A run, as its launcher sees it. */
export interface RunHandle {
  readonly runId: string;
  /** Resolves when the run's start is durable. */
  readonly accepted: Promise<void>;
  /** How it ends. Rejects with EngineError where this host stops driving it before that. */
  readonly result: Promise<RunResult>;
  /** Resolves when every attempt has stopped and the cancelled end is journaled; a second cancel waits for the same. */
  cancel(request: CancelRequest): Promise<void>;
}

/** Who wants a run stopped, and why. */
export interface CancelRequest {
  readonly reason: string;
  readonly by: string;
}

const DEFAULT_PARK_AFTER_MS = 1_000;

/** Runs runs. */
export class Engine implements AsyncDisposable {
  readonly #ports: EnginePorts;
  readonly #driverPorts: Omit<DriverPorts, "announce">;
  readonly #drivers = new Map<string, RunDriver>();
  readonly #claims: Claims;
  readonly #watch = new RunWatch();
  readonly #unwritten: UnwrittenRuns;
  /** Runs that are being woken: whoever wakes one meanwhile waits for the same. */
  readonly #waking = new Map<string, Promise<void>>();
  #wake: { readonly timer: Timer; readonly at: number } | undefined;
  #isClosed = false;

  constructor(ports: EnginePorts) {
    this.#ports = ports;
    const { clock, hash, stores } = ports;
    this.#driverPorts = {
      clock,
      writer: new JournalWriter(stores.journals),
      places: ports.places ?? new FairQueues(clock),
      stepId: (runId, key) => stepIdOf(hash, runId, key),
      parkAfterMs: ports.parkAfterMs ?? DEFAULT_PARK_AFTER_MS,
    };
    this.#unwritten = new UnwrittenRuns(ports);
    this.#claims = new Claims({
      ...ports,
      drivers: this.#drivers,
      drive: (run) => this.#drive(run),
      abandoned: (record, error) => this.#abandoned(record, error),
    });
  }

  /** Runs in memory. */
  get live(): number {
    return this.#drivers.size;
  }

  /**
   * Starts a run (N1).
   * @throws EngineError `engine_closed`.
   */
  launch(order: LaunchOrder): RunHandle {
    const { executable, ctx, context, observer, idempotencyKey, parent } = order;
    const { clock, hash, version } = this.#ports;
    const start = { now: clock.now(), context, engine: version, hash, ...(parent === undefined ? {} : { parent }) };
    const row = {
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(parent === undefined
        ? {}
        : { parentRunId: parent.run, parentStep: { key: parent.key, attempt: parent.attempt } }),
    };
    return this.#begin(executable, observer, () => RunKernel.start(executable, ctx, start), context, row);
  }

  /**
   * A handle on a run that exists: this host's, another's, or one that has ended.
   * @throws EngineError `run_unknown`.
   */
  async attach(runId: string): Promise<RunHandle> {
    const record = await this.#ports.stores.runs.get(runId);
    if (record === undefined) throw unknownRun(runId);
    const handle = this.#handle(runId, Promise.resolve());
    if (hasEnded(record)) this.#watch.settle(runId, await readResult(record, this.#ports.stores, this.#ports.hash));
    return handle;
  }

  /**
   * Starts a new run that shares what another has recorded. The source is not changed.
   * @throws EngineError `run_unknown`, `key_unknown`, `fork_live`, `engine_closed`.
   */
  async fork(order: ForkOrder & { readonly observer?: RunObserver }): Promise<RunHandle> {
    const { stores, hash, clock, version } = this.#ports;
    const { executable, observer } = order;
    const { ctx, context, offer, forkedFrom } = await forkStart(order, stores, hash);
    const { records, externs: offeredExterns } = offer;
    const start = { hash, records, offeredExterns, now: clock.now(), context, engine: version, forkedFrom };
    const row = { forkedFrom: order.runId };
    return this.#begin(executable, observer, () => RunKernel.start(executable, ctx, start), context, row);
  }

  /**
   * Brings back the runs that nobody drives, once, at start, before any launch. Runs whose recovery keeps failing become `dead_letter`; runs
   * that cannot be rebuilt become `suspended`. Waiting runs stay on disk until their time comes.
   */
  async recover(): Promise<Recovery> {
    const own = await this.#claims.all("own");
    const abandoned = await this.#claims.all("abandoned");
    await this.#planWake();
    return { resumed: own.resumed + abandoned.resumed, putAside: own.putAside + abandoned.putAside };
  }

  /**
   * Asks a run to stop and waits until it has.
   * @throws EngineError `run_unknown`, `run_ended`, `run_elsewhere`, `run_stuck`.
   */
  async cancel(runId: string, request: CancelRequest): Promise<void> {
    const end = await this.#control(runId, (driver) => driver.cancel(request).then(() => driver.settled));
    if (end.kind === "stopped") throw end.error;
  }

  /** Lets no further attempt of a run start. Resolves when that is durable. Throws as `cancel`. */
  pause(runId: string, request: { readonly reason: string }): Promise<void> {
    return this.#control(runId, (driver) => {
      driver.pause(request);
      return driver.durable();
    });
  }

  /**
   * Ends a pause or a suspension, with what to do where the run diverges from its journal. Resolves when that is durable.
   * Throws as `cancel`.
   */
  resume(runId: string, order: ResumeOrder): Promise<void> {
    const unpause = (driver: RunDriver): Promise<void> => {
      driver.unpause(order);
      return driver.durable();
    };
    return this.#control(runId, unpause, order);
  }

  /** Sends a run a signal. Resolves when it is durable; the same id again changes nothing. Throws as `cancel`. */
  signal(runId: string, signal: { readonly name: string; readonly id: string; readonly value: Json }): Promise<void> {
    return this.#control(runId, (driver) => {
      driver.carryOut(driver.run.kernel.signal(signal, this.#ports.clock.now()));
      return driver.durable();
    });
  }

  /**
   * Brings a run into memory that waits, or that nobody drives though it should be driven. What is in memory, driven by
   * another host, paused, put aside or ended stays as it is; one that never began is removed (UnwrittenRuns U2). Throws `run_unknown`, `run_elsewhere` where it waits, `run_stuck`.
   */
  wake(runId: string): Promise<void> {
    let waking = this.#waking.get(runId);
    if (waking === undefined) {
      waking = Promise.resolve().then(() => this.#wakeUp(runId));
      this.#waking.set(runId, waking);
    }
    return waking;
  }

  async #wakeUp(runId: string): Promise<void> {
    try {
      for (;;) {
        if (this.#isClosed) throw closedError();
        const driver = this.#drivers.get(runId);
        if (driver?.takesCalls === true) return driver.stir();
        if (driver !== undefined) await driver.settled;
        else if (this.#claims.has(runId)) await this.#bring(runId);
        else if (await this.#isLeft(runId)) return;
      }
    } finally {
      // At once: who asks from here on may know what the run has not seen.
      this.#waking.delete(runId);
    }
  }

  /** Brings a run that nobody brings yet. True: it is not to be brought. */
  async #isLeft(runId: string): Promise<boolean> {
    const record = await this.#ports.stores.runs.get(runId);
    if (record === undefined) throw unknownRun(runId);
    if (this.#drivers.has(runId) || this.#claims.has(runId)) return false;
    const isDriven = record.status === "running" || record.status === "pending";
    if (record.status === "dead_letter" && !hasBegun(record)) await this.#ports.stores.runs.remove([runId]);
    if (record.status !== "waiting" && !isDriven) return true;
    try {
      await this.#bring(runId);
    } catch (error) {
      if (!(isDriven && isElsewhere(error))) throw error;
      return true;
    }
    return false;
  }

  /** Claims and revives a run, unless it ends before its turn comes. */
  async #bring(runId: string): Promise<void> {
    try {
      await this.#claims.one(runId);
    } catch (error) {
      if (!isEnded(error)) throw error;
    }
  }

  /** Records that a seat of a run has changed hands; durable when it resolves. What is not newer changes nothing. Throws as `cancel`. */
  seatChanged(runId: string, change: SeatChange): Promise<void> {
    return this.#control(runId, (driver) => {
      driver.carryOut(driver.run.kernel.seatChanged(change));
      return driver.durable();
    });
  }

  /** Tells the watchers of a run, and the attempt's heartbeat, something from outside. Dropped where the attempt is not live. */
  emit(runId: string, key: StepKey, attempt: number, event: StepEvent): void {
    this.#drivers.get(runId)?.emit(key, attempt, event);
  }

  /**
   * Resolves when the row of a run that could not be written says so; at once where that is not so. Rejects with StoreError
   * where the store still cannot be written.
   */
  putAside(runId: string): Promise<void> {
    return this.#unwritten.settled(runId);
  }

  /** Tells an observer every event of a run from now on; the returned function ends that. */
  observe(runId: string, observer: RunObserver): () => void {
    return this.#watch.observe(runId, observer);
  }

  /** Tells an observer every event of every run from now on; the returned function ends that. */
  observeAll(observer: HostObserver): () => void {
    return this.#watch.observeAll(observer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#wake?.timer.cancel();
    await this.#claims.close();
    await this.#unwritten.close();
    const error = closedError();
    await Promise.all([...this.#drivers.values()].map((driver) => driver.stop(error).then(() => driver.settled)));
    this.#watch.close(error);
    await this.#ports.stores.ownership.leave(this.#ports.hostId);
  }

  #begin(
    executable: Executable,
    observer: RunObserver | undefined,
    start: () => ReturnType<typeof RunKernel.start>,
    context: JsonObject,
    row: Pick<RunRecord, "forkedFrom" | "idempotencyKey" | "parentRunId" | "parentStep">,
  ): RunHandle {
    if (this.#isClosed) throw closedError();
    const { stores, clock, hash, hostId, newRunId } = this.#ports;
    const now = clock.now();
    const runId = newRunId();
    const record: RunRecord = {
      ...row,
      runId,
      status: "running",
      blueprintId: executable.blueprint.id,
      blueprintVersion: executable.blueprint.version,
      fence: 1,
      owner: hostId,
      nextSeq: 1,
      createdAt: now,
      updatedAt: now,
      recoveryAttempts: 0,
    };
    // First, for it refuses what no run can begin with: then there is no row of it either.
    const { kernel, decisions } = start();
    const created = stores.runs.create([record]);
    if (observer !== undefined) this.#watch.observe(runId, observer);
    const driver = this.#drive({
      runId,
      fence: 1,
      executable,
      kernel,
      chain: new JournalChain(hash),
      context,
      recoveryAttempts: 0,
      paused: false,
      resumed: false,
      ...(row.parentRunId === undefined ? {} : { parentRunId: row.parentRunId }),
    });
    driver.carryOut(decisions);
    const accepted = created.then(() => driver.durable());
    accepted.catch((error: unknown) => driver.stop(error as Error));
    return this.#handle(runId, accepted);
  }

  #handle(runId: string, accepted: Promise<void>): RunHandle {
    const result = this.#watch.result(runId);
    const cancel = async (request: CancelRequest): Promise<void> => {
      try {
        await this.cancel(runId, request);
      } catch (error) {
        // What has ended by itself needs no cancelling.
        if (!isEnded(error)) throw error;
      }
    };
    return { runId, accepted, result, cancel };
  }

  #drive(run: DrivenRun): RunDriver {
    const { runId } = run;
    const driver = new RunDriver(run, { ...this.#driverPorts, announce: (event) => this.#watch.tell(runId, event) });
    this.#drivers.set(runId, driver);
    void driver.settled.then((end) => {
      this.#drivers.delete(runId);
      if (end.kind === "ended") {
        this.#watch.ended(runId, end.result);
        if (run.parentRunId !== undefined) this.#ports.childEnded?.(run.parentRunId);
      } else if (end.kind === "stopped") {
        this.#watch.failed(runId, end.error);
        if (isUnwritten(end.error)) this.#unwritten.add(runId, run.fence, end.error);
      } else if (end.wakeAt !== undefined) this.#wakeBy(end.wakeAt);
    });
    return driver;
  }

  /** A run was put aside for good. */
  #abandoned({ runId, parentRunId }: RunRecord, error: EngineError): void {
    this.#watch.failed(runId, error);
    if (parentRunId !== undefined) this.#ports.childEnded?.(parentRunId);
  }

  /**
   * Tells the run's driver something, at once where it has one (N2). What comes for a run whose end is decided waits for
   * that end: it would change nothing, and must not be acknowledged.
   */
  async #control<T>(runId: string, tell: (driver: RunDriver) => Promise<T>, order?: ResumeOrder): Promise<T> {
    for (;;) {
      if (this.#isClosed) throw closedError();
      const driver = this.#drivers.get(runId);
      if (driver === undefined) await this.#claims.one(runId, order);
      else if (driver.takesCalls) return tell(driver);
      else await driver.settled;
    }
  }

  /** Sets the engine's one timer for what waits on disk (N3). */
  async #planWake(): Promise<void> {
    const at = await this.#ports.stores.ownership.nextWake();
    if (at !== undefined) this.#wakeBy(at);
  }

  #wakeBy(at: number): void {
    if (this.#isClosed || (this.#wake !== undefined && this.#wake.at <= at)) return;
    this.#wake?.timer.cancel();
    const timer = this.#ports.clock.timer(at, () => {
      this.#wake = undefined;
      void this.#wakeDue();
    });
    this.#wake = { timer, at };
  }

  async #wakeDue(): Promise<void> {
    await this.#claims.all("due");
    await this.#planWake();
  }
}

function isUnwritten(error: Error): error is EngineError {
  return error instanceof EngineError && error.code === "journal_write";
}
