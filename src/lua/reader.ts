/**
 * Lua into JSON: reads a value off a Lua stack.
 *
 * Owns: the mapping in this direction, its bounds, and what cannot cross.
 * Does not own: the way in (writer.ts), the markers (sandbox/json.lua).
 *
 * R1  Reading is raw: no metamethod runs, and no metatable counts but the two markers.
 * R2  A table is an array where it is marked as one or, unmarked, where it has an element 1. Marked or not, an array has
 *     the keys 1 to n and no others, an object has string keys only; anything else is an error that names the key.
 * R3  An unmarked empty table is an object for workers and an array for authoring scripts.
 * R4  Integers beyond 2^53 are refused, never rounded. Floats with an integral value are that integer; NaN and
 *     infinities are refused.
 * R5  Depth and size are bounded, so a table that contains itself, or one that doubles at every level, ends in an error.
 * R6  `__proto__` and its like become plain own keys.
 */
import type { Json } from "../flow/index.ts";
// Not through the index: it would load the whole flow layer into every worker thread.
import { setOwn } from "../flow/json.ts";
import { LuaError } from "./error.ts";
import type { LuaPosition } from "./invocation.ts";
import type { LuaState } from "./state.ts";
import { jsonPointer, placeIn } from "./value-path.ts";
import { LUA_TYPE, type LuaThread } from "./wasm.ts";

/** What a value without content counts towards the size limit, in bytes; a string counts its bytes as well. */
const VALUE_BYTES = 8;

/** Tells a table's kind by its metatable, and where it was made. */
export interface TableFacts {
  /** `lua_topointer` of the array marker. */
  readonly arrayMarker: number;
  readonly objectMarker: number;
  /** What an unmarked empty table is (R3). */
  readonly emptyIsArray: boolean;
  /** Called every so often while reading; may throw. */
  readonly tick: () => void;
  /** Where the table at the top of the stack was made. Leaves the stack as it is. */
  readonly positionOf?: (L: LuaThread) => LuaPosition | undefined;
}

/** Bounds and subject of one reading. */
export interface Reading {
  /** Names the value in messages: `the result`. */
  readonly subject: string;
  readonly maxDepth: number;
  readonly maxBytes: number;
  /** Filled with the positions of tables, by JSON pointer, where given. */
  readonly positions?: Map<string, LuaPosition>;
}

/** Reads JSON values off the stacks of one state. */
export class JsonReader {
  readonly #state: LuaState;
  readonly #facts: TableFacts;

  constructor(state: LuaState, facts: TableFacts) {
    this.#state = state;
    this.#facts = facts;
  }

  /**
   * The value at `index`; nil is null. Throws `lua_value`, `lua_depth_limit` or `lua_output_limit`. Leaves the stack
   * as it is, unless it throws.
   */
  read(L: LuaThread, index: number, reading: Reading): Json {
    const { exports } = this.#state;
    exports.lua_checkstack(L, 8);
    exports.lua_pushvalue(L, index);
    const value = this.#top(L, { reading, path: [], bytes: 0, tickAt: TICK_BYTES });
    exports.lua_settop(L, -2);
    return value;
  }

  /** Reads the top of the stack and leaves it there. */
  #top(L: LuaThread, trip: Trip): Json {
    const { exports } = this.#state;
    spend(trip, VALUE_BYTES);
    if (trip.bytes >= trip.tickAt) {
      trip.tickAt = trip.bytes + TICK_BYTES;
      this.#facts.tick();
    }
    const type = exports.lua_type(L, -1);
    switch (type) {
      case LUA_TYPE.nil:
        return null;
      case LUA_TYPE.boolean:
        return exports.lua_toboolean(L, -1) !== 0;
      case LUA_TYPE.number:
        return this.#number(L, trip);
      case LUA_TYPE.string:
        return this.#string(L, trip);
      case LUA_TYPE.table:
        return this.#table(L, trip);
      case LUA_TYPE.lightuserdata:
        return null;
      default:
        throw refuse(trip, `is a ${UNCARRIED[type] ?? "userdata"}, which JSON cannot carry`);
    }
  }

  #number(L: LuaThread, trip: Trip): number {
    const { exports } = this.#state;
    const value = exports.lua_tonumberx(L, -1, 0);
    if (exports.lua_isinteger(L, -1) !== 0) {
      if (Number.isSafeInteger(value)) return value;
      const exact = exports.lua_tointegerx(L, -1, 0);
      if (exact === MAX_EXACT || exact === -MAX_EXACT) return value;
      throw refuse(trip, `is ${exact}, an integer beyond 2^53 that JSON would round: return it as a string`);
    }
    if (!Number.isFinite(value)) throw refuse(trip, `is ${value}, which JSON has no number for`);
    return value;
  }

  #string(L: LuaThread, trip: Trip): string {
    const pointer = this.#state.exports.lua_tolstring(L, -1, this.#state.cell);
    const size = this.#state.cellValue;
    spend(trip, size);
    try {
      return this.#state.textAt(pointer, size);
    } catch (error) {
      if (error instanceof LuaError) throw refuse(trip, `is ${error.message}`);
      throw error;
    }
  }

  #table(L: LuaThread, trip: Trip): Json {
    const { exports } = this.#state;
    const { reading, path } = trip;
    if (path.length >= reading.maxDepth) {
      const reason = this.#isCyclic(L, path.length) ? ": it contains itself" : "";
      const message = `${reading.subject} is nested deeper than ${reading.maxDepth} levels${reason}`;
      throw new LuaError("lua_depth_limit", message);
    }
    if (exports.lua_checkstack(L, 4) === 0) throw this.#state.instance.outOfMemory();
    if (reading.positions !== undefined) {
      const position = this.#facts.positionOf?.(L);
      if (position !== undefined) reading.positions.set(jsonPointer(path), position);
    }
    const marker = this.#marker(L);
    if (marker === this.#facts.arrayMarker) return this.#array(L, trip);
    const count = Number(exports.lua_rawlen(L, -1));
    if (marker !== this.#facts.objectMarker && count > 0) return this.#array(L, trip);
    const value = this.#object(L, trip);
    const empty = marker !== this.#facts.objectMarker && this.#facts.emptyIsArray && Object.keys(value).length === 0;
    return empty ? [] : value;
  }

  #array(L: LuaThread, trip: Trip): Json[] {
    const { exports } = this.#state;
    const count = Number(exports.lua_rawlen(L, -1));
    // The length of a sparse table can be any number: only what is found counts.
    const items: Json[] = new Array(Math.min(count, MAX_PRESIZED));
    let seen = 0;
    exports.lua_pushnil(L);
    while (exports.lua_next(L, -2) !== 0) {
      const index = exports.lua_isinteger(L, -2) !== 0 ? exports.lua_tonumberx(L, -2, 0) : 0;
      if (index < 1 || index > count) throw refuse(trip, `is an array with the extra key ${this.#key(L)}: ${ADVICE}`);
      trip.path.push(index - 1);
      items[index - 1] = this.#top(L, trip);
      trip.path.pop();
      seen += 1;
      exports.lua_settop(L, -2);
    }
    if (seen !== count) {
      const hole = items.findIndex((_, i) => !Object.hasOwn(items, i));
      throw refuse(trip, `is an array with nothing at index ${hole + 1}: put json.null there`);
    }
    return items;
  }

  #object(L: LuaThread, trip: Trip): { readonly [key: string]: Json } {
    const { exports } = this.#state;
    const object: Record<string, Json> = {};
    exports.lua_pushnil(L);
    while (exports.lua_next(L, -2) !== 0) {
      if (exports.lua_type(L, -2) !== LUA_TYPE.string) {
        throw refuse(trip, `is an object with the key ${this.#key(L)}: ${ADVICE}`);
      }
      const pointer = exports.lua_tolstring(L, -2, this.#state.cell);
      const size = this.#state.cellValue;
      spend(trip, size);
      const key = this.#keyText(pointer, size, trip);
      trip.path.push(key);
      setOwn(object, key, this.#top(L, trip));
      trip.path.pop();
      exports.lua_settop(L, -2);
    }
    return object;
  }

  #keyText(pointer: number, size: number, trip: Trip): string {
    try {
      return this.#state.textAt(pointer, size);
    } catch (error) {
      if (error instanceof LuaError) throw refuse(trip, `has a key that is ${error.message}`);
      throw error;
    }
  }

  /** The metatable of the table on top, as `lua_topointer` has it; 0 where it has none. */
  #marker(L: LuaThread): number {
    const { exports } = this.#state;
    if (exports.lua_getmetatable(L, -1) === 0) return 0;
    const pointer = exports.lua_topointer(L, -1);
    exports.lua_settop(L, -2);
    return pointer;
  }

  /** The key under the top of the stack, for a message. */
  #key(L: LuaThread): string {
    const { exports } = this.#state;
    const type = exports.lua_type(L, -2);
    if (type === LUA_TYPE.string) return JSON.stringify(this.#state.display(L, -2));
    if (type === LUA_TYPE.boolean) return String(exports.lua_toboolean(L, -2) !== 0);
    if (type !== LUA_TYPE.number) return "that is neither a string nor a number";
    if (exports.lua_isinteger(L, -2) !== 0) return String(exports.lua_tointegerx(L, -2, 0));
    return String(exports.lua_tonumberx(L, -2, 0));
  }

  /** Whether the table on top is one of the `depth` tables it is nested in: each sits two slots below the next. */
  #isCyclic(L: LuaThread, depth: number): boolean {
    const { exports } = this.#state;
    const seen = new Set<number>();
    for (let level = 0; level <= depth; level++) seen.add(exports.lua_topointer(L, -1 - 2 * level));
    return seen.size <= depth;
  }
}

const UNCARRIED: Readonly<Record<number, string>> = { [LUA_TYPE.function]: "function", [LUA_TYPE.thread]: "coroutine" };
const ADVICE = "a table is an array (1 to n) or an object (strings), not both";
const MAX_EXACT = 2n ** 53n;
const TICK_BYTES = 65_536;
const MAX_PRESIZED = 65_536;

interface Trip {
  readonly reading: Reading;
  readonly path: (string | number)[];
  bytes: number;
  /** When `bytes` reaches this, limits are checked. */
  tickAt: number;
}

function spend(trip: Trip, bytes: number): void {
  trip.bytes += bytes;
  if (trip.bytes > trip.reading.maxBytes) {
    throw new LuaError(
      "lua_output_limit",
      `${trip.reading.subject} is larger than ${trip.reading.maxBytes} bytes: return less, or raise outputBytes`,
    );
  }
}

function refuse(trip: Trip, what: string): LuaError {
  return new LuaError("lua_value", `${placeIn(trip.reading.subject, trip.path)} ${what}`);
}
