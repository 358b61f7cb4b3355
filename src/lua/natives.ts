/**
 * The host functions every VM has, in the order of the function table, and what they need to know about the running
 * invocation.
 *
 * Owns: which there are, and the small ones.
 * Does not own: strings (string-search.ts, string-replace.ts), time (os-functions.ts).
 *
 * H1  The order is the same in every instance, so memory images fit all of them (M3).
 */
import type { Json } from "../flow/index.ts";
import { LuaError } from "./error.ts";
import type { ToldFailure } from "./execution.ts";
import type { ScriptPlace } from "./frames.ts";
import type { NativeFunction } from "./instance.ts";
import type { LuaLimits } from "./limits.ts";
import type { ModuleFiles } from "./module-files.ts";
import { osFunctions } from "./os-functions.ts";
import type { PrintLog } from "./print-log.ts";
import type { JsonReader } from "./reader.ts";
import type { LuaState } from "./state.ts";
import { StringCalls } from "./string-calls.ts";
import { replaceFunctions } from "./string-replace.ts";
import { searchFunctions } from "./string-search.ts";
import type { LuaThread } from "./wasm.ts";
import type { JsonWriter } from "./writer.ts";

/** The running invocation, as the host functions see it. */
export interface Running {
  readonly limits: LuaLimits;
  readonly nowMs: number;
  readonly log: PrintLog;
  readonly reader: JsonReader;
  readonly writer: JsonWriter;
  /** Authoring: where `require` may read. */
  readonly roots: readonly string[];
  told?: ToldFailure;
}

/** What the host functions stand on. */
export interface NativeGround {
  readonly state: LuaState;
  readonly modules: ModuleFiles;
  /** The running invocation. */
  running(): Running;
  /** Checks limits; may throw. */
  tick(): void;
  /** The author's line that runs now. */
  place(L: LuaThread): ScriptPlace | undefined;
  /** Table index of a function by its name. */
  indexOf(name: string): number;
}

/** The host functions by name, in table order. */
export function nativeFunctions(ground: NativeGround): ReadonlyMap<string, NativeFunction> {
  const { state, modules } = ground;
  const { exports } = state;

  const print: NativeFunction = (L) => {
    const count = exports.lua_gettop(L);
    const words: string[] = [];
    for (let i = 1; i <= count; i++) {
      exports.luaL_tolstring(L, i, state.cell);
      words.push(state.display(L, -1));
      exports.lua_settop(L, -2);
    }
    ground.running().log.add(words.join("\t"));
    return 0;
  };

  /** Runs `body`, turning what it refuses into a Lua error. Nothing in `body` may raise one itself. */
  const refusing = <T>(L: LuaThread, name: string, body: () => T): T => {
    try {
      return body();
    } catch (error) {
      if (error instanceof LuaError && error.code !== "lua_memory_limit")
        return state.raise(L, `${name}: ${error.message}`);
      throw error;
    }
  };

  const jsonEncode: NativeFunction = (L) => {
    const { limits, reader } = ground.running();
    exports.lua_settop(L, 1);
    const value = refusing(L, "json.encode", () =>
      reader.read(L, 1, { subject: "the value", maxDepth: limits.maxDepth, maxBytes: limits.outputBytes }),
    );
    state.pushString(L, JSON.stringify(value));
    return 1;
  };

  const jsonDecode: NativeFunction = (L) => {
    const { limits, writer } = ground.running();
    exports.luaL_checklstring(L, 1, state.cell);
    const size = state.cellValue;
    refusing(L, "json.decode", () => {
      if (size > limits.outputBytes) {
        throw new LuaError(
          "lua_value",
          `the text has ${size} bytes, more than the ${limits.outputBytes} of outputBytes`,
        );
      }
      writer.push(L, parseJson(state.text(L, 1)), "the text", limits.maxDepth);
    });
    return 1;
  };

  const place: NativeFunction = (L) => {
    const frame = ground.place(L);
    if (frame === undefined) return 0;
    state.pushString(L, frame.chunk);
    exports.lua_pushinteger(L, BigInt(frame.line));
    return 2;
  };

  /** Returns the module's chunk and whether it is built in; nil and why there is none; or false and the syntax error. */
  const loadModule: NativeFunction = (L) => {
    exports.luaL_checklstring(L, 1, state.cell);
    const running = ground.running();
    const name = state.display(L, 1);
    const found = modules.find(name, running.roots);
    if (typeof found === "string") {
      exports.lua_pushnil(L);
      state.pushString(L, found);
      return 2;
    }
    try {
      state.compile(L, found.text, found.chunk);
      exports.lua_pushboolean(L, found.builtin ? 1 : 0);
    } catch (error) {
      if (!(error instanceof LuaError) || error.code !== "lua_syntax") throw error;
      running.told = { code: "lua_syntax", message: error.message };
      exports.lua_pushboolean(L, 0);
      state.pushString(L, error.message);
    }
    return 2;
  };

  const calls = new StringCalls(state, ground.tick);
  const { gmatchNext, ...search } = searchFunctions(calls, () => ground.indexOf("gmatch_next"));
  return new Map(
    Object.entries({
      ...search,
      ...replaceFunctions(calls),
      ...osFunctions(state, () => ground.running().nowMs, ground.tick),
      gmatch_next: gmatchNext,
      print,
      json_encode: jsonEncode,
      json_decode: jsonDecode,
      place,
      load_module: loadModule,
    }),
  );
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new LuaError("lua_value", error instanceof Error ? error.message : String(error), {}, { cause: error });
  }
}
