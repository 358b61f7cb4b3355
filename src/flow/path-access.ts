/**
 * Reading and writing a path in a value, without changing it. The machine's own ctx writes in place where it may: ctx.ts.
 */
import { pathNotFound, unwritable } from "./failures.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "./json.ts";
import type { FlowPath } from "./path.ts";

/** The value at a path, or `undefined` where it is not there. Only own keys of objects are found. */
export const lookupPath = (path: FlowPath, ctx: Json): Json | undefined => {
  let value: Json | undefined = ctx;
  for (const key of path.segments) {
    if (!isJsonObject(value)) return undefined;
    value = ownValue(value, key);
  }
  return value;
};

/** The value at a path. Throws FlowError `path_not_found`. */
export const readPath = (path: FlowPath, ctx: Json): Json => {
  const value = lookupPath(path, ctx);
  if (value === undefined) throw pathNotFound(path);
  return value;
};

/**
 * `ctx` with `value` at a path; shares everything off the path. Null and absent levels become objects. Throws FlowError
 * `type_error` (op `path.write`) where a level is anything else.
 */
export const writePath = (path: FlowPath, ctx: Json, value: Json): Json => {
  const levels: JsonObject[] = [];
  let level: Json = ctx;
  for (const key of path.segments) {
    if (level !== null && !isJsonObject(level)) throw unwritable(path, key, level);
    const object: JsonObject = level ?? {};
    levels.push(object);
    level = ownValue(object, key) ?? null;
  }
  return levels.reduceRight<Json>(
    (inner, object, index) => ({ ...object, [path.segments[index] as string]: inner }),
    value,
  );
};
