/**
 * JSON pointers (RFC 6901): how diagnostics, source maps and patches name a place in a document.
 */

import { isJsonObject, type Json } from "../flow/index.ts";

/** `parent` and one more token. */
export function pointerTo(parent: string, token: string | number): string {
  return `${parent}/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The unescaped tokens of a pointer; `""` has none. */
export function pointerTokens(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The pointer to what holds `pointer`'s value, or undefined for the document itself. */
export function parentPointer(pointer: string): string | undefined {
  return pointer === "" ? undefined : pointer.slice(0, pointer.lastIndexOf("/"));
}

/** Whether `pointer` is `ancestor` or lies below it. */
export function isWithin(pointer: string, ancestor: string): boolean {
  return pointer === ancestor || pointer.startsWith(`${ancestor}/`);
}

/** The value at `pointer`; undefined where there is none. */
export function valueAt(document: Json, pointer: string): Json | undefined {
  return pointerTokens(pointer).reduce<Json | undefined>(partOf, document);
}

/** The element or the own member `token` of a value. */
export function partOf(value: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(token)];
  return isJsonObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
}
