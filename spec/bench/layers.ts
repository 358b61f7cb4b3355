/**
 * What the layers of a stack cost a dispatch, around a spawner that answers at once.
 *
 * The base layers are what every Blueprint has; the full stack adds every hint layer that neither asks anybody nor runs
 * Lua, with a budget, a queue and a breaker in use.
 */
import type { CompiledBlueprint, LayerName } from "../../src/blueprint/index.ts";
import { FairQueues, type StepCall, type StepOutcome } from "../../src/engine/index.ts";
import { AuditTasks, layered } from "../../src/middleware/index.ts";
import { makeAgent, makeBlueprint, makeCall } from "../workers/step-fixture.ts";
import { cost, medianMs, type Row } from "./row.ts";

const DISPATCHES = 20_000;
const PASS: StepOutcome = { kind: "pass", value: null };

const FULL: readonly LayerName[] = [
  "timeout",
  "bulkhead",
  "circuit_breaker",
  "retry",
  "deduplicate",
  "rate_limit",
  "budget",
  "long_hold",
  "audit",
];

/** A row a stack. */
export async function* layerRows(): AsyncIterable<Row> {
  const clock = { now: () => Date.now(), timer: (at: number, fire: () => void) => timer(at, fire) };
  const stack = (layers: readonly LayerName[]) => {
    const compiled: CompiledBlueprint = makeBlueprint(
      [makeAgent({ kind: "function", fnId: "identity" }, { context: { tone: "calm" } })],
      {
        blueprint: { id: "bench", metadata: { project_name_alias: "bench" } } as CompiledBlueprint["blueprint"],
        layers,
        layerOptions: {
          timeout: { timeout_ms: 60_000 },
          bulkhead: { limit: 100 },
          rate_limit: { rules: [{ key: "bench", concurrency: 100 }] },
          budget: { tokens: { limit: 1e12, per_attempt: 1 } },
        },
      },
    );
    return layered({
      compiled,
      spawner: async () => PASS,
      clock,
      lua: { invoke: () => Promise.reject(new Error("the benchmark has no Lua")) },
      queues: new FairQueues(clock),
      audits: new AuditTasks(clock),
      journal: async function* () {},
    });
  };
  for (const [name, layers] of [
    ["base layers", []],
    ["9 hint layers more", FULL],
  ] as const) {
    const dispatch = stack(layers);
    const call: StepCall = makeCall({ input: { $step_meta: { inline: { lane: 1 } }, $in: "go" } });
    const ms = await medianMs(5, async () => {
      // As an attempt has: a signal of its own.
      for (let index = 0; index < DISPATCHES; index += 1)
        await dispatch({ ...call, signal: new AbortController().signal });
    });
    yield cost("layers around a dispatch", name, (ms * 1000) / DISPATCHES, "us/dispatch");
  }
}

function timer(at: number, fire: () => void): { readonly cancel: () => void } {
  const handle = setTimeout(fire, at - Date.now());
  return { cancel: () => clearTimeout(handle) };
}
