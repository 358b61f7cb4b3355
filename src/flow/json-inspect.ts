/**
 * Inspection of a value where it enters or leaves a run: is it JSON, how deep is it, how many values does it hold.
 *
 * Values shared inside a value count as often as they would be written, so a value that passes can also be printed.
 */
/** What inspection allows. */
export interface InspectionBounds {
  /** Levels of nesting; a scalar has none, `[]` has one. */
  readonly maxCtxDepth: number;
  /** Values in all, itself included. */
  readonly maxValues: number;
}

/** Why a value did not pass. `pointer` is a JSON pointer into it. */
export interface InspectionProblem {
  readonly limit?: "maxCtxDepth" | "maxValues";
  readonly message: string;
  readonly pointer: string;
}

/** The result: the depth of a value that passed and how many values it holds, or why it did not pass. */
export type Inspection = { readonly depth: number; readonly values: number } | { readonly problem: InspectionProblem };

/** Inspects a value. Costs its size, at most `maxValues`. */
export const inspectJson = (value: unknown, bounds: InspectionBounds): Inspection => {
  const inspector = new Inspector(bounds);
  const problem = inspector.visit(value, 0);
  if (problem === undefined) return { depth: inspector.deepest, values: inspector.values };
  return { problem: { ...problem, pointer: inspector.pointer() } };
};

/** One token of a JSON pointer, escaped and with its slash. */
export const pointerToken = (token: string | number): string =>
  `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`;

type Problem = Pick<InspectionProblem, "limit" | "message">;

class Inspector {
  deepest = 0;
  values = 0;
  readonly #bounds: InspectionBounds;
  readonly #trail: (string | number)[] = [];

  constructor(bounds: InspectionBounds) {
    this.#bounds = bounds;
  }

  pointer(): string {
    return this.#trail.map(pointerToken).join("");
  }

  /** Recursion is bounded by `maxCtxDepth`. After a problem the trail is left as it is: it says where. */
  visit(value: unknown, depth: number): Problem | undefined {
    this.values += 1;
    if (this.values > this.#bounds.maxValues) {
      return { limit: "maxValues", message: `more than ${this.#bounds.maxValues} values` };
    }
    if (typeof value !== "object" || value === null) return scalarProblem(value);
    if (depth >= this.#bounds.maxCtxDepth) {
      return { limit: "maxCtxDepth", message: `nested deeper than ${this.#bounds.maxCtxDepth} levels` };
    }
    if (depth >= this.deepest) this.deepest = depth + 1;
    return Array.isArray(value) ? this.#array(value, depth + 1) : this.#object(value, depth + 1);
  }

  #array(array: readonly unknown[], depth: number): Problem | undefined {
    for (let index = 0; index < array.length; index += 1) {
      this.#trail.push(index);
      const problem = this.visit(array[index], depth);
      if (problem !== undefined) return problem;
      this.#trail.pop();
    }
    return undefined;
  }

  #object(object: object, depth: number): Problem | undefined {
    for (const key of Object.keys(object)) {
      this.#trail.push(key);
      const problem = this.visit((object as Readonly<Record<string, unknown>>)[key], depth);
      if (problem !== undefined) return problem;
      this.#trail.pop();
    }
    return undefined;
  }
}

const scalarProblem = (value: unknown): Problem | undefined => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : { message: `${value} is not a JSON number` };
    default:
      return value === null ? undefined : { message: `${typeof value} is not a JSON value` };
  }
};
