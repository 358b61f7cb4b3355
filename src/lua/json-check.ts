/**
 * Whether a value handed in by a caller is JSON: what TypeScript promises, checked where it matters.
 *
 * Owns: the check. Values travel to threads as JSON text, which would drop a function and turn NaN into null in silence.
 */
import { LuaError } from "./error.ts";
import { placeIn } from "./value-path.ts";

/** What a value without content counts, in bytes; a string counts its length as well. */
const VALUE_BYTES = 8;

/**
 * About how many bytes the value takes as JSON text. Throws `lua_value` for what is not JSON and `lua_depth_limit` for
 * what is too deep, which includes cycles.
 */
export function checkJson(value: unknown, subject: string, maxDepth: number): number {
  return check(value, subject, [], maxDepth);
}

function check(value: unknown, subject: string, path: (string | number)[], maxDepth: number): number {
  switch (typeof value) {
    case "string":
      return VALUE_BYTES + value.length;
    case "boolean":
      return VALUE_BYTES;
    case "number":
      if (Number.isFinite(value)) return VALUE_BYTES;
      throw refuse(subject, path, `is ${value}, which JSON has no number for`);
    case "object":
      return value === null ? VALUE_BYTES : checkContent(value, subject, path, maxDepth);
    default:
      throw refuse(subject, path, `is ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}, not JSON`);
  }
}

function checkContent(value: object, subject: string, path: (string | number)[], maxDepth: number): number {
  if (path.length >= maxDepth) {
    throw new LuaError("lua_depth_limit", `${subject} is nested deeper than ${maxDepth} levels, or contains itself`);
  }
  let bytes = VALUE_BYTES;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      path.push(i);
      bytes += check(value[i], subject, path, maxDepth);
      path.pop();
    }
    return bytes;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse(subject, path, "is not a plain object");
  for (const [key, item] of Object.entries(value)) {
    path.push(key);
    bytes += key.length + check(item, subject, path, maxDepth);
    path.pop();
  }
  return bytes;
}

function refuse(subject: string, path: readonly (string | number)[], what: string): LuaError {
  return new LuaError("lua_value", `${placeIn(subject, path)} ${what}`);
}
