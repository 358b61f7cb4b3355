/**
 * Whether a value handed in by a caller is JSON: what TypeScript promises, checked where it matters.
 *
 * Owns: the check. Values travel to threads as JSON text, which would drop a function and turn NaN into null in silence.
 */
import { LuaError } from "./error.ts";
import { placeIn } from "./value-path.ts";

/** Throws `lua_value` for what is not JSON and `lua_depth_limit` for what is too deep, which includes cycles. */
export function checkJson(value: unknown, subject: string, maxDepth: number): void {
  check(value, subject, [], maxDepth);
}

function check(value: unknown, subject: string, path: (string | number)[], maxDepth: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw refuse(subject, path, `is ${value}, which JSON has no number for`);
    case "object":
      break;
    default:
      throw refuse(subject, path, `is ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}, not JSON`);
  }
  if (value === null) return;
  if (path.length >= maxDepth) {
    throw new LuaError("lua_depth_limit", `${subject} is nested deeper than ${maxDepth} levels, or contains itself`);
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      path.push(i);
      check(value[i], subject, path, maxDepth);
      path.pop();
    }
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse(subject, path, "is not a plain object");
  for (const [key, item] of Object.entries(value)) {
    path.push(key);
    check(item, subject, path, maxDepth);
    path.pop();
  }
}

function refuse(subject: string, path: readonly (string | number)[], what: string): LuaError {
  return new LuaError("lua_value", `${placeIn(subject, path)} ${what}`);
}
