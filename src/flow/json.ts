/**
 * JSON values: the only data a flow ever sees, and the tests everything else builds on.
 *
 * Owns: the types, and the one way to ask for an object and for an own key.
 * Does not own: equality (json-equal.ts), measuring (json-measure.ts), rendering in messages (json-render.ts).
 *
 * Keys are plain data: `__proto__`, `constructor` and friends are keys like any other, so nothing outside this file
 * reads or writes a key of a JSON object without `ownValue` or `setOwn`.
 */

/** Any JSON value. Numbers are IEEE doubles; NaN and infinities are not JSON. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whether `value` is a JSON object: neither null nor an array. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of an own key, or `undefined` where the object has no such key. Inherited names are never found. */
export const ownValue = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** Sets an own key in place, `__proto__` included. Only for objects the caller has made and still owns alone. */
export const setOwn = (object: Record<string, Json>, key: string, value: Json): void => {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
};
