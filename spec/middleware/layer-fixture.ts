/** Layers with everything they may need: a manual clock, a scripted worker, a scripted consult. */
import type { CompiledBlueprint, LayerOptions } from "../../src/blueprint/index.ts";
import { type Dispatch, FairQueues, type StepCall, type StepOutcome } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import type { JournalEntry } from "../../src/kernel/index.ts";
import { AuditTasks, type Consult, type LayerParts, layered, type SeatQuestion } from "../../src/middleware/index.ts";
import { ManualClock } from "../engine/manual-clock.ts";
import { makeAgent, makeBlueprint } from "../workers/step-fixture.ts";

export const PASS: StepOutcome = { kind: "pass", value: "done" };
export const BLOCKED: StepOutcome = { kind: "blocked", value: "no" };

/** A failure that is worth repeating, or not. */
export function failing(retryable = true): StepOutcome {
  return { kind: "error", error: { code: "boom", message: "it went wrong", retryable } };
}

/** A worker that answers in order, the last answer again and again, and keeps its calls. */
export function scripted(...outcomes: readonly StepOutcome[]): Dispatch & { readonly calls: StepCall[] } {
  const calls: StepCall[] = [];
  const spawn = async (call: StepCall): Promise<StepOutcome> => {
    calls.push(call);
    return outcomes[Math.min(calls.length, outcomes.length) - 1] ?? PASS;
  };
  return Object.assign(spawn, { calls });
}

/** A worker whose calls the test ends; it obeys its signal. */
export class HeldWorker {
  readonly calls: StepCall[] = [];
  readonly #open: ((outcome: StepOutcome) => void)[] = [];

  readonly dispatch: Dispatch = (call) =>
    new Promise((resolve) => {
      this.calls.push(call);
      this.#open.push(resolve);
      call.signal.addEventListener("abort", () => resolve({ kind: "cancelled" }), { once: true });
    });

  /** Ends the oldest call under way. */
  async end(outcome: StepOutcome = PASS): Promise<void> {
    this.#open.shift()?.(outcome);
    await turns();
  }
}

/** A consult that keeps what it is asked and answers from a script. */
export class ScriptedConsult implements Consult {
  readonly asked: SeatQuestion[] = [];
  readonly before: string[] = [];
  readonly after: Json[] = [];
  readonly answers = new Map<string, Awaited<ReturnType<Consult["ask"]>> | Promise<never>>();
  hook: Awaited<ReturnType<Consult["hookBefore"]>> = { ok: true };

  async ask(_call: StepCall, question: SeatQuestion): ReturnType<Consult["ask"]> {
    this.asked.push(question);
    return (await this.answers.get(question.seat)) ?? { kind: "expired" };
  }

  async hookBefore(_call: StepCall, { seat }: { readonly seat: string }): ReturnType<Consult["hookBefore"]> {
    this.before.push(seat);
    return this.hook;
  }

  async hookAfter(_call: StepCall, { result }: { readonly result: Json }): Promise<void> {
    this.after.push(result);
  }
}

/** Parts of layers, all of a test's own. */
export function layerParts(over: Partial<LayerParts> = {}): LayerParts & { readonly clock: ManualClock } {
  const clock = new ManualClock();
  return {
    compiled: makeBlueprint([makeAgent({ kind: "function", fnId: "identity" })]),
    spawner: scripted(),
    lua: { invoke: () => Promise.reject(new Error("this test has no Lua")) },
    queues: new FairQueues(clock),
    audits: new AuditTasks(clock),
    journal: async function* (): AsyncGenerator<JournalEntry> {},
    ...over,
    clock,
  };
}

/** The whole stack of a Blueprint around a worker. */
export function stackAround(spawner: Dispatch, over: Partial<LayerParts> = {}): Dispatch {
  return layered(layerParts({ ...over, spawner }));
}

/** A Blueprint that lists these layers with these options. */
export function hinted(layers: CompiledBlueprint["layers"], layerOptions: LayerOptions = {}): CompiledBlueprint {
  return makeBlueprint([makeAgent({ kind: "function", fnId: "identity" })], { layers, layerOptions });
}

/** Lets everything that is ready go on. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}
