/**
 * The engine: launches runs, drives them, and stops them in good order.
 *
 * Owns: the live runs of this host. Does not own: what a Blueprint is (executables are handed in), which worker a step
 * gets (the executable's dispatch), or how anything is stored (the ports).
 *
 * N1  `launch` returns before anything is durable; whoever tells somebody else that the run exists awaits `accepted`.
 * N2  Disposing aborts every live attempt and waits for it, and leaves unfinished runs as their journals have them.
 */
import type { RunRecord, Stores } from "../../stores/ports.ts";
import type { Json, JsonObject, StepKey } from "../flow/index.ts";
import { type HashText, JournalChain, RunKernel, type RunResult } from "../kernel/index.ts";
import type { Clock } from "./clock.ts";
import { EngineError } from "./errors.ts";
import type { Executable } from "./executable.ts";
import { FairSemaphore } from "./fair-semaphore.ts";
import { JournalWriter } from "./journal-writer.ts";
import { RunDriver } from "./run-driver.ts";
import type { RunObserver } from "./run-events.ts";

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
}

/** A live run, as its launcher sees it. */
export interface RunHandle {
  readonly runId: string;
  /** Resolves when the run's start is durable. */
  readonly accepted: Promise<void>;
  /** How it ended (run-driver D2). */
  readonly result: Promise<RunResult>;
  /** Resolves when every attempt has stopped and the cancelled end is journaled; a second cancel waits for nothing. */
  cancel(request: { readonly reason: string; readonly by: string }): Promise<void>;
}

/** Runs runs. */
export class Engine implements AsyncDisposable {
  readonly #ports: EnginePorts;
  readonly #writer: JournalWriter;
  readonly #places = new FairSemaphore();
  readonly #drivers = new Map<string, RunDriver>();
  #closed = false;

  constructor(ports: EnginePorts) {
    this.#ports = ports;
    this.#writer = new JournalWriter(ports.stores.journals);
  }

  /** Live runs. */
  get live(): number {
    return this.#drivers.size;
  }

  /**
   * Starts a run (N1).
   * @throws EngineError `engine_closed`.
   */
  launch(order: LaunchOrder): RunHandle {
    if (this.#closed) throw new EngineError("engine_closed", "the host is shutting down and starts no more runs");
    const { clock, hash, stores } = this.#ports;
    const { executable, ctx, context } = order;
    const now = clock.now();
    const record = this.#record(executable, now);
    const { runId, fence } = record;
    const created = stores.runs.create([record]);
    const { kernel, decisions } = RunKernel.start(executable, ctx, { hash, now, context, engine: this.#ports.version });
    const driver = this.#drive(
      new RunDriver({ runId, fence, executable, kernel, chain: new JournalChain(hash), context }, this.#driverPorts()),
    );
    if (order.observer !== undefined) driver.observe(order.observer);
    driver.carryOut(decisions);
    const accepted = created.then(() => this.#writer.durable(runId));
    accepted.catch((error: unknown) => driver.stop(error as Error));
    return { runId, accepted, result: driver.result, cancel: (request) => driver.cancel(request) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const error = new EngineError("engine_closed", "the host is shutting down; the run can be resumed");
    await Promise.all([...this.#drivers.values()].map((driver) => driver.stop(error)));
  }

  #record(executable: Executable, now: number): RunRecord {
    return {
      runId: this.#ports.newRunId(),
      status: "running",
      blueprintId: executable.blueprint.id,
      blueprintVersion: executable.blueprint.version,
      fence: 1,
      owner: this.#ports.hostId,
      nextSeq: 1,
      createdAt: now,
      updatedAt: now,
    };
  }

  #drive(driver: RunDriver): RunDriver {
    const { runId } = driver.run;
    this.#drivers.set(runId, driver);
    const forget = (): void => {
      this.#drivers.delete(runId);
    };
    driver.result.then(forget, forget);
    return driver;
  }

  #driverPorts(): ConstructorParameters<typeof RunDriver>[1] {
    const { clock, hash } = this.#ports;
    return {
      clock,
      writer: this.#writer,
      places: this.#places,
      stepId: (runId: string, key: StepKey) => `ST-${hash(`${runId}/${key}`).slice(0, 16)}`,
    };
  }
}
