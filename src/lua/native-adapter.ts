/**
 * Turns JavaScript functions into WebAssembly functions, which a function table takes and JavaScript functions are not.
 *
 * Owns: the little module that imports the functions with their signatures and exports them again.
 * Does not own: what they do.
 */
import type { NativeFunction, NativeHook } from "./instance.ts";

const I32 = 0x7f;
/** `(i32) -> i32`: a `lua_CFunction`. */
const FUNCTION_TYPE = [0x60, 1, I32, 1, I32];
/** `(i32, i32) -> ()`: a `lua_Hook`. */
const HOOK_TYPE = [0x60, 2, I32, I32, 0];

/** WebAssembly functions for `functions`, and one for `hook` after them. At most 100 in all. */
export function adaptNatives(functions: readonly NativeFunction[], hook: NativeHook): WebAssembly.ExportValue[] {
  const entries = [...functions, hook];
  const names = entries.map((_, i) => [2, 0x30 + Math.floor(i / 10), 0x30 + (i % 10)]);
  const imports = names.map((name, i) => [1, 0x6e, ...name, 0, i < functions.length ? 0 : 1]);
  const exports = names.map((name, i) => [...name, 0, i]);
  const bytes = new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [FUNCTION_TYPE, HOOK_TYPE]),
    ...section(2, imports),
    ...section(7, exports),
  ]);
  const key = (i: number) => String.fromCharCode(...(names[i] as number[]).slice(1));
  const given = Object.fromEntries(entries.map((entry, i) => [key(i), entry]));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { n: given });
  return entries.map((_, i) => instance.exports[key(i)] as WebAssembly.ExportValue);
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const body = [items.length, ...items.flat()];
  return [id, ...leb(body.length), ...body];
}

/** Unsigned LEB128, below 16 384. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}
