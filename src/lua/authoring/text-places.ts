/**
 * Places read off a script's text, for what no builder made: keys of the document, and agents written as plain tables.
 *
 * A table constructor leaves no trace of its line in Lua. The text often tells it all the same: `name = "reviewer"` on a
 * single line of the script can only be that agent.
 *
 * T1  A place is told only where exactly one line of the text, comments aside, can be meant.
 * T2  Where a builder noted a place, that place stands.
 */
import { isJsonObject, type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import type { LuaPosition } from "../invocation.ts";

/** Lists of a document whose elements have a name of their own. */
const NAMED_LISTS: readonly string[] = ["agents", "operators", "metas", "runners", "subprocesses"];

/** `noted` and the places that the text of `file` tells of `document`, by JSON pointer. */
export function withTextPlaces(
  document: Json,
  file: string,
  text: string,
  noted: Readonly<Record<string, LuaPosition>>,
): Readonly<Record<string, LuaPosition>> {
  if (!isJsonObject(document)) return noted;
  const lines = text.split("\n").map((line) => (line.trimStart().startsWith("--") ? "" : line));
  const told: [pointer: string, line: number][] = [];
  const tell = (pointer: string, pattern: RegExp): void => {
    if (Object.hasOwn(noted, pointer)) return;
    const line = onlyLine(lines, pattern);
    if (line !== undefined) told.push([pointer, line]);
  };
  for (const key of Object.keys(document).filter((key) => /^\w+$/.test(key))) {
    tell(`/${key}`, new RegExp(`(?<![\\w.])${key}\\s*=(?!=)`));
  }
  for (const list of NAMED_LISTS) {
    for (const [index, name] of names(document, list)) {
      tell(`/${list}/${index}`, new RegExp(`(?<![\\w.])name\\s*=\\s*(["'])${escaped(name)}\\1`));
    }
  }
  return { ...Object.fromEntries(told.map(([pointer, line]) => [pointer, { file, line }])), ...noted };
}

function names(document: JsonObject, list: string): readonly (readonly [index: number, name: string])[] {
  const items = ownValue(document, list);
  if (!Array.isArray(items)) return [];
  return (items as readonly Json[]).flatMap((item, index) => {
    const name = isJsonObject(item) ? ownValue(item, "name") : undefined;
    return typeof name === "string" ? [[index, name] as const] : [];
  });
}

function onlyLine(lines: readonly string[], pattern: RegExp): number | undefined {
  const first = lines.findIndex((line) => pattern.test(line));
  if (first === -1 || lines.slice(first + 1).some((line) => pattern.test(line))) return undefined;
  return first + 1;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
