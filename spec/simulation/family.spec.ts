/**
 * Parents, children and forks under drawn schedules and faults. `SEEDS=n` simulates more, `SEED=n` begins elsewhere; a
 * failure names the smallest scenario found and everything that happened.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHILD_FLOWS, type FamilyScenario, FamilySimulation, GRANDCHILD_FLOWS, PARENT_FLOWS } from "./family.ts";

const seeds = Number(process.env["SEEDS"] ?? 2_000) / 8;
const seed = Number(process.env["SEED"] ?? 1);
const timeout = 30_000 + seeds * 200;

const scenarios = (cancels: boolean): fc.Arbitrary<FamilyScenario> =>
  fc.record({
    seed: fc.nat(),
    faults: fc.nat(5),
    flows: fc.tuple(
      fc.constantFrom(...PARENT_FLOWS),
      fc.constantFrom(...CHILD_FLOWS),
      fc.constantFrom(...GRANDCHILD_FLOWS),
    ),
    cancels: fc.constant(cancels),
  });

/** What does not depend on the schedule: a sleep that is asked for later is due later. */
const timeless = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (name, inner: unknown) => (name === "due_at" ? 0 : inner)));

describe("families of runs, whatever goes wrong", () => {
  it("end as if nothing had happened, with one child for each attempt, and so do their forks", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(scenarios(false), async (scenario) => {
        const undisturbed = await new FamilySimulation({ ...scenario, seed: 0, faults: 0 }).run();
        const simulation = new FamilySimulation(scenario);
        expect(timeless(await simulation.run()), simulation.trace.join("\n")).toEqual(timeless(undisturbed));
      }),
      { seed, numRuns: Math.ceil(seeds / 2) },
    ),
  );

  it("leave nobody behind where runs are cancelled meanwhile", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(scenarios(true), async (scenario) => void (await new FamilySimulation(scenario).run())),
      { seed, numRuns: Math.ceil(seeds / 2) },
    ),
  );
});
