/**
 * The base image: a VM with its libraries opened, locked down and furnished, before any script is in it.
 *
 * Owns: the order in which a VM is put together, and where its parts lie.
 * Does not own: what the parts do (modules/sandbox/*.lua), a script's image (vm.ts).
 *
 * I1  io, os, debug and package are never opened; base.lua removes what is left.
 * I2  Booting is deterministic: every VM boots to the same bytes, so a base image fits all of them (M3).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Hook } from "./hook.ts";
import type { LuaImage } from "./invocation.ts";
import type { MemoryImage } from "./memory-image.ts";
import type { LuaState } from "./state.ts";
import { type LuaExports, type LuaThread, REGISTRY } from "./wasm.ts";
import type { Markers } from "./writer.ts";

/** A booted VM at rest, and where its parts are. */
export interface BaseImage {
  readonly kind: LuaImage["kind"];
  readonly memory: MemoryImage;
  /** The main state: host-side work. */
  readonly main: LuaThread;
  /** The coroutine scripts run in. */
  readonly root: LuaThread;
  readonly markers: Markers;
  /** `lua_topointer` of the markers. */
  readonly markerPointers: { readonly array: number; readonly object: number };
  /** Registry references. */
  readonly kept: {
    readonly globals: bigint;
    readonly randomSeed: bigint;
    readonly grant: bigint;
    readonly describe: bigint;
    /** Authoring only. */
    readonly places?: bigint;
    readonly warnings?: bigint;
  };
}

/** `LUA_RIDX_GLOBALS`. */
const GLOBALS = 2n;

const LIBRARIES = ["coroutine", "table", "string", "math", "utf8"] as const;

/** Boots a VM on an instance whose host functions are in place: `natives` has their indices. */
export function bootBase(
  state: LuaState,
  kind: LuaImage["kind"],
  natives: ReadonlyMap<string, number>,
  hook: Hook,
): BaseImage {
  const { exports, instance } = state;
  const main = exports.luaL_newstate();
  openLibraries(state, main);

  const native = pushNatives(state, main, natives);
  const run = (file: string, results: number): void => {
    state.compile(main, sandboxText(file), `=sandbox/${file}`);
    state.pushKept(main, native);
    exports.lua_callk(main, 1, results, 0, 0);
  };
  run("base.lua", 0);
  run("table.lua", 0);
  run("json.lua", 2);
  const markerPointers = { object: exports.lua_topointer(main, -1), array: exports.lua_topointer(main, -2) };
  const object = state.keep(main);
  const markers = { array: state.keep(main), object };
  run("coroutine.lua", 2);
  const grant = state.keep(main);
  const setRoot = state.keep(main);
  run("failure.lua", 1);
  const describe = state.keep(main);
  const randomSeed = keepGlobal(state, main, "math", "randomseed");
  const kept = { globals: GLOBALS, randomSeed, grant, describe };
  const authoring: { places?: bigint; warnings?: bigint } = {};
  if (kind === "authoring") {
    run("require.lua", 2);
    authoring.warnings = state.keep(main);
    authoring.places = state.keep(main);
  }

  // The hook is set before the root is made: coroutines inherit it, the root from here and a script's from the root.
  // Authoring scripts are watched line by line too: a tail call leaves no frame to tell the line from.
  hook.set(main, kind === "authoring");
  state.pushKept(main, setRoot);
  const root = exports.lua_newthread(main);
  exports.lua_callk(main, 1, 0, 0, 0);
  return {
    kind,
    memory: instance.memory.capture(),
    main,
    root,
    markers,
    markerPointers,
    kept: { ...kept, ...authoring },
  };
}

function openLibraries(state: LuaState, L: LuaThread): void {
  const { exports } = state;
  exports.luaopen_base(L);
  exports.lua_settop(L, 0);
  exports.lua_rawgeti(L, REGISTRY, GLOBALS);
  for (const library of LIBRARIES) {
    state.pushString(L, library);
    exports[`luaopen_${library}` satisfies keyof LuaExports](L);
    exports.lua_rawset(L, 1);
  }
  exports.lua_settop(L, 0);
}

/** Makes the table of host functions the sandbox's chunks are called with, and keeps it. */
function pushNatives(state: LuaState, L: LuaThread, natives: ReadonlyMap<string, number>): bigint {
  const { exports } = state;
  exports.lua_createtable(L, 0, natives.size + 1);
  for (const [name, index] of natives) {
    state.pushString(L, name);
    exports.lua_pushcclosure(L, index, 0);
    exports.lua_rawset(L, -3);
  }
  state.pushString(L, "null");
  exports.lua_pushlightuserdata(L, 0);
  exports.lua_rawset(L, -3);
  return state.keep(L);
}

function keepGlobal(state: LuaState, L: LuaThread, library: string, name: string): bigint {
  const { exports } = state;
  exports.lua_rawgeti(L, REGISTRY, GLOBALS);
  for (const key of [library, name]) {
    state.pushString(L, key);
    exports.lua_rawget(L, -2);
  }
  const reference = state.keep(L);
  exports.lua_settop(L, 0);
  return reference;
}

function sandboxText(file: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`#lua/sandbox/${file}`), "utf8");
}
