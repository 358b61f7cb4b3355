/** The marker with which a worker that can only answer a value says that the step is skipped. */
import { isJsonObject, type Json, ownValue } from "../flow/index.ts";

const MARKER = "__mse_skip";

/** The value inside `{"__mse_skip": true, "value": v}`, null where it has none; undefined for any other value. */
export function skippedValue(value: Json): { readonly value: Json } | undefined {
  if (!isJsonObject(value) || ownValue(value, MARKER) !== true) return undefined;
  return { value: ownValue(value, "value") ?? null };
}
