/** Runs a Blueprint document through the real compiler, layers and workers, without an engine: steps one after another. */
import { compileBlueprint, parseBlueprint } from "../../src/blueprint/index.ts";
import { FairQueues, type StepOutcome } from "../../src/engine/index.ts";
import { FlowMachine, type FlowOutcome, type Json, type JsonObject } from "../../src/flow/index.ts";
import { flowOutcome } from "../../src/kernel/index.ts";
import { AuditTasks, layered } from "../../src/middleware/index.ts";
import { createSpawner, type SpawnerParts } from "../../src/workers/index.ts";
import { makeCall, makeParts } from "./step-fixture.ts";

/** How a run ended. */
export interface RunEnd {
  readonly ctx: Json;
  /** The flow's error text, where it failed. */
  readonly error?: string;
  /** Every step's outcome, by step key. */
  readonly outcomes: ReadonlyMap<string, StepOutcome>;
}

/** What a run is given. */
export interface RunOptions {
  readonly ctx?: Json;
  readonly context?: JsonObject;
  readonly parts?: Partial<SpawnerParts>;
}

/** Runs a document to its end; a document that does not compile is a test failure that lists why. */
export async function runBlueprint(
  document: JsonObject,
  { ctx = {}, context = {}, parts = {} }: RunOptions = {},
): Promise<RunEnd> {
  const full = makeParts(parts);
  const parsed = parseBlueprint({ id: "reference-case", metadata: {}, ...document });
  if (parsed.blueprint === undefined) throw new Error(JSON.stringify(parsed.diagnostics, null, 2));
  const { compiled, diagnostics } = compileBlueprint(parsed.blueprint, {
    functions: new Map(full.functions.list().map((fn) => [fn.id, fn])),
    luaScripts: new Set(full.luaScripts.keys()),
    hostFunctions: new Set(full.hostFunctions.keys()),
    hintLayers: new Set(),
    externs: new Set(),
  });
  if (compiled === undefined) throw new Error(JSON.stringify(diagnostics, null, 2));
  const { clock, lua } = full;
  const dispatch = layered({
    compiled,
    spawner: createSpawner(compiled, full),
    clock,
    lua,
    queues: new FairQueues(clock),
    audits: new AuditTasks(clock),
    journal: async function* () {},
  });
  const outcomes = new Map<string, StepOutcome>();
  const machine = FlowMachine.start(compiled.program, ctx);
  while (machine.status === "running") {
    const [request] = machine.pending();
    if (request === undefined) throw new Error("the flow waits for nothing");
    const { key, ref, input } = request;
    const outcome = await dispatch(makeCall({ key, agent: ref, input, context, stepId: stepIdOf(key) }));
    outcomes.set(key, outcome);
    machine.handIn(key, seenByFlow(outcome));
  }
  return { ctx: machine.ctx, outcomes, ...(machine.error === undefined ? {} : { error: machine.error.message }) };
}

/** The id of the step with this key in these runs. */
export function stepIdOf(key: string): string {
  return `ST-${Buffer.from(key).toString("hex").padStart(16, "0")}`;
}

function seenByFlow(outcome: StepOutcome): FlowOutcome {
  return flowOutcome(
    outcome.kind === "cancelled"
      ? { ...outcome, error: { code: "step_cancelled", message: "cancelled", retryable: false } }
      : outcome,
  );
}
