/**
 * One pass over an untyped document: is it JSON, is it within bounds, and which refs are in it.
 *
 * I1. Iterative: nesting costs no stack, so what passes can safely be walked recursively by everybody else.
 * I2. A cycle is found as nesting without end.
 */
import type { Json } from "../flow/index.ts";
import { pointerTo } from "./json-pointer.ts";

/** Bounds of a document. */
export interface DocumentLimits {
  /** Bytes of a document's file. Default 4 MiB. */
  readonly maxBytes: number;
  /** Nested objects and lists. Default 2500: a flow of the deepest allowed nesting fits, with room for a context. */
  readonly maxDepth: number;
  /** Values in all, each object, list and scalar counted. Default 2 million. */
  readonly maxValues: number;
}

/** What holds where nothing is said. */
export const documentLimits: DocumentLimits = Object.freeze({
  maxBytes: 4 * 1024 * 1024,
  maxDepth: 2_500,
  maxValues: 2_000_000,
});

/** A ref in a document: `{"$file": "x"}` alone, or `$agent_md` with or without siblings. */
export interface DocumentRef {
  readonly key: "$file" | "$agent_md";
  readonly ref: string;
  /** Pointer to the object that is the ref. */
  readonly pointer: string;
}

/** Why a value is no usable document. */
export interface InspectionFailure {
  readonly pointer: string;
  readonly message: string;
  /** Whether it is JSON, but too much of it. */
  readonly tooLarge: boolean;
}

/** What was found. `document` is the value inspected, known to be JSON. */
export type Inspected =
  | {
      readonly document: Json;
      readonly refs: readonly DocumentRef[];
      /** Objects with a `$file` text and keys beside it: data that looks like a ref. */
      readonly lookalikes: readonly DocumentRef[];
    }
  | { readonly failure: InspectionFailure };

const brokenText = "holds half of a surrogate pair, which is no character";

interface Visit {
  readonly value: unknown;
  readonly parent: Visit | undefined;
  readonly token: string | number;
  readonly depth: number;
}

/** Inspects a document. Costs its size. */
export function inspectDocument(document: unknown, limits: DocumentLimits = documentLimits): Inspected {
  const refs: DocumentRef[] = [];
  const lookalikes: DocumentRef[] = [];
  const stack: Visit[] = [{ value: document, parent: undefined, token: "", depth: 0 }];
  let values = 0;
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    values += 1;
    if (values > limits.maxValues) {
      return failure(visit, `the document holds more than ${limits.maxValues} values`, true);
    }
    const { value, token } = visit;
    if (typeof token === "string" && !token.isWellFormed()) return failure(visit, `a key ${brokenText}`, false);
    if (typeof value !== "object" || value === null) {
      const problem = scalarProblem(value);
      if (problem !== undefined) return failure(visit, problem, false);
      continue;
    }
    if (visit.depth >= limits.maxDepth) {
      return failure(visit, `the document is nested deeper than ${limits.maxDepth} levels`, true);
    }
    const ref = refOf(value, visit);
    if (ref !== undefined) (ref.key === "$file" && Object.keys(value).length > 1 ? lookalikes : refs).push(ref);
    pushParts(stack, visit, value);
  }
  return { document: document as Json, refs, lookalikes };
}

function pushParts(stack: Visit[], parent: Visit, value: object): void {
  const depth = parent.depth + 1;
  // Last part first, so that the first is visited next and refs come in document order.
  if (Array.isArray(value)) {
    for (let index = value.length - 1; index >= 0; index -= 1)
      stack.push({ value: value[index], parent, token: index, depth });
    return;
  }
  const keys = Object.keys(value);
  for (let index = keys.length - 1; index >= 0; index -= 1) {
    const token = keys[index] as string;
    stack.push({ value: (value as Readonly<Record<string, unknown>>)[token], parent, token, depth });
  }
}

function refOf(value: object, visit: Visit): DocumentRef | undefined {
  // An object with both is an agent: its `$file` is a key beside the ref.
  for (const key of ["$agent_md", "$file"] as const) {
    if (!Object.hasOwn(value, key)) continue;
    const ref = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof ref === "string") return { key, ref, pointer: pointerOf(visit) };
  }
  return undefined;
}

function scalarProblem(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? undefined : `a text ${brokenText}`;
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : `${value} is not a JSON number`;
    default:
      return value === null ? undefined : `a value of type ${typeof value} is not JSON`;
  }
}

function failure(visit: Visit, message: string, tooLarge: boolean): Inspected {
  // The place of a depth failure is thousands of tokens long; its head says enough.
  return {
    failure: { pointer: visit.depth > 20 ? pointerOf(ancestor(visit, 20)) : pointerOf(visit), message, tooLarge },
  };
}

function ancestor(visit: Visit, depth: number): Visit {
  let at = visit;
  while (at.depth > depth && at.parent !== undefined) at = at.parent;
  return at;
}

function pointerOf(visit: Visit): string {
  const tokens: (string | number)[] = [];
  for (let at = visit; at.parent !== undefined; at = at.parent) tokens.push(at.token);
  return tokens.reverse().reduce<string>(pointerTo, "");
}
