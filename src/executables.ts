/**
 * Executables: compiled Blueprints made ready for the engine, one for each version.
 *
 * Owns: what of a compiled Blueprint and the host's registrations becomes an agent's binding, its spawner stack and its
 * externs, and finding the version a run is pinned to. Does not own: compiling (workshop), running (engine).
 */
import { hash } from "node:crypto";
import { tmpdir } from "node:os";
import canonicalize from "canonicalize";
import { LRUCache } from "lru-cache";
import type { DocumentStore, JournalStore } from "../stores/ports.ts";
import { type CompiledAgent, type CompiledBlueprint, layersOf } from "./blueprint/index.ts";
import type { Clock, Dispatch, Executable, FairQueues } from "./engine/index.ts";
import { type ExternFunction, encodeFlow, externMap, type Json, ownValue, type ProgramStep } from "./flow/index.ts";
import type { AgentBinding, JournalEntry } from "./kernel/index.ts";
import { type AuditTasks, type Consult, layered } from "./middleware/index.ts";
import type { OutputLayout } from "./operators/index.ts";
import { isWaitingFunction } from "./waiting-functions.ts";
import {
  type ChildRuns,
  createSpawner,
  nodeFiles,
  type OperatorRequests,
  type SubprocessHost,
} from "./workers/index.ts";
import type { Workshop } from "./workshop.ts";

/** Versions kept; one more costs a compilation of some milliseconds. */
const KEPT_VERSIONS = 200;

/** What executables are made of. */
export interface ExecutableParts {
  readonly workshop: Workshop;
  readonly subprocess: SubprocessHost;
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly journals: Pick<JournalStore, "read">;
  /** The host's queues and audits, which all its versions share. */
  readonly queues: FairQueues;
  readonly audits: AuditTasks;
  /** How layers ask seats. Absent: this host has no operators. */
  readonly consult?: Consult;
  /** What stands in for the workers. Default: nothing. */
  readonly standIn?: (compiled: CompiledBlueprint, spawner: Dispatch) => Dispatch;
  /** Absent: steps of operator agents fail. */
  readonly operators?: OperatorRequests;
  /** Absent: steps of swarm agents fail. */
  readonly children?: ChildRuns;
}

interface Version {
  readonly compiled: CompiledBlueprint;
  readonly executable: Executable;
}

/** The executables of one host. */
export class Executables {
  readonly #parts: ExecutableParts;
  readonly #versions = new LRUCache<string, Promise<Version>>({ max: KEPT_VERSIONS });

  constructor(parts: ExecutableParts) {
    this.#parts = parts;
  }

  /**
   * The executable of a Blueprint that was just compiled, pinned in the store. Resolves when the pin is durable.
   * `newest`: it is the newest version of its Blueprint from now on; default: not.
   */
  pin(
    compiled: CompiledBlueprint,
    { newest = false }: { readonly newest?: boolean } = {},
  ): { readonly executable: Promise<Executable>; readonly pinned: Promise<void> } {
    const { blueprint, version, canonical } = compiled;
    const pinned = this.#parts.documents.put({ version, blueprintId: blueprint.id, text: canonical, newest });
    const kept = this.#kept(version, () => Promise.resolve(compiled));
    return { executable: kept.then(({ executable }) => executable), pinned };
  }

  /** The executable of a version that is pinned in the store. Rejects where it is missing or no longer compiles here. */
  async resolve(version: string): Promise<Executable> {
    return (await this.#pinned(version)).executable;
  }

  /** What the outputs of a version's steps are called, and where they are written. Rejects as `resolve`. */
  async layout(version: string): Promise<OutputLayout> {
    return (await this.#pinned(version)).compiled;
  }

  #pinned(version: string): Promise<Version> {
    return this.#kept(version, async () => {
      const document = await this.#parts.documents.get(version);
      if (document === undefined) throw new Error(`the Blueprint ${version} is not in this store`);
      return this.#parts.workshop.compile(JSON.parse(document.text) as Json);
    });
  }

  #kept(version: string, compile: () => Promise<CompiledBlueprint>): Promise<Version> {
    let kept = this.#versions.get(version);
    if (kept === undefined) {
      kept = compile().then((compiled) => ({ compiled, executable: this.#make(compiled) }));
      this.#versions.set(version, kept);
      // What failed may be mended, by an import or by another registration.
      kept.catch(() => this.#versions.delete(version));
    }
    return kept;
  }

  #make(compiled: CompiledBlueprint): Executable {
    const { workshop, subprocess, clock, journals, queues, audits, consult, operators, children } = this.#parts;
    const { functions, luaScripts, hostFunctions, externs } = workshop.registrations;
    const files = nodeFiles({ scratchRoot: tmpdir() });
    const spawner = createSpawner(compiled, {
      lua: workshop.lua,
      functions,
      luaScripts,
      hostFunctions,
      subprocess,
      files,
      clock,
      ...(operators === undefined ? {} : { operators }),
      ...(children === undefined ? {} : { children }),
    });
    const nodeDigests: string[] = [];
    const nodeDigest = (step: ProgramStep): string =>
      (nodeDigests[step.index] ??= digest(encodeFlow(step.node, "0.2")));
    const bindings = new Map(
      [...compiled.agents].map(([name, agent]) => [name, bindingOf(agent, compiled, luaScripts)]),
    );
    const calls = [...externs].map(([name, { call }]): [string, ExternFunction] => [name, (args) => call(args)]);
    return {
      blueprint: { id: compiled.blueprint.id, version: compiled.version },
      program: compiled.program,
      flowDigest: digest(encodeFlow(compiled.program.root, "0.2")),
      nodeDigest,
      binding: (ref) => bindings.get(ref),
      externs: externMap(Object.fromEntries(calls)),
      impureExterns: new Set([...externs].filter(([, { pure }]) => !pure).map(([name]) => name)),
      dispatch: layered({
        compiled,
        spawner: this.#parts.standIn?.(compiled, spawner) ?? spawner,
        clock,
        lua: workshop.lua,
        queues,
        audits,
        journal: (runId) => entriesOf(journals, runId),
        ...(consult === undefined ? {} : { consult }),
      }),
      ...(compiled.audits.length === 0 ? {} : { settle: (runId) => audits.settle(runId) }),
      workerKind: (agent) => compiled.agents.get(agent)?.kind ?? "none",
    };
  }
}

type Scripts = Workshop["registrations"]["luaScripts"];

function bindingOf(agent: CompiledAgent, compiled: CompiledBlueprint, scripts: Scripts): AgentBinding {
  const { timeoutMs, heartbeatMs, retry, concurrency } = agent.policy;
  const { plan } = agent;
  const serving = servingAgent(agent, compiled);
  const waits = plan.kind === "function" && isWaitingFunction(plan.fnId) ? { waits: plan.fnId } : {};
  return {
    digest: stackDigest(agent, serving, compiled, scripts),
    // What waits in a queue has its turn by the journal.
    pure: agent.pure && serving.pure && !layersOf(compiled, agent.name).includes("rate_limit"),
    retry,
    ...(serving.plan.kind === "operator" || serving.plan.kind === "swarm" ? { attach: true } : {}),
    ...waits,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    ...(concurrency === undefined ? {} : { concurrency }),
  };
}

/** The agent that the resolver layer hands an agent's steps to. */
function servingAgent(agent: CompiledAgent, compiled: CompiledBlueprint): CompiledAgent {
  const name = compiled.layers.includes("resolver")
    ? ownValue(compiled.layerOptions.resolver?.map ?? {}, agent.name)
    : undefined;
  return (typeof name === "string" ? compiled.agents.get(name) : undefined) ?? agent;
}

/** Layers whose options decide what an attempt ends with, not only when it is made. */
const DECIDING = ["lua_layer", "resolver", "senior_escalation"] as const;

/** The binding's digest: of the agent alone, unless options of layers or a script the host registered decide too. */
function stackDigest(
  agent: CompiledAgent,
  serving: CompiledAgent,
  compiled: CompiledBlueprint,
  scripts: Scripts,
): string {
  const stack = layersOf(compiled, agent.name);
  const deciding = DECIDING.filter((layer) => stack.includes(layer)).flatMap((layer) => {
    const options = compiled.layerOptions[layer];
    return options === undefined ? [] : [[layer, options] as const];
  });
  const { plan } = serving;
  const script = plan.kind === "lua" && plan.fnId !== undefined ? scripts.get(plan.fnId)?.source : undefined;
  if (deciding.length === 0 && script === undefined) return agent.bindingDigest;
  const parts = { agent: agent.bindingDigest, serving: serving.bindingDigest, layers: deciding };
  return digest({ ...parts, ...(script === undefined ? {} : { script }) } as unknown as Json);
}

/** Durable entries read at once. */
const PAGE = 1_000;

async function* entriesOf(journals: Pick<JournalStore, "read">, runId: string): AsyncGenerator<JournalEntry> {
  for (let from = 1; ; ) {
    const rows = await journals.read(runId, from, PAGE);
    for (const { text } of rows) yield JSON.parse(text) as JournalEntry;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = last.seq + 1;
  }
}

function digest(value: Json): string {
  return hash("sha256", canonicalize(value) as string);
}
