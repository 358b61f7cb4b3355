/**
 * Reading untrusted saved JSON: each reader answers a value of the type asked for or throws FlowError `invalid_state`.
 */
import { FlowError } from "../error.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "../json.ts";

/** The error of a saved form that does not fit. */
export const misfit = (what: string): FlowError =>
  new FlowError("invalid_state", `saved run does not fit this program: ${what}`);

/** A field that must be there. */
export const field = (object: JsonObject, name: string): Json => {
  const value = ownValue(object, name);
  if (value === undefined) throw misfit(`'${name}' is missing`);
  return value;
};

/** An object. */
export const readObject = (value: Json, what: string): JsonObject => {
  if (!isJsonObject(value)) throw misfit(`${what} is not an object`);
  return value;
};

/** An array. */
export const readArray = (value: Json, what: string): readonly Json[] => {
  if (!Array.isArray(value)) throw misfit(`${what} is not an array`);
  return value;
};

/** A string. */
export const readString = (value: Json, what: string): string => {
  if (typeof value !== "string") throw misfit(`${what} is not a string`);
  return value;
};

/** An integer from 0 to `max`. */
export const readCount = (value: Json, what: string, max: number = Number.MAX_SAFE_INTEGER): number => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || value > max) {
    throw misfit(`${what} is not an integer from 0 to ${max}`);
  }
  return value;
};

/** One of some names. */
export const readOneOf = <Name extends string>(value: Json, names: readonly Name[], what: string): Name => {
  const found = names.find((name) => name === value);
  if (found === undefined) throw misfit(`${what} is none of ${names.join(", ")}`);
  return found;
};

/** `[index, value]` pairs with distinct indexes below `width`. */
export const readPairs = (value: Json, what: string, width: number): readonly (readonly [number, Json])[] => {
  const seen = new Set<number>();
  return readArray(value, what).map((entry) => {
    const [index, member, ...rest] = readArray(entry, what);
    if (index === undefined || member === undefined || rest.length > 0)
      throw misfit(`${what} holds something else than pairs`);
    const at = readCount(index, what, width - 1);
    if (seen.has(at)) throw misfit(`${what} names ${at} twice`);
    seen.add(at);
    return [at, member] as const;
  });
};
