/**
 * The edge where values from outside become Json: texts that programs print, and values that host functions return.
 *
 * V1  What passes here is plain JSON data, at most MAX_DEPTH deep, so that everything behind it may recurse over it.
 */
import type { Json } from "../flow/index.ts";

/** Deepest nesting of a value that enters a run. A flow's own bound (maxCtxDepth) is the same by default. */
export const MAX_DEPTH = 512;

/** Most values inside one returned value; what stops an answer that contains one array many times over. */
const MAX_VALUES = 10_000_000;

/** The value of a JSON text, or why it is none. */
export type ParsedJson = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly error: string };

/** Parses one JSON text of any type, scalars included. */
export function parseJson(text: string): ParsedJson {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    return { ok: false, error: (cause as SyntaxError).message };
  }
  return depthOver(value, MAX_DEPTH)
    ? { ok: false, error: `nested deeper than ${MAX_DEPTH} levels` }
    : { ok: true, value };
}

function depthOver(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const item of Object.values(value)) if (depthOver(item as Json, levels - 1)) return true;
  return false;
}

/** Why a JavaScript value is not JSON, naming the place as a JSON pointer; undefined where it is. */
export function jsonProblem(value: unknown): string | undefined {
  let budget = MAX_VALUES;
  const visit = (item: unknown, levels: number): { reason: string; path: (string | number)[] } | undefined => {
    if (item === null || typeof item === "string" || typeof item === "boolean") return undefined;
    if (typeof item === "number") return Number.isFinite(item) ? undefined : { reason: `${item}`, path: [] };
    if (typeof item !== "object") return { reason: item === undefined ? "undefined" : `a ${typeof item}`, path: [] };
    if (levels === 0) return { reason: `nested deeper than ${MAX_DEPTH} levels, or cyclic`, path: [] };
    budget -= 1;
    if (budget < 0) return { reason: `more than ${MAX_VALUES} values`, path: [] };
    const array = Array.isArray(item);
    if (!array && !isPlain(item)) return { reason: `an instance of ${className(item)}`, path: [] };
    // Array.from visits the holes of a sparse array too, which are undefined and not JSON.
    const entries = array ? Array.from(item as unknown[]).entries() : Object.entries(item);
    for (const [key, child] of entries) {
      const problem = visit(child, levels - 1);
      if (problem === undefined) continue;
      problem.path.unshift(key);
      return problem;
    }
    return undefined;
  };
  const problem = visit(value, MAX_DEPTH);
  if (problem === undefined) return undefined;
  const { reason, path } = problem;
  return path.length === 0 ? `it is ${reason}` : `${pointer(path)} is ${reason}`;
}

function isPlain(item: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(item);
  return prototype === null || prototype === Object.prototype;
}

function className(item: object): string {
  const maker: unknown = (item as { readonly constructor?: unknown }).constructor;
  return typeof maker === "function" && maker.name !== "" ? maker.name : "an unnamed class";
}

function pointer(path: readonly (string | number)[]): string {
  const shown = path.length <= 20 ? path : path.slice(0, 20);
  return shown.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
