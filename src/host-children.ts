/**
 * The child runs of a host: started for a step, waited for, stopped with it.
 *
 * Owns: which run is the child of an attempt, and what either is told of the other's end. Does not own: running runs
 * (engine), what a child's end means for the step (src/workers/swarm.ts).
 *
 * Y1  An attempt has one child, whatever crashes: it is launched with a key made of run, step key and attempt, and named in
 *     the attempt's memo from then on.
 * Y2  A parent that waits is woken when a child of it has ended. What a crash kept from it, it hears at the next start.
 * Y3  A child whose attempt is given up, or whose parent has ended, is cancelled; what a crash left over, at the next start.
 * Y4  Both depth and number are bounded, so that a swarm that calls itself comes to an end.
 */
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { type ChildStore, type LinkQuery, StoreError, type Stores } from "../stores/ports.ts";
import {
  BlueprintError,
  type CompiledBlueprint,
  diagnose,
  invalidBlueprint,
  type SwarmTarget,
} from "./blueprint/index.ts";
import { MAX_CHILDREN } from "./child-limits.ts";
import {
  type Clock,
  type Engine,
  EngineError,
  type LaunchOrder,
  type RunHandle,
  type StepAbort,
  type StepCall,
} from "./engine/index.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "./flow/index.ts";
import type { RunResult } from "./kernel/index.ts";
import type { TaskInput } from "./middleware/index.ts";
import { type ChildEnd, type ChildOrder, type ChildRuns, WorkerError } from "./workers/index.ts";

/** How deep children may be nested. */
export const MAX_CHILD_DEPTH = 8;

/** The memo that names an attempt's child. */
const MEMO = "swarm";
/** After how many milliseconds a child that this host lost hold of is looked at again, and a wake tried again. */
const LOOK_AGAIN_MS = 1_000;
/** Runs looked up at once. */
const PAGE = 100;
/** Runs whose children are counted in memory. */
const COUNTED = 10_000;

/** Blueprints of children kept compiled. */
const KEPT_BLUEPRINTS = 100;

/** What child runs need of their host. */
export interface HostChildrenPorts {
  readonly stores: Pick<Stores, "runs" | "documents" | "children">;
  readonly engine: Pick<Engine, "attach" | "cancel" | "wake">;
  readonly clock: Clock;
  /** @throws BlueprintError with every diagnostic. */
  readonly compile: (document: Json) => Promise<CompiledBlueprint>;
  /** Starts a run. Resolves when its start is durable. */
  readonly launch: (
    compiled: CompiledBlueprint,
    options: {
      readonly input: JsonObject;
      readonly taskInput: TaskInput;
      readonly idempotencyKey: string;
      readonly newest: false;
      readonly parent: NonNullable<LaunchOrder["parent"]>;
    },
  ) => Promise<RunHandle>;
  /** Told what nobody waits for. */
  readonly onDefect: (error: unknown) => void;
}

/** The child runs of one host. */
export class HostChildren implements ChildRuns, AsyncDisposable {
  readonly #ports: HostChildrenPorts;
  /** Children started by runs, as counted when the first was. */
  readonly #counts = new LRUCache<string, number>({ max: COUNTED });
  readonly #blueprints = new LRUCache<string, CompiledBlueprint>({ max: KEPT_BLUEPRINTS });
  /** What goes on beside everything else. None of it rejects. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(ports: HostChildrenPorts) {
    this.#ports = ports;
  }

  /** See ChildRuns.see. */
  async see(call: StepCall, order: () => ChildOrder): Promise<ChildEnd> {
    const runId = await this.#childOf(call, order);
    call.emit({ type: "progress", stage: "child", note: runId });
    const given = Promise.withResolvers<undefined>();
    const giveUp = (): void => given.resolve(undefined);
    if (call.signal.aborted) giveUp();
    else call.signal.addEventListener("abort", giveUp, { once: true });
    const rested = call.rest();
    try {
      const end = await Promise.race([this.#end(runId, call.signal), given.promise]);
      if (end !== undefined) return end;
      await given.promise;
    } finally {
      rested();
      call.signal.removeEventListener("abort", giveUp);
    }
    const { kind, message } = call.signal.reason as StepAbort;
    if (kind !== "parked") await this.#cancel(runId, `step ${call.key} of run ${call.runId} was given up: ${message}`);
    throw call.signal.reason;
  }

  /**
   * Checks that the Blueprints which agents name are kept here.
   * @throws BlueprintError that names each that is not.
   */
  async check(compiled: CompiledBlueprint): Promise<void> {
    const missing = [];
    for (const [index, { name }] of compiled.blueprint.agents.entries()) {
      const plan = compiled.agents.get(name)?.plan;
      if (plan?.kind !== "swarm" || (await this.#isKept(plan.blueprint))) continue;
      missing.push(
        diagnose("unknown-blueprint", {
          stage: "compile",
          message: `agent '${name}' names ${targetText(plan.blueprint)}, which this host does not keep`,
          pointer: `/agents/${index}/spec/blueprint`,
          help: "run that Blueprint once on this host, or embed its linked document",
        }),
      );
    }
    if (missing.length > 0) throw invalidBlueprint(missing);
  }

  /** A child of this run has ended (Y2). */
  childEnded(parentRunId: string): void {
    this.#beside(async () => {
      for (;;) {
        try {
          return await this.#ports.engine.wake(parentRunId);
        } catch (error) {
          // What is told so is told in the run's row too, or there is no run, or no host.
          if (error instanceof EngineError) return;
          this.#ports.onDefect(error);
          await this.#pause(this.#closing.signal);
          if (this.#closing.signal.aborted) return;
        }
      }
    });
  }

  /** Tells parents and children what a crash kept from them. Once, after the host's runs have been recovered. */
  async start(): Promise<void> {
    const { children } = this.#ports.stores;
    for await (const runId of paged((query) => children.answered(query))) this.childEnded(runId);
    for await (const runId of paged((query) => children.orphaned(query))) {
      this.#beside(() => this.#cancel(runId, "the step it was started for is over"));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#tasks);
  }

  /** The child of an attempt: the one it has, or a new one (Y1). */
  async #childOf(call: StepCall, order: () => ChildOrder): Promise<string> {
    const named = call.memo.get(MEMO);
    const runId = isJsonObject(named) ? ownValue(named, "run_id") : undefined;
    if (typeof runId === "string") return runId;
    const child = await this.#startedFor(call, order);
    try {
      await call.memo.put(MEMO, { run_id: child });
    } catch (error) {
      // An attempt that is over has nothing to remember; its child is stopped all the same.
      if (!call.signal.aborted) throw error;
    }
    return child;
  }

  /** The run with the attempt's launch key. While the store cannot be read or written, it is tried again. */
  async #startedFor(call: StepCall, order: () => ChildOrder): Promise<string> {
    const { stores, engine } = this.#ports;
    const idempotencyKey = `child/${hash("sha256", call.idempotencyKey)}`;
    for (;;) {
      try {
        const known = await stores.runs.byIdempotencyKey(idempotencyKey);
        if (known !== undefined && known.parentRunId !== call.runId) throw notItsChild(known.runId);
        if (known !== undefined && known.nextSeq > 1) return known.runId;
        if (call.signal.aborted) throw call.signal.reason;
        if (known === undefined) {
          // Looked up again: a host that has lost the parent may have been quicker.
          await this.#launch(call, order, idempotencyKey);
          continue;
        }
        // Its start was never durable: whoever claims it takes it away, and its key with it.
        await engine.wake(known.runId);
      } catch (error) {
        if (!isPassing(error) || call.signal.aborted) throw error;
      }
      await this.#pause(call.signal);
    }
  }

  async #launch(call: StepCall, order: () => ChildOrder, idempotencyKey: string): Promise<void> {
    const { runId: run, key, attempt } = call;
    const { target, input } = order();
    await this.#checkBounds(call);
    const parent = { run, key, attempt };
    const taskInput = taskInputOf(call.context);
    try {
      const compiled = await this.#compiled(call.agent, target);
      await this.#ports.launch(compiled, { input, taskInput, idempotencyKey, newest: false, parent });
    } catch (cause) {
      this.#counts.delete(run);
      if (!(cause instanceof BlueprintError)) throw cause;
      const message = `${targetText(target)} of agent '${call.agent}' cannot be run here: ${cause.message}`;
      throw new WorkerError("swarm_blueprint", message, { cause, details: { agent: call.agent } });
    }
  }

  /** @throws WorkerError `swarm_depth`, `swarm_children` (Y4). */
  async #checkBounds({ runId, agent }: StepCall): Promise<void> {
    const { runs } = this.#ports.stores;
    let depth = 1;
    for (let run = await runs.get(runId); run?.parentRunId !== undefined; run = await runs.get(run.parentRunId)) {
      depth += 1;
      if (depth > MAX_CHILD_DEPTH) {
        const message = `agent '${agent}' would start a child run ${depth} deep, and ${MAX_CHILD_DEPTH} is the most: does a Blueprint call itself?`;
        throw new WorkerError("swarm_depth", message, { details: { agent } });
      }
    }
    const listed = this.#counts.has(runId) ? 0 : (await runs.list({ parentRunId: runId, limit: MAX_CHILDREN })).length;
    // Another step of the run may have counted meanwhile.
    const count = this.#counts.get(runId) ?? listed;
    this.#counts.set(runId, count + 1);
    if (count < MAX_CHILDREN) return;
    this.#counts.set(runId, count);
    throw new WorkerError("swarm_children", `run ${runId} has started ${count} child runs, and may start no more`, {
      details: { agent },
    });
  }

  /** @throws WorkerError `swarm_unknown`. */
  async #compiled(agent: string, target: SwarmTarget): Promise<CompiledBlueprint> {
    const { documents } = this.#ports.stores;
    const version = target.kind === "id" ? await documents.newest(target.id) : target.version;
    const kept = version === undefined ? undefined : this.#blueprints.get(version);
    if (kept !== undefined) return kept;
    const text = version === undefined || target.kind === "embedded" ? undefined : (await documents.get(version))?.text;
    const document = target.kind === "embedded" ? target.document : text === undefined ? undefined : JSON.parse(text);
    if (version !== undefined && document !== undefined) {
      const compiled = await this.#ports.compile(document as Json);
      this.#blueprints.set(version, compiled);
      return compiled;
    }
    const message = `agent '${agent}' names ${targetText(target)}, which this host does not keep: run it once here`;
    throw new WorkerError("swarm_unknown", message, { details: { agent } });
  }

  async #isKept(target: SwarmTarget): Promise<boolean> {
    const { documents } = this.#ports.stores;
    if (target.kind === "embedded") return true;
    if (target.kind === "id") return (await documents.newest(target.id)) !== undefined;
    return (await documents.get(target.version)) !== undefined;
  }

  /** How a child ends. Undefined where the attempt is given up first. */
  async #end(runId: string, signal: AbortSignal): Promise<ChildEnd | undefined> {
    const { engine, stores } = this.#ports;
    while (!signal.aborted) {
      try {
        const record = await stores.runs.get(runId);
        if (record === undefined) return { runId, status: "lost", message: "was removed before its end was taken" };
        if (record.status === "dead_letter")
          return { runId, status: "lost", message: `was put aside: ${record.error ?? "its recovery failed"}` };
        const child = await engine.attach(runId);
        // One that a crash left behind goes on only where somebody drives it.
        await engine.wake(runId);
        return endOf(runId, await child.result);
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
      await this.#pause(signal);
    }
    return undefined;
  }

  async #cancel(runId: string, reason: string): Promise<void> {
    try {
      await this.#ports.engine.cancel(runId, { reason: reason.slice(0, 2000), by: "parent" });
    } catch (error) {
      // It has ended, or is another host's, or nobody's: then it is looked for at the next start.
      if (!(error instanceof EngineError)) this.#ports.onDefect(error);
    }
  }

  /** Waits a moment, or until the signal is aborted. */
  async #pause(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock } = this.#ports;
    const over = Promise.withResolvers<void>();
    const stop = (): void => over.resolve();
    const timer = clock.timer(clock.now() + LOOK_AGAIN_MS, stop);
    signal.addEventListener("abort", stop, { once: true });
    await over.promise;
    timer.cancel();
    signal.removeEventListener("abort", stop);
  }

  #beside(task: () => Promise<void>): void {
    if (this.#closing.signal.aborted) return;
    const done = task()
      .catch((error: unknown) => this.#ports.onDefect(error))
      .finally(() => this.#tasks.delete(done));
    this.#tasks.add(done);
  }
}

function endOf(runId: string, result: RunResult): ChildEnd {
  switch (result.status) {
    case "done":
      return { runId, status: "done", ctx: result.ctx };
    case "failed":
      return { runId, status: "failed", message: result.error.message };
    case "cancelled":
      return { runId, status: "cancelled", reason: result.reason };
  }
}

/** Where the parent's step works is where its child works. */
function taskInputOf(context: JsonObject): TaskInput {
  const projectRoot = ownValue(context, "project_root");
  const workDir = ownValue(context, "work_dir");
  const metadata = ownValue(context, "task_metadata");
  return {
    ...(typeof projectRoot === "string" ? { project_root: projectRoot } : {}),
    ...(typeof workDir === "string" ? { work_dir: workDir } : {}),
    ...(metadata === undefined ? {} : { task_metadata: metadata }),
  };
}

function targetText(target: SwarmTarget): string {
  return target.kind === "version" ? `the Blueprint ${target.version}` : `the Blueprint '${target.id}'`;
}

function notItsChild(runId: string): WorkerError {
  return new WorkerError("swarm_lost", `run ${runId} has the launch key of this step's child, and is not it`);
}

/** Whether it may be otherwise in a while: the store or the engine says so, not the work. */
function isPassing(error: unknown): boolean {
  return error instanceof EngineError || error instanceof StoreError;
}

async function* paged(page: (query: LinkQuery) => ReturnType<ChildStore["answered"]>): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    const found = await page({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    yield* found;
    after = found.at(-1);
    if (after === undefined || found.length < PAGE) return;
  }
}
