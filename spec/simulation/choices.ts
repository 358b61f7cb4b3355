/** What may happen next in a simulation, some things more often than others. */
import type { SeededRandom } from "../../src/simulation/seeded-random.ts";

/** One thing that may happen. */
export interface Choice {
  readonly weight: number;
  /** Does it, and says what it was. */
  readonly act: () => string | Promise<string>;
}

/** One of them by its weight; undefined where there is none. */
export function drawChoice(random: SeededRandom, choices: readonly Choice[]): Choice | undefined {
  let at = random.next() * choices.reduce((sum, { weight }) => sum + weight, 0);
  return choices.find(({ weight }) => {
    at -= weight;
    return at < 0;
  });
}
