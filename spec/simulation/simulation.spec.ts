/**
 * The engine under drawn schedules and faults. `SEEDS=n` simulates more, `SEED=n` begins elsewhere; a failure names the
 * smallest scenario found, the seed and path that repeat it, and everything that happened.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { definitionOf, ScriptedRun } from "../kernel/scripted-run.ts";
import { BINDINGS, deterministicScenarios, openScenarios, type Scenario, START } from "./scenarios.ts";
import { answerOf, Simulation } from "./simulation.ts";

const seeds = Number(process.env["SEEDS"] ?? 2_000);
const seed = Number(process.env["SEED"] ?? 1);
const half: fc.Parameters<[Scenario]> = { seed, numRuns: Math.ceil(seeds / 2) };
const timeout = 30_000 + seeds * 50;

/** The end of a run that nothing goes wrong with. */
function undisturbed({ flow }: Scenario): { readonly status: string; readonly ctx: Json } {
  const run = ScriptedRun.start(definitionOf(flow, { bindings: BINDINGS }), START);
  for (let turn = 0; run.kernel.result === undefined; turn += 1) {
    const [key] = run.wanted.keys();
    const [wake] = run.wakes.keys();
    if (key !== undefined) {
      const { ref, input } = run.wanted.get(key)!.request;
      if (ref === "broken") {
        run.end(key, { kind: "error", error: { code: "boom", message: "boom", retryable: false } });
      } else run.end(key, { kind: "pass", value: answerOf(ref, key, input) });
    } else if (wake !== undefined) run.wake(wake);
    else run.take(run.kernel.signal({ name: "go", id: `u${turn}`, value: "go" }, run.now));
  }
  const { status, ctx } = run.kernel.result;
  return { status, ctx: timeless(ctx) };
}

/** A ctx without the times in it: a sleep that is asked for later is due later. */
function timeless(ctx: Json): Json {
  return JSON.parse(JSON.stringify(ctx, (name, value: unknown) => (name === "due_at" ? 0 : value))) as Json;
}

describe("the engine, whatever goes wrong", () => {
  it("ends every run as if nothing had happened, and loses nothing it acknowledged", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(deterministicScenarios, async (scenario) => {
        const expected = undisturbed(scenario);
        const simulation = new Simulation(scenario);
        const { ends } = await simulation.run();
        for (const { status, ctx } of ends) {
          expect({ status, ctx: timeless(ctx) }, simulation.trace.join("\n")).toEqual(expected);
        }
      }),
      half,
    ),
  );

  it("keeps its promises where the first one wins, deadlines pass and runs are cancelled", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(openScenarios, async (scenario) => void (await new Simulation(scenario).run())),
      half,
    ),
  );

  it("takes the same course for the same seed", async () => {
    for (const scenario of fc.sample(openScenarios, { seed, numRuns: 20 })) {
      const [first, second] = [new Simulation(scenario), new Simulation(scenario)];
      await first.run();
      await second.run();
      expect(second.trace).toEqual(first.trace);
    }
  });
});
