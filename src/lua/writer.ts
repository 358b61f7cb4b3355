/**
 * JSON into Lua: pushes a JavaScript value onto a Lua stack.
 *
 * Owns: the mapping in this direction.
 * Does not own: the way back (reader.ts), the markers (sandbox/json.lua).
 *
 * J1  null is the light userdata NULL, which scripts know as `json.null`.
 * J2  Arrays get the array marker as metatable, so that an empty one stays an array; where an unmarked empty table means
 *     an array, empty objects get the object marker.
 * J3  Safe integers are Lua integers, every other number is a Lua float. -0 is a float.
 * J4  Object keys are plain data, `__proto__` included. Own enumerable keys are taken and nothing else.
 */
import type { Json, JsonObject } from "../flow/index.ts";
import { LuaError } from "./error.ts";
import type { LuaState } from "./state.ts";
import type { LuaThread } from "./wasm.ts";

/** Integers up to here are kept as ready-made BigInts: making one costs as much as the call it is for. */
const READY = 1_024;
const READY_INTEGERS: readonly bigint[] = Array.from({ length: READY }, (_, i) => BigInt(i));

/** A Lua integer. */
export const luaInteger = (value: number): bigint => READY_INTEGERS[value] ?? BigInt(value);

/** Registry references to the marker metatables. */
export interface Markers {
  readonly array: bigint;
  readonly object: bigint;
}

/** Pushes JSON values onto the stacks of one state. */
export class JsonWriter {
  readonly #state: LuaState;
  readonly #markers: Markers;
  readonly #marksEmptyObjects: boolean;

  constructor(state: LuaState, markers: Markers, marksEmptyObjects: boolean) {
    this.#state = state;
    this.#markers = markers;
    this.#marksEmptyObjects = marksEmptyObjects;
  }

  /**
   * Pushes `value`. `subject` names it in messages. Throws `lua_depth_limit`, or `lua_value` for a number that JSON text
   * can write and a double cannot hold.
   */
  push(L: LuaThread, value: Json, subject: string, maxDepth: number): void {
    const { exports } = this.#state;
    switch (typeof value) {
      case "string":
        this.#state.pushString(L, value);
        return;
      case "number":
        if (Number.isSafeInteger(value) && !Object.is(value, -0)) exports.lua_pushinteger(L, luaInteger(value));
        else if (Number.isFinite(value)) exports.lua_pushnumber(L, value);
        else throw new LuaError("lua_value", `${subject} has a number too large for a double`);
        return;
      case "boolean":
        exports.lua_pushboolean(L, value ? 1 : 0);
        return;
      default:
        if (value === null) exports.lua_pushlightuserdata(L, 0);
        else this.#pushTable(L, value, subject, maxDepth - 1);
    }
  }

  #pushTable(L: LuaThread, value: readonly Json[] | JsonObject, subject: string, depthLeft: number): void {
    const { exports } = this.#state;
    if (depthLeft < 0) throw new LuaError("lua_depth_limit", `${subject} is nested deeper than maxDepth allows`);
    exports.lua_checkstack(L, 6);
    if (isArray(value)) {
      exports.lua_createtable(L, value.length, 0);
      for (let i = 0; i < value.length; i++) {
        this.push(L, value[i] as Json, subject, depthLeft);
        exports.lua_rawseti(L, -2, luaInteger(i + 1));
      }
      this.#mark(L, this.#markers.array);
      return;
    }
    const keys = Object.keys(value);
    exports.lua_createtable(L, 0, keys.length);
    for (const key of keys) {
      this.#state.pushString(L, key);
      this.push(L, value[key] as Json, subject, depthLeft);
      exports.lua_rawset(L, -3);
    }
    if (keys.length === 0 && this.#marksEmptyObjects) this.#mark(L, this.#markers.object);
  }

  #mark(L: LuaThread, marker: bigint): void {
    this.#state.pushKept(L, marker);
    this.#state.exports.lua_setmetatable(L, -2);
  }
}

const isArray: (value: readonly Json[] | JsonObject) => value is readonly Json[] = Array.isArray;
