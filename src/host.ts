/**
 * The composition root: options in, a running Host out. The only file that knows every part.
 *
 * Owns: which implementation stands behind each port (clock, ids, hashing, stores, workers), and the order of opening and
 * closing. Does not own: any behaviour of its own beyond that.
 */
import { hash, randomBytes } from "node:crypto";
import type { JournalRow, RunQuery, RunRecord, Stores, TailRow } from "../stores/ports.ts";
import { importRun } from "./archive/index.ts";
import { blueprintVersion, type CompiledBlueprint } from "./blueprint/index.ts";
import type { Binding, Capabilities, CredentialSources } from "./capability/index.ts";
import {
  type CancelRequest,
  Engine,
  FairQueues,
  type HostObserver,
  type QueueView,
  type Recovery,
  type ResumeOrder,
  type RunHandle,
  type RunObserver,
  type Timer,
} from "./engine/index.ts";
import { Executables } from "./executables.ts";
import type { Json } from "./flow/index.ts";
import { HostChildren } from "./host-children.ts";
import { type ForkOptions, type ForkPorts, forkRun, type RerunOptions, rerunRun } from "./host-forks.ts";
import { HostKeys } from "./host-keys.ts";
import { type LaunchOptions, launchRun } from "./host-launch.ts";
import { deskSources, openDesk } from "./host-operators.ts";
import { HostSchedules } from "./host-schedules.ts";
import { type DataLocation, openStores } from "./host-stores.ts";
import { openWorkerContract, type RenewedToken, renewedToken } from "./host-worker.ts";
import { JournalBell } from "./journal-bell.ts";
import type { ReplayedEntry } from "./kernel/index.ts";
import { AuditTasks } from "./middleware/index.ts";
import { type Desk, deskConsult, type OperatorDesk, operatorRequests, type WorkerContract } from "./operators/index.ts";
import { packageVersion } from "./package-version.ts";
import { RunRecords } from "./run-records.ts";
import { systemClock } from "./system-clock.ts";
import { Upkeep } from "./upkeep.ts";
import { SubprocessHost } from "./workers/index.ts";
import { Workshop, type WorkshopOptions } from "./workshop.ts";

export type {
  JournalRow,
  Material,
  RequestRecord,
  RunQuery,
  RunRecord,
  RunStatus,
  SeatRecord,
  TailRow,
} from "../stores/ports.ts";
export { ARCHIVE_LIMITS, ArchiveError } from "./archive/index.ts";
export type {
  CancelRequest,
  HostObserver,
  QueueView,
  Recovery,
  RunEvent,
  RunHandle,
  RunObserver,
  Ticket,
} from "./engine/index.ts";
export { EngineError, stepIdOf } from "./engine/index.ts";
export type { ForkOptions, ForkSide, RerunOptions } from "./host-forks.ts";
export type { LaunchOptions } from "./host-launch.ts";
export { type DataLocation, loadStores } from "./host-stores.ts";
export type { Degradation, DivergencePolicy, JournalEntry, ReplayedEntry, RunResult } from "./kernel/index.ts";
export { KernelError } from "./kernel/index.ts";
export type { TaskInput } from "./middleware/index.ts";
export type {
  Addressed,
  ClientFrame,
  Connection,
  Handover,
  Link,
  OperatorDesk,
  OperatorSession,
  RequestBody,
  RequestFrame,
  RequestTerms,
  SeatView,
  ServerFrame,
  WorkerSubmission,
} from "./operators/index.ts";
export { bodyOf, MAX_PROGRESS_LINE, MAX_TEXT_BYTES, OperatorError } from "./operators/index.ts";
export { type AgentContextView, contextHeader, directiveText, parseJson, WorkerError } from "./workers/index.ts";

/** How a host is opened. */
export interface HostOptions extends WorkshopOptions {
  readonly data: DataLocation;
  /** Told what failed and is tried again without anybody waiting for it. Default: nobody. */
  readonly onDefect?: (error: unknown) => void;
  /** A workshop to use, with its registrations and its Lua VMs; its owner disposes it. Default: the host's own. */
  readonly workshop?: Workshop;
  /** Whether operators can reach it. False: steps of operator agents fail at once. Default true. */
  readonly attended?: boolean;
}

/** How long after recovery queues still let nobody pass, in milliseconds: revived steps are on their way to them. */
const QUEUE_HOLD_MS = 250;

/** A running host. */
export class Host implements AsyncDisposable {
  readonly workshop: Workshop;
  /** What starts runs by itself. It fires from `schedules.start` on. */
  readonly schedules: HostSchedules;
  /** What removes what is not kept. It works by itself from `upkeep.start` on. */
  readonly upkeep: Upkeep;
  readonly #engine: Engine;
  readonly #keys: HostKeys;
  readonly #stores: Stores;
  readonly #records: RunRecords;
  readonly #journals: JournalBell;
  readonly #ownsWorkshop: boolean;
  readonly #subprocess: SubprocessHost;
  readonly #executables: Executables;
  /** Where steps wait that the layers of their Blueprints hold back, by the keys that those name. */
  readonly #queues = new FairQueues(systemClock);
  /** Where steps wait for places that agents' policies bound, and the machine. */
  readonly #places = new FairQueues(systemClock);
  readonly #audits = new AuditTasks(systemClock);
  #queueHold: Timer | undefined;
  /** The imports so far; the next begins when they are done. Never rejects. */
  #imports: Promise<unknown> = Promise.resolve();
  readonly #desk: Desk;
  readonly #children: HostChildren;
  readonly #worker: WorkerContract;

  /** Use `openHost`. */
  constructor(options: HostOptions, stores: Stores, keys: HostKeys) {
    this.#keys = keys;
    const { env = process.env } = options;
    this.#stores = stores;
    this.upkeep = new Upkeep({
      stores,
      clock: systemClock,
      onDefect: options.onDefect ?? (() => {}),
      ...(options.data.kind === "directory" ? { dataDir: options.data.path } : {}),
    });
    this.#records = new RunRecords(stores);
    this.#journals = new JournalBell(stores.journals);
    this.#ownsWorkshop = options.workshop === undefined;
    this.workshop = options.workshop ?? new Workshop(options);
    this.#subprocess = new SubprocessHost({ environment: env, cwd: process.cwd(), places: this.#places });
    this.#engine = new Engine({
      stores: { ...stores, journals: this.#journals, [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose]() },
      clock: systemClock,
      places: this.#places,
      hash: sha256,
      newRunId,
      hostId: newHostId(),
      version: packageVersion(),
      resolve: (version) => this.#executables.resolve(version),
      childEnded: (parentRunId) => this.#children.childEnded(parentRunId),
    });
    this.#children = new HostChildren({
      stores,
      engine: this.#engine,
      clock: systemClock,
      compile: (document) => this.workshop.compile(document),
      launch: (compiled, order) => this.launch(compiled, order),
      onDefect: options.onDefect ?? (() => {}),
    });
    this.#desk = openDesk({
      stores,
      clock: systemClock,
      engine: this.#engine,
      capabilities: keys.capabilities,
      onDefect: options.onDefect ?? (() => {}),
    });
    const { attended = true } = options;
    this.#executables = new Executables({
      workshop: this.workshop,
      subprocess: this.#subprocess,
      documents: stores.documents,
      journals: stores.journals,
      clock: systemClock,
      queues: this.#queues,
      audits: this.#audits,
      children: this.#children,
      ...(attended
        ? { operators: operatorRequests(this.#desk, systemClock), consult: deskConsult(this.#desk, systemClock) }
        : {}),
    });
    this.#worker = openWorkerContract({
      desk: this.#desk,
      stores,
      journals: this.#journals,
      executables: this.#executables,
      engine: this.#engine,
      clock: systemClock,
    });
    this.schedules = new HostSchedules({
      stores,
      clock: systemClock,
      blueprint: (version) => this.blueprint(version),
      launch: (compiled, order) => this.launch(compiled, { ...order, newest: false }),
      cancel: (runId, request) => this.cancel(runId, request),
      onEntries: (runId, listener) => this.onEntries(runId, listener),
      onDefect: options.onDefect ?? (() => {}),
    });
  }

  /** Sessions, seats and requests. */
  get operators(): OperatorDesk {
    return this.#desk;
  }

  /** What whoever does a step outside may fetch, send and report. */
  get worker(): WorkerContract {
    return this.#worker;
  }

  /** A worker's token with a later end. @throws as `renewedToken` of host-worker.ts. */
  renewWorkerToken(binding: Binding, token: string): Promise<RenewedToken> {
    return renewedToken(
      { contract: this.#worker, capabilities: this.capabilities, clock: systemClock },
      binding,
      token,
    );
  }

  /** Where sessions' secrets and workers' handles are looked up. */
  get credentialSources(): CredentialSources {
    return deskSources(this.#desk);
  }

  /** Makes and proves tokens. */
  get capabilities(): Capabilities {
    return this.#keys.capabilities;
  }

  /** Ids of the keys that prove tokens, the one that signs first. */
  get keys(): HostKeys["keys"] {
    return this.#keys.keys;
  }

  /** Signs with a new key from now on, and drops the oldest of more than two; durable when it resolves. */
  rotateKeys(): Promise<void> {
    return this.#keys.rotate(systemClock.now());
  }

  /** The host's clock: milliseconds since 1970. */
  now(): number {
    return systemClock.now();
  }

  /** How much what the host acknowledges survives. */
  get durability(): Stores["durability"] {
    return this.#stores.durability;
  }

  /** Starts a run of a compiled Blueprint; see launchRun of host-launch.ts. */
  launch(compiled: CompiledBlueprint, options: LaunchOptions = {}): Promise<RunHandle> {
    return launchRun(compiled, options, {
      engine: this.#engine,
      executables: this.#executables,
      desk: this.#desk,
      children: this.#children,
      launchedWith: (idempotencyKey) => this.launchedWith(idempotencyKey),
    });
  }

  /** Starts a run that shares what another has recorded; see forkRun of host-forks.ts. */
  fork(runId: string, options: ForkOptions = {}): Promise<RunHandle> {
    return forkRun(runId, options, this.#forkPorts());
  }

  /** Runs a task that has ended again, from the start; see rerunRun of host-forks.ts. */
  rerun(runId: string, options: RerunOptions = {}): Promise<RunHandle> {
    return rerunRun(runId, options, this.#forkPorts());
  }

  /** Brings back the runs that nobody drives. Once, before other work. */
  async recover(): Promise<Recovery> {
    // Steps that waited go back to their queues; nobody passes before those who waited longest are there too.
    const queues = [this.#queues, this.#places];
    const release = (): void => {
      for (const each of queues) each.release();
    };
    for (const each of queues) each.hold();
    try {
      const recovery = await this.#engine.recover();
      await this.#desk.start();
      await this.#children.start();
      return recovery;
    } finally {
      if (this.#engine.live === 0) release();
      else this.#queueHold = systemClock.timer(Date.now() + QUEUE_HOLD_MS, release);
    }
  }

  /** The queues in which somebody waits or holds a place, of places first, then of layers: who waits for what. */
  queues(): readonly QueueView[] {
    return [...this.#places.view(), ...this.#queues.view()];
  }

  /** A handle on a run that exists. @throws EngineError `run_unknown`. */
  attach(runId: string): Promise<RunHandle> {
    return this.#engine.attach(runId);
  }

  /** Asks a run to stop, and waits until it has. @throws EngineError `run_unknown`, `run_ended`, `run_elsewhere`, `run_stuck`. */
  cancel(runId: string, request: CancelRequest): Promise<void> {
    return this.#engine.cancel(runId, request);
  }

  /** Lets no further attempt of a run start; durable when it resolves. Throws as `cancel`. */
  pause(runId: string, request: { readonly reason: string }): Promise<void> {
    return this.#engine.pause(runId, request);
  }

  /**
   * Ends a pause or a suspension; durable when it resolves. `divergence`: what happens where the run no longer does what its
   * journal records. Throws as `cancel`.
   */
  resume(runId: string, order: ResumeOrder): Promise<void> {
    return this.#engine.resume(runId, order);
  }

  /** Sends a run a signal; durable when it resolves. The same id again changes nothing. Throws as `cancel`. */
  signal(runId: string, signal: { readonly name: string; readonly id: string; readonly value: Json }): Promise<void> {
    return this.#engine.signal(runId, signal);
  }

  /** Brings a waiting run into memory; all others stay as they are. @throws EngineError `run_unknown`, `run_elsewhere`, `run_stuck`. */
  wake(runId: string): Promise<void> {
    return this.#engine.wake(runId);
  }

  /** A run's row. @throws EngineError `run_unknown`. */
  run(runId: string): Promise<RunRecord> {
    return this.#records.run(runId);
  }

  /** The run that was launched with an idempotency key. */
  async launchedWith(idempotencyKey: string): Promise<RunRecord | undefined> {
    const first = await this.#stores.runs.byIdempotencyKey(idempotencyKey);
    if (first === undefined) return undefined;
    await this.#engine.putAside(first.runId);
    const run = await this.#stores.runs.byIdempotencyKey(idempotencyKey);
    if (run?.status !== "dead_letter" || run.nextSeq > 1) return run;
    // It never began, and a crash came before it was removed.
    await this.#stores.runs.remove([run.runId]);
    return undefined;
  }

  /** Runs, newest first. */
  runs(query: RunQuery): Promise<readonly RunRecord[]> {
    return this.#records.runs(query);
  }

  /** A run's journal, the digest chain checked, blobs loaded. @throws KernelError naming the first bad entry. */
  journal(runId: string): Promise<readonly ReplayedEntry[]> {
    return this.#records.journal(runId);
  }

  /** The newest version of a Blueprint that runs here are, or lately were, pinned to. */
  newestVersion(blueprintId: string): Promise<string | undefined> {
    return this.#stores.documents.newest(blueprintId);
  }

  /** The Blueprint of a version that runs here are, or lately were, pinned to. */
  async blueprint(version: string): Promise<CompiledBlueprint | undefined> {
    const document = await this.#stores.documents.get(version);
    return document === undefined ? undefined : this.workshop.compile(JSON.parse(document.text) as Json);
  }

  /** Durable entries of a run from a seq on, as stored, at most `limit`. */
  entries(runId: string, fromSeq: number, limit: number): Promise<readonly JournalRow[]> {
    return this.#journals.read(runId, fromSeq, limit);
  }

  /** Durable entries of all runs after a position, in the order of their commits, at most `limit`. */
  tail(after: number, limit: number): Promise<readonly TailRow[]> {
    return this.#journals.tail(after, limit);
  }

  /** The position of the newest entry there has been: what is `tail`ed from here on is new. */
  end(): Promise<number> {
    return this.#journals.end();
  }

  /** Calls `listener` whenever there are new durable entries of any run; the returned function ends that. */
  onAnyEntries(listener: () => void): () => void {
    return this.#journals.listenToAll(listener);
  }

  /** Calls `listener` whenever there are new durable entries of a run; the returned function ends that. */
  onEntries(runId: string, listener: () => void): () => void {
    return this.#journals.listen(runId, listener);
  }

  /** Keeps a run whatever its age, or ends that. @throws EngineError `run_unknown`. */
  async hold(runId: string, held: boolean): Promise<void> {
    if (!(await this.#stores.runs.hold(runId, held))) await this.#records.run(runId);
  }

  /**
   * Removes runs that have ended, with those they started, all or none; says how many.
   * @throws EngineError `run_unknown`; StoreError `run_live`, `run_held`.
   */
  async remove(runIds: readonly string[]): Promise<number> {
    for (const runId of runIds) await this.#records.run(runId);
    return this.#stores.runs.remove(runIds);
  }

  /**
   * The lines of a run's archive, as the run is now.
   * @throws EngineError `run_unknown`; while they are read ArchiveError or KernelError.
   */
  archive(runId: string): Promise<AsyncGenerator<string>> {
    return this.#records.archive(runId);
  }

  /**
   * Adds the run of an archive, and gives its row. One that had not ended is paused until it is resumed.
   * @param open Opens the archive at its beginning; called twice.
   * @throws ArchiveError, KernelError, StoreError `run_exists` or `run_key_taken`; nothing was changed then.
   */
  importRun(open: () => AsyncIterable<Uint8Array>): Promise<RunRecord> {
    const ports = { stores: this.#stores, versionOf: blueprintVersion, now: systemClock.now };
    const imported = this.#imports.then(() => importRun(open, ports));
    this.#imports = imported.catch(() => undefined); // The caller is told; the next import is another archive.
    return imported;
  }

  /** Tells an observer every event of a run from now on; the returned function ends that. */
  observe(runId: string, observer: RunObserver): () => void {
    return this.#engine.observe(runId, observer);
  }

  #forkPorts(): ForkPorts {
    return {
      engine: this.#engine,
      executables: this.#executables,
      documents: this.#stores.documents,
      run: (runId) => this.run(runId),
      compile: (document) => this.workshop.compile(document),
    };
  }

  /** Tells an observer every event of every run from now on; the returned function ends that. */
  observeAll(observer: HostObserver): () => void {
    return this.#engine.observeAll(observer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.upkeep[Symbol.asyncDispose]();
    await this.schedules.close();
    this.#queueHold?.cancel();
    await this.#desk[Symbol.asyncDispose]();
    await Promise.all([this.#children[Symbol.asyncDispose](), this.#engine[Symbol.asyncDispose]()]);
    await this.#audits[Symbol.asyncDispose]();
    await Promise.all([
      this.#subprocess[Symbol.asyncDispose](),
      this.#ownsWorkshop ? this.workshop[Symbol.asyncDispose]() : undefined,
    ]);
    await this.#stores[Symbol.asyncDispose]();
  }
}

/**
 * Opens a host.
 * @throws StoreError where the data directory is locked, newer, unwritable or damaged, CapabilityError `keys_invalid` where
 *   its keys are damaged; nothing was changed then.
 */
export async function openHost(options: HostOptions): Promise<Host> {
  const { data } = options;
  const stores = await openStores(data);
  try {
    return new Host(
      options,
      stores,
      await HostKeys.open(data.kind === "directory" ? data.path : undefined, systemClock.now()),
    );
  } catch (error) {
    await stores[Symbol.asyncDispose]();
    throw error;
  }
}

function sha256(text: string): string {
  return hash("sha256", text);
}

function newRunId(): string {
  return `R-${randomBytes(10).toString("hex")}`;
}

function newHostId(): string {
  return `H-${randomBytes(8).toString("hex")}`;
}
