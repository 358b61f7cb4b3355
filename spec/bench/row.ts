/** What a benchmark says: one row a figure, the same shape on the terminal and as JSON. */

/** One figure. */
export interface Row {
  readonly scenario: string;
  /** What ran under it: worker, store, sizes. */
  readonly configuration: string;
  /** The median of the rounds. */
  readonly value: number;
  readonly unit: string;
  /** What the same work costs without us, in the same unit; null where there is no such thing. */
  readonly floor: number | null;
  /** `value / floor`, or its inverse for rates, so that 1 is the floor and larger is worse; null without a floor. */
  readonly ratio: number | null;
}

/** A row for a time or another cost, where less is better. */
export function cost(scenario: string, configuration: string, value: number, unit: string, floor?: number): Row {
  return {
    scenario,
    configuration,
    value,
    unit,
    floor: floor ?? null,
    ratio: floor === undefined ? null : value / floor,
  };
}

/** A row for a rate, where more is better. */
export function rate(scenario: string, configuration: string, value: number, unit: string, floor?: number): Row {
  return {
    scenario,
    configuration,
    value,
    unit,
    floor: floor ?? null,
    ratio: floor === undefined ? null : floor / value,
  };
}

/** The median of `rounds` measurements after one that is thrown away, in milliseconds. */
export async function medianMs(rounds: number, work: () => unknown): Promise<number> {
  await work();
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
