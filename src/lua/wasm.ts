/**
 * The WebAssembly module: wasmoon's build of Lua 5.4, found, verified, compiled, and its exports typed.
 *
 * Owns: which bytes are run, with what memory to begin with, and the facts about exactly those bytes that the rest of the
 * layer relies on.
 * Does not own: an instance (instance.ts). wasmoon's JavaScript is never loaded.
 *
 * W1  The bytes are those of SHA256 below. The addresses here were read from their disassembly and hold for no others.
 * W2  Of the module's four mutable globals one is the C stack pointer, two are the constant bounds of the C stack, and
 *     one (tempRet0) is written before every read. So linear memory plus the stack pointer is the whole state.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { LuaError } from "./error.ts";

const SHA256 = "95f3f19ddb740125883bc41d5ec670cd0828e7b58c8bdad385323cbff497b55c";

/** Where the C stack ends and where it starts: it grows down from STACK_BASE, and static data lies below STACK_END. */
export const STACK_END = 35_136;
/** See STACK_END. */
export const STACK_BASE = 1_083_712;

/** Where the heap starts. It ends at the break, whose address is BREAK_POINTER. */
export const HEAP_BASE: number = STACK_BASE;

/** Pages of memory an instance begins with: the booted VM, and 128 KiB that it can still take (instance.ts, N4). */
const FIRST_PAGES = 20;

/** Where in the file the module's own number of first pages is: two bytes of LEB128, for 256. */
const PAGES_AT = 1_715;

/** Address of sbrk's break: everything from it on has never been handed out. */
export const BREAK_POINTER = 31_452;

/** Offsets in `lua_State` of the end and the start of the Lua stack. */
export const STACK_FIELDS = { end: 24, start: 28 } as const;

/** Offsets in `lua_State` of the count hook's interval and of the instructions left until it is called. */
export const HOOK_COUNTERS: readonly number[] = [104, 108];

/** `LUA_REGISTRYINDEX`; upvalue i of the running C function is at `REGISTRY - i`. */
export const REGISTRY = -1_001_000;

/** Results of `lua_type`. */
export const LUA_TYPE = {
  nil: 0,
  boolean: 1,
  lightuserdata: 2,
  number: 3,
  string: 4,
  table: 5,
  function: 6,
  userdata: 7,
  thread: 8,
} as const;

/** Results of `lua_resume` and `lua_pcallk` that are told apart here; every other non-zero one is an error too. */
export const LUA_STATUS = { ok: 0, yield: 1, memoryError: 4 } as const;

/** Events for `lua_sethook`. */
export const LUA_MASK = { line: 4, count: 8 } as const;

/** A `lua_State*`. */
export type LuaThread = number;

/** The exports in use. Pointers and sizes are i32, `lua_Integer` is i64 and therefore a BigInt. */
export interface LuaExports {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  stackSave(): number;
  stackRestore(pointer: number): void;
  setThrew(threw: number, value: number): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  luaL_newstate(): LuaThread;
  luaopen_base(L: LuaThread): number;
  luaopen_coroutine(L: LuaThread): number;
  luaopen_table(L: LuaThread): number;
  luaopen_string(L: LuaThread): number;
  luaopen_math(L: LuaThread): number;
  luaopen_utf8(L: LuaThread): number;
  lua_newthread(L: LuaThread): LuaThread;
  lua_resume(L: LuaThread, from: LuaThread, args: number, resultCount: number): number;
  lua_pcallk(L: LuaThread, args: number, results: number, handler: number, context: number, k: number): number;
  lua_callk(L: LuaThread, args: number, results: number, context: number, k: number): void;
  lua_error(L: LuaThread): never;
  luaL_loadbufferx(L: LuaThread, bytes: number, size: number, name: number, mode: number): number;
  lua_sethook(L: LuaThread, hook: number, mask: number, count: number): void;
  lua_getstack(L: LuaThread, level: number, record: number): number;
  lua_getinfo(L: LuaThread, what: number, record: number): number;
  lua_gettop(L: LuaThread): number;
  lua_settop(L: LuaThread, index: number): void;
  lua_checkstack(L: LuaThread, slots: number): number;
  lua_pushvalue(L: LuaThread, index: number): void;
  lua_rotate(L: LuaThread, index: number, by: number): void;
  lua_xmove(from: LuaThread, to: LuaThread, count: number): void;
  lua_type(L: LuaThread, index: number): number;
  lua_isinteger(L: LuaThread, index: number): number;
  lua_toboolean(L: LuaThread, index: number): number;
  lua_tonumberx(L: LuaThread, index: number, isNumber: number): number;
  lua_tointegerx(L: LuaThread, index: number, isNumber: number): bigint;
  lua_tolstring(L: LuaThread, index: number, size: number): number;
  luaL_tolstring(L: LuaThread, index: number, size: number): number;
  luaL_checklstring(L: LuaThread, index: number, size: number): number;
  luaL_checkinteger(L: LuaThread, index: number): bigint;
  luaL_optinteger(L: LuaThread, index: number, fallback: bigint): bigint;
  luaL_where(L: LuaThread, level: number): void;
  lua_concat(L: LuaThread, count: number): void;
  lua_topointer(L: LuaThread, index: number): number;
  lua_getmetatable(L: LuaThread, index: number): number;
  lua_pushnil(L: LuaThread): void;
  lua_pushboolean(L: LuaThread, value: number): void;
  lua_pushinteger(L: LuaThread, value: bigint): void;
  lua_pushnumber(L: LuaThread, value: number): void;
  lua_pushlstring(L: LuaThread, bytes: number, size: number): number;
  lua_pushlightuserdata(L: LuaThread, pointer: number): void;
  lua_pushcclosure(L: LuaThread, fn: number, upvalues: number): void;
  lua_createtable(L: LuaThread, arrayHint: number, recordHint: number): void;
  lua_setmetatable(L: LuaThread, index: number): number;
  lua_gettable(L: LuaThread, index: number): number;
  lua_copy(L: LuaThread, from: number, to: number): void;
  lua_rawget(L: LuaThread, index: number): number;
  lua_rawgeti(L: LuaThread, index: number, key: bigint): number;
  lua_rawset(L: LuaThread, index: number): void;
  lua_rawseti(L: LuaThread, index: number, key: bigint): void;
  lua_rawlen(L: LuaThread, index: number): bigint;
  lua_next(L: LuaThread, index: number): number;
  luaL_ref(L: LuaThread, index: number): number;
}

/** Reads wasmoon's module from its installed package, verifies it (W1) and compiles it. Throws `lua_invalid`. */
export function compileLuaModule(): WebAssembly.Module {
  const file = createRequire(import.meta.url).resolve("wasmoon/dist/glue.wasm");
  const bytes = readFileSync(file);
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== SHA256) {
    throw new LuaError(
      "lua_invalid",
      `${file} is not the WebAssembly module this host was made for (SHA-256 ${digest}, expected ${SHA256}): ` +
        "install wasmoon 1.16.0, the version package.json pins",
    );
  }
  bytes.set([0x80 | FIRST_PAGES, 0], PAGES_AT);
  return new WebAssembly.Module(bytes);
}
