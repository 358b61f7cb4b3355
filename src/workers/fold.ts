/**
 * How what a worker submits becomes the step's value.
 *
 * F1  Without staged parts the value is the folded answer itself; with at least one it is `{out, parts}`.
 * F2  Folding only ever turns a string that *is* a JSON container (bare or in one code fence) into that container. A
 *     scalar, broken JSON, prose, and a fence with anything around it stay the text they are.
 */
import type { Json, JsonObject } from "../flow/index.ts";
import { parseJson } from "./json-value.ts";
import type { StagedPart } from "./worker.ts";

/** `raw` leaves every string as it is. */
export type FoldMode = "lenient" | "raw";

/** The mode a step's context asks for: raw only where `submit_format` is exactly `text`. */
export function foldMode(context: JsonObject): FoldMode {
  return Object.hasOwn(context, "submit_format") && context["submit_format"] === "text" ? "raw" : "lenient";
}

/** One submitted value, folded (F2). */
export function foldValue(value: Json, mode: FoldMode): Json {
  if (typeof value !== "string" || mode === "raw") return value;
  return container(value) ?? fenced(value) ?? value;
}

/** The step's value (F1). Of two parts with one name the later wins. */
export function foldAnswer(out: Json, parts: readonly StagedPart[] | undefined, mode: FoldMode): Json {
  if (parts === undefined || parts.length === 0) return out;
  return { out, parts: Object.fromEntries(parts.map(({ name, content }) => [name, foldValue(content, mode)])) };
}

function container(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  const parsed = parseJson(text);
  return parsed.ok ? parsed.value : undefined;
}

function fenced(text: string): Json | undefined {
  if (!/^\s*```/.test(text)) return undefined;
  const [, , inside] = /^(`{3,})[^`\n]*\n(.*?)\n[ \t]*\1$/s.exec(text.trim()) ?? [];
  return inside === undefined ? undefined : container(inside);
}
