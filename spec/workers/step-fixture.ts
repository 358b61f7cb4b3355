/** Calls, agents and Blueprints for worker tests: the smallest that the contracts allow. */

import type { AgentPlan, CompiledAgent, CompiledBlueprint } from "../../src/blueprint/compiled.ts";
import { DEFAULT_PLACEMENT } from "../../src/blueprint/projection-placement.ts";
import {
  type Dispatch,
  FairQueues,
  type StepCall,
  type StepEvent,
  type StepMemo,
  type StepOutcome,
} from "../../src/engine/index.ts";
import { compileFlow, decodeFlow, type Json } from "../../src/flow/index.ts";
import { contextView } from "../../src/workers/context.ts";
import {
  createSpawner,
  FunctionRegistry,
  nodeFiles,
  type SpawnerParts,
  SubprocessHost,
  type SubprocessLimits,
  type SubprocessOptions,
} from "../../src/workers/index.ts";
import type { WorkerJob } from "../../src/workers/worker.ts";
import { ManualClock } from "../engine/manual-clock.ts";

/** Memos that are kept in memory alone. */
export function memoryMemo(memos = new Map<string, Json>()): StepMemo {
  return { get: (name) => memos.get(name), put: async (name, value) => void memos.set(name, value) };
}

/** A call, and the events it emits. */
export function makeCall(over: Partial<StepCall> = {}): StepCall & { readonly events: StepEvent[] } {
  const events: StepEvent[] = [];
  const call = {
    runId: "R-00000000000000aa",
    key: "1" as const,
    attempt: 1,
    stepId: "ST-00000000000000bb",
    agent: "scout",
    input: "go",
    context: {},
    scheduledAt: 0,
    fence: 1,
    signal: new AbortController().signal,
    memo: memoryMemo(),
    rest: () => () => {},
    extend: async () => {},
    emit: (event: StepEvent) => void events.push(event),
    ...over,
  };
  return { idempotencyKey: `${call.runId}/${call.key}/${call.attempt}`, ...call, events };
}

/** The job of a call whose agent may see everything. */
export function makeJob(over: Partial<StepCall> = {}): WorkerJob & { readonly call: ReturnType<typeof makeCall> } {
  const call = makeCall(over);
  return { call, view: contextView(call, undefined) };
}

/** An agent with defaults in all but its plan. */
export function makeAgent(plan: AgentPlan, over: Partial<CompiledAgent> = {}): CompiledAgent {
  return {
    name: "scout",
    kind: plan.kind,
    plan,
    runnerSource: "none",
    context: {},
    policy: {
      retry: { maxAttempts: 1, backoffMs: 1000, backoffFactor: 2, maxBackoffMs: 60_000, jitter: 0, nonRetryable: [] },
      idempotent: false,
    },
    pure: false,
    bindingDigest: "0".repeat(64),
    ...over,
  };
}

/** A Blueprint of these agents. */
export function makeBlueprint(
  agents: readonly CompiledAgent[],
  over: Partial<CompiledBlueprint> = {},
): CompiledBlueprint {
  return {
    blueprint: { id: "test", metadata: {} } as unknown as CompiledBlueprint["blueprint"],
    canonical: "{}",
    version: `sha256:${"0".repeat(64)}`,
    program: compileFlow(decodeFlow({ kind: "seq", children: [] })),
    agents: new Map(agents.map((agent) => [agent.name, agent])),
    naming: { canonical: new Map(agents.map(({ name }) => [name, name])), owners: new Map() },
    placement: DEFAULT_PLACEMENT,
    metas: new Map(),
    layers: [],
    layerOptions: {},
    audits: [],
    ...over,
  };
}

/** Parts with nothing registered; what a test needs it hands in. */
export function makeParts(over: Partial<SpawnerParts> = {}): SpawnerParts {
  return {
    lua: { invoke: () => Promise.reject(new Error("this test has no Lua")) },
    luaScripts: new Map(),
    hostFunctions: new Map(),
    functions: new FunctionRegistry(),
    subprocess: makeSubprocessHost(),
    files: nodeFiles({ scratchRoot: "/nonexistent" }),
    clock: new ManualClock(),
    ...over,
  };
}

/** A subprocess host on this machine. It starts nothing before it is asked to run a child. */
export function makeSubprocessHost(
  limits: Partial<SubprocessLimits> = {},
  over: Partial<SubprocessOptions> = {},
): SubprocessHost {
  const places = new FairQueues(new ManualClock());
  return new SubprocessHost({ environment: process.env, cwd: process.cwd(), places, limits, ...over });
}

/** A spawner for one agent. */
export function spawnerOf(
  agent: CompiledAgent,
  parts: Partial<SpawnerParts> = {},
  over: Partial<CompiledBlueprint> = {},
): Dispatch {
  return createSpawner(makeBlueprint([agent], over), makeParts(parts));
}

/** The failure of an outcome, or a test failure that shows the outcome. */
export function failureOf(outcome: StepOutcome): { code: string; message: string; retryable: boolean } {
  if (outcome.kind !== "error" && outcome.kind !== "timeout") throw new Error(`no failure: ${JSON.stringify(outcome)}`);
  return outcome.error;
}

/** The value of an outcome that has one, or a test failure that shows the outcome. */
export function resultOf<V extends Json>(outcome: StepOutcome): V {
  if (!("value" in outcome)) throw new Error(`no value: ${JSON.stringify(outcome)}`);
  return outcome.value as V;
}
