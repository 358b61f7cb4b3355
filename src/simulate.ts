/**
 * The composition of the crash drill: an author's own Blueprint, over memory, in virtual time.
 *
 * Owns: which workers are real and which are scripted. Does not own: the drill (src/simulation).
 *
 * Lua agents without host grants run their own chunk: they can do nothing outside. All other agents answer from the
 * script, or else with their input: a drill must not send mail.
 */
import { hash } from "node:crypto";
import { openMemoryStores } from "../stores/memory/index.ts";
import type { CompiledAgent, CompiledBlueprint } from "./blueprint/index.ts";
import { type Clock, type Dispatch, FairQueues } from "./engine/index.ts";
import { Executables } from "./executables.ts";
import { isJsonObject, type Json } from "./flow/index.ts";
import { AuditTasks } from "./middleware/index.ts";
import { type CrashPlan, type DrillReport, drill } from "./simulation/drill.ts";
import { liveThrough } from "./simulation/life.ts";
import { SubprocessHost } from "./workers/index.ts";
import type { Workshop } from "./workshop.ts";

export type { CrashPlan, DrillReport, DrillRun } from "./simulation/drill.ts";

/** What is drilled. */
export interface SimulateOptions {
  readonly workshop: Workshop;
  readonly compiled: CompiledBlueprint;
  /** Merged over the Blueprint's `default_init_ctx`. Default: nothing. */
  readonly input?: Json;
  /** What scripted agents answer, by name. An agent that is not in it answers its input. */
  readonly script: ReadonlyMap<string, Json>;
  readonly seed: number;
  readonly plan: CrashPlan;
}

/** Holds the drill. */
export async function simulate(options: SimulateOptions): Promise<DrillReport> {
  const { compiled, input, script, seed, plan, workshop } = options;
  await using subprocess = new SubprocessHost({
    environment: {},
    cwd: process.cwd(),
    places: new FairQueues(standstill),
  });
  const { documents, journals } = openMemoryStores();
  const executables = new Executables({
    workshop,
    subprocess,
    documents,
    journals,
    clock: standstill,
    queues: new FairQueues(standstill),
    audits: new AuditTasks(standstill),
    standIn: (version, real) => dispatchOf(version, real, script),
  });
  // Layers that wait for people, for time or for each other have no place where time stands still.
  const executable = await executables.pin({ ...compiled, layers: [], audits: [] }).executable;
  const defaults = compiled.blueprint.default_init_ctx;
  const ctx = isJsonObject(defaults) && isJsonObject(input) ? { ...defaults, ...input } : (input ?? defaults ?? {});
  const signals = signalsOf(compiled, script);
  const sha256 = (text: string): string => hash("sha256", text);
  return drill(
    (crashes) =>
      liveThrough({ executable, ctx, context: {}, hash: sha256, seed, crashes, signals, stores: openMemoryStores() }),
    plan,
    seed,
  );
}

/** What real workers see of time: the same moment always, so that a crash does not change what they answer. */
const standstill: Clock = { now: () => 1_000_000, random: () => 0, timer: () => ({ cancel: () => {} }) };

/** The agents whose own chunk runs in a drill. */
function isContained({ plan }: CompiledAgent): boolean {
  return plan.kind === "lua" && plan.host.length === 0;
}

function dispatchOf(compiled: CompiledBlueprint, real: Dispatch, script: ReadonlyMap<string, Json>): Dispatch {
  return async (call) => {
    const agent = compiled.agents.get(call.agent);
    if (agent !== undefined && isContained(agent) && !script.has(call.agent)) return real(call);
    return { kind: "pass", value: script.get(call.agent) ?? call.input };
  };
}

/** The signals whose names the flow spells out; each brings what the script has for the agent that waits. */
function signalsOf(compiled: CompiledBlueprint, script: ReadonlyMap<string, Json>): ReadonlyMap<string, Json> {
  const signals = new Map<string, Json>();
  for (const { ref, node } of compiled.program.steps) {
    const plan = compiled.agents.get(ref)?.plan;
    if (plan?.kind !== "function" || plan.fnId !== "wait_signal") continue;
    const input = node.kind === "step" && node.in.op === "lit" ? node.in.value : undefined;
    const name = isJsonObject(input) ? input["name"] : input;
    if (typeof name === "string") signals.set(name, script.get(ref) ?? null);
  }
  return signals;
}
