/** RFC 6901: JSON pointers into what a program printed. */
import { isJsonObject, type Json, ownValue } from "../../flow/index.ts";

/** The value at `pointer`, or undefined where there is none. Only own keys and plain indexes are found. */
export function atPointer(document: Json, pointer: string): Json | undefined {
  if (pointer === "") return document;
  let value: Json | undefined = document;
  for (const token of pointer.slice(1).split("/")) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value))
      value = /^(?:0|[1-9]\d*)$/.test(key) ? (value as readonly Json[])[Number(key)] : undefined;
    else value = isJsonObject(value) ? ownValue(value, key) : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}
