/**
 * The composition root: options in, a running Host out. The only file that knows every part.
 *
 * Owns: which implementation stands behind each port (clock, ids, hashing, stores, workers), and the order of opening and
 * closing. Does not own: any behaviour of its own beyond that.
 */
import { hash, randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import canonicalize from "canonicalize";
import type { Stores } from "../stores/ports.ts";
import type { CompiledAgent, CompiledBlueprint } from "./blueprint/index.ts";
import { type Clock, Engine, type Executable, type RunHandle, type RunObserver } from "./engine/index.ts";
import { type ExternFunction, encodeFlow, externMap, isJsonObject, type Json, type ProgramStep } from "./flow/index.ts";
import type { AgentBinding } from "./kernel/index.ts";
import { compose, launchLayers, type TaskInput, taskContext } from "./middleware/index.ts";
import { packageVersion } from "./package-version.ts";
import { createSpawner, nodeFiles, SubprocessHost } from "./workers/index.ts";
import { Workshop, type WorkshopOptions } from "./workshop.ts";

export type { RunEvent, RunHandle, RunObserver } from "./engine/index.ts";
export { EngineError } from "./engine/index.ts";
export type { RunResult } from "./kernel/index.ts";
export type { TaskInput } from "./middleware/index.ts";

/** Where runs are kept. */
export type DataLocation =
  | { readonly kind: "ephemeral" }
  | {
      readonly kind: "directory";
      readonly path: string;
      /** `relaxed` does not wait for the disk: a power loss may take the last moments. Default `full`. */
      readonly durability?: "full" | "relaxed";
    };

/** How a host is opened. */
export interface HostOptions extends WorkshopOptions {
  readonly data: DataLocation;
  /** A workshop to use, with its registrations and its Lua VMs; its owner disposes it. Default: the host's own. */
  readonly workshop?: Workshop;
}

/** What a run is launched with. */
export interface LaunchOptions {
  /** Merged over the Blueprint's `default_init_ctx`, key by key where both are objects. Default: nothing. */
  readonly input?: Json;
  /** Where the run works and what it is about; every step sees it. */
  readonly taskInput?: TaskInput;
  readonly observer?: RunObserver;
}

/** A running host. */
export class Host implements AsyncDisposable {
  readonly workshop: Workshop;
  readonly #engine: Engine;
  readonly #stores: Stores;
  readonly #ownsWorkshop: boolean;
  readonly #subprocess: SubprocessHost;
  readonly #executables = new WeakMap<CompiledBlueprint, Executable>();

  /** Use `openHost`. */
  constructor(options: HostOptions, stores: Stores) {
    const { env = process.env } = options;
    this.#stores = stores;
    this.#ownsWorkshop = options.workshop === undefined;
    this.workshop = options.workshop ?? new Workshop(options);
    this.#subprocess = new SubprocessHost({ environment: env, cwd: process.cwd() });
    this.#engine = new Engine({
      stores,
      clock: systemClock,
      hash: sha256,
      newRunId,
      hostId: newHostId(),
      version: packageVersion(),
    });
  }

  /** How much what the host acknowledges survives. */
  get durability(): Stores["durability"] {
    return this.#stores.durability;
  }

  /** Starts a run of a compiled Blueprint. Resolves when its start is durable. */
  async launch(compiled: CompiledBlueprint, options: LaunchOptions = {}): Promise<RunHandle> {
    const { blueprint, version, canonical } = compiled;
    const pinned = this.#stores.documents.put({ version, blueprintId: blueprint.id, text: canonical });
    const handle = this.#engine.launch({
      executable: this.#executable(compiled),
      ctx: initialCtx(blueprint.default_init_ctx, options.input),
      context: taskContext(options.taskInput ?? {}),
      ...(options.observer === undefined ? {} : { observer: options.observer }),
    });
    await Promise.all([pinned, handle.accepted]);
    return handle;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
    await Promise.all([
      this.#subprocess[Symbol.asyncDispose](),
      this.#ownsWorkshop ? this.workshop[Symbol.asyncDispose]() : undefined,
    ]);
    await this.#stores[Symbol.asyncDispose]();
  }

  #executable(compiled: CompiledBlueprint): Executable {
    const made = this.#executables.get(compiled);
    if (made !== undefined) return made;
    const { functions, luaScripts, hostFunctions, externs } = this.workshop.registrations;
    const spawner = createSpawner(compiled, {
      lua: this.workshop.lua,
      functions,
      luaScripts,
      hostFunctions,
      subprocess: this.#subprocess,
      files: nodeFiles({ scratchRoot: tmpdir() }),
      clock: systemClock,
    });
    const nodeDigests: string[] = [];
    const nodeDigest = (step: ProgramStep): string =>
      (nodeDigests[step.index] ??= sha256(canonicalText(encodeFlow(step.node, "0.2"))));
    const bindings = new Map([...compiled.agents].map(([name, agent]) => [name, bindingOf(agent)]));
    const executable: Executable = {
      blueprint: { id: compiled.blueprint.id, version: compiled.version },
      program: compiled.program,
      flowDigest: sha256(canonicalText(encodeFlow(compiled.program.root, "0.2"))),
      nodeDigest,
      binding: (ref) => bindings.get(ref),
      externs: externMap(
        Object.fromEntries(
          [...externs].map(([name, { call }]): [string, ExternFunction] => [name, (args) => call(args)]),
        ),
      ),
      impureExterns: new Set([...externs].filter(([, { pure }]) => !pure).map(([name]) => name)),
      dispatch: compose(launchLayers(compiled), spawner),
      workerKind: (agent) => compiled.agents.get(agent)?.kind ?? "none",
    };
    this.#executables.set(compiled, executable);
    return executable;
  }
}

/**
 * Opens a host.
 * @throws StoreError where the data directory is locked, newer, unwritable or damaged; nothing was changed then.
 */
export async function openHost(options: HostOptions): Promise<Host> {
  return new Host(options, await openStores(options.data));
}

async function openStores(data: DataLocation): Promise<Stores> {
  if (data.kind === "ephemeral") return (await import("../stores/memory/index.ts")).openMemoryStores();
  const { openSqliteStores } = await import("../stores/sqlite/index.ts");
  return openSqliteStores({
    dataDir: data.path,
    ...(data.durability === undefined ? {} : { durability: data.durability }),
  });
}

/** Objects merge key by key, the input winning; anything else replaces. */
function initialCtx(defaults: Json | undefined, input: Json | undefined): Json {
  if (input === undefined) return defaults ?? {};
  return isJsonObject(defaults) && isJsonObject(input) ? { ...defaults, ...input } : input;
}

function bindingOf(agent: CompiledAgent): AgentBinding {
  const { timeoutMs, retry, concurrency } = agent.policy;
  return {
    digest: agent.bindingDigest,
    pure: agent.pure,
    retry,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(concurrency === undefined ? {} : { concurrency }),
  };
}

const systemClock: Clock = {
  now: () => Date.now(),
  timer(at, fire) {
    // setTimeout counts in 32 bits; a longer wait is taken in parts.
    const LONGEST = 2 ** 31 - 1;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const rest = at - Date.now();
      handle = rest > LONGEST ? setTimeout(arm, LONGEST) : setTimeout(fire, Math.max(rest, 0));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
  random: () => Math.random(),
};

function sha256(text: string): string {
  return hash("sha256", text);
}

function canonicalText(value: Json): string {
  return canonicalize(value) as string;
}

function newRunId(): string {
  return `R-${randomBytes(10).toString("hex")}`;
}

function newHostId(): string {
  return `H-${randomBytes(8).toString("hex")}`;
}
