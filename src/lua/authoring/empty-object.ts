/**
 * The empty object in Lua: `{}` alone is an empty array there, so `F.obj()` is written as a marker that is replaced here.
 *
 * E1  Only an object that is exactly `{"__mse_empty_object__": true}` is replaced; any other use of the key is data.
 */
import { isJsonObject, type Json, ownValue } from "../../flow/index.ts";

/** The marker's only key, fixed by the reference system. */
export const EMPTY_OBJECT_MARKER_KEY = "__mse_empty_object__";

/** `value` with every marker replaced by `{}`. What holds no marker is returned as it is. */
export function replaceEmptyObjects(value: Json): Json {
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    const replaced = items.map(replaceEmptyObjects);
    return replaced.some((item, index) => item !== items[index]) ? replaced : items;
  }
  if (!isJsonObject(value)) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && ownValue(value, EMPTY_OBJECT_MARKER_KEY) === true) return {};
  const entries = keys.map((key) => [key, replaceEmptyObjects(value[key] as Json)] as const);
  return entries.some(([key, item]) => item !== value[key]) ? Object.fromEntries(entries) : value;
}
