/**
 * Deep equality of JSON values, as `eq` and `in` have it.
 *
 * Numbers compare by value (`5 == 5.0`, `0 == -0`), objects by key set whatever the order, and values of different types
 * are unequal, never an error. Iterative, so that no depth overflows the stack; what is the same object is equal at once.
 */
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** Whether two values are equal. */
export const deepEqual = (a: Json, b: Json): boolean => equalSpending(a, b, free);

const free = { spend(): void {} };

/** Like `deepEqual`, and tells `meter` how many members it compares, before it does. */
export const equalSpending = (a: Json, b: Json, meter: { spend(values: number): void }): boolean => {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const pairs: Json[] = [a, b];
  while (pairs.length > 0) {
    const y = pairs.pop() as Json;
    const x = pairs.pop() as Json;
    if (x === y) continue;
    if (typeof x !== "object" || typeof y !== "object" || x === null || y === null) return false;
    const members = isJsonObject(x) ? pushObjects(x, y, pairs) : pushArrays(x, y, pairs);
    if (members < 0) return false;
    meter.spend(members);
  }
  return true;
};

// Both push the member pairs and answer how many there are, or -1 where the containers differ at sight.
const pushObjects = (x: JsonObject, y: Json, pairs: Json[]): number => {
  if (!isJsonObject(y)) return -1;
  const keys = Object.keys(x);
  if (keys.length !== Object.keys(y).length) return -1;
  for (const key of keys) {
    if (!Object.hasOwn(y, key)) return -1;
    pairs.push(x[key] as Json, y[key] as Json);
  }
  return keys.length;
};

const pushArrays = (x: readonly Json[], y: Json, pairs: Json[]): number => {
  if (!Array.isArray(y) || x.length !== y.length) return -1;
  for (let index = 0; index < x.length; index += 1) pairs.push(x[index] as Json, y[index] as Json);
  return x.length;
};
