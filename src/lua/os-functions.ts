/**
 * `os.time`, `os.date` and `os.clock`: the time an invocation is told, in UTC.
 *
 * Owns: their arguments and results in Lua.
 * Does not own: the calendar (date-format.ts).
 *
 * O1  There is no clock in the VM, so the same invocation gives the same result: `os.clock` is always 0.
 */
import { type DateFields, dateFields, dateSeconds, formatDate } from "./date-format.ts";
import type { NativeFunction } from "./instance.ts";
import type { LuaState } from "./state.ts";
import { LUA_TYPE, type LuaThread } from "./wasm.ts";

/** Fields of the table `os.time` takes; those without a default must be there. */
const TIME_FIELDS: readonly (readonly [name: keyof DateFields, fallback: number | undefined])[] = [
  ["year", undefined],
  ["month", undefined],
  ["day", undefined],
  ["hour", 12],
  ["min", 0],
  ["sec", 0],
];

/** A field beyond this is no part of a date. */
const MAX_FIELD = 2 ** 31;

/** The functions for one state. `nowMs` is the running invocation's time; `tick` is called while a date is written. */
export function osFunctions(
  state: LuaState,
  nowMs: () => number,
  tick: () => void,
): Readonly<Record<"os_clock" | "os_time" | "os_date", NativeFunction>> {
  const { exports } = state;
  const nowSeconds = () => Math.floor(nowMs() / 1_000);

  const setField = (L: LuaThread, name: string, push: () => void): void => {
    state.pushString(L, name);
    push();
    exports.lua_rawset(L, -3);
  };

  /** Fills the table on top of the stack. */
  const setFields = (L: LuaThread, date: DateFields): void => {
    for (const [name, value] of Object.entries(date)) {
      setField(L, name, () => exports.lua_pushinteger(L, BigInt(value)));
    }
    setField(L, "isdst", () => exports.lua_pushboolean(L, 0));
  };

  /** Reads an integer field of the table at 1. */
  const field = (L: LuaThread, name: string, fallback: number | undefined): number => {
    state.pushString(L, name);
    const type = exports.lua_gettable(L, 1);
    const value = exports.lua_tonumberx(L, -1, state.cell);
    const isNumber = state.cellValue !== 0;
    exports.lua_settop(L, -2);
    if (type === LUA_TYPE.nil && fallback !== undefined) return fallback;
    if (type === LUA_TYPE.nil) state.raise(L, `field '${name}' missing in date table`);
    if (!isNumber || !Number.isInteger(value)) state.raise(L, `field '${name}' is not an integer`);
    if (Math.abs(value) > MAX_FIELD) state.raise(L, `field '${name}' is out-of-bound`);
    return value;
  };

  const unreachable = (L: LuaThread): never =>
    state.raise(L, "date result cannot be represented: the time is too far away");

  return {
    os_clock: (L) => {
      exports.lua_pushnumber(L, 0);
      return 1;
    },

    os_time: (L) => {
      const type = exports.lua_type(L, 1);
      if (type <= LUA_TYPE.nil) {
        exports.lua_pushinteger(L, BigInt(nowSeconds()));
        return 1;
      }
      if (type !== LUA_TYPE.table) state.raise(L, "bad argument #1 to 'time' (table expected)");
      exports.lua_settop(L, 1);
      const [year, month, day, hour, min, sec] = TIME_FIELDS.map(([name, fallback]) => field(L, name, fallback)) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const seconds = dateSeconds({ year, month, day, hour, min, sec }) ?? unreachable(L);
      setFields(L, dateFields(seconds) ?? unreachable(L));
      exports.lua_pushinteger(L, BigInt(seconds));
      return 1;
    },

    os_date: (L) => {
      const hasPattern = exports.lua_type(L, 1) > LUA_TYPE.nil;
      if (hasPattern) exports.luaL_checklstring(L, 1, state.cell);
      const pattern = (hasPattern ? state.display(L, 1) : "%c").replace(/^!/, "");
      const seconds = Number(exports.luaL_optinteger(L, 2, BigInt(nowSeconds())));
      const date = dateFields(seconds) ?? unreachable(L);
      if (pattern.startsWith("*t")) {
        exports.lua_createtable(L, 0, 9);
        setFields(L, date);
        return 1;
      }
      const text = formatDate(pattern, date, seconds, tick);
      if (typeof text !== "string") {
        return state.raise(L, `bad argument #1 to 'date' (invalid conversion specifier '${text.unknown}')`);
      }
      state.pushString(L, text);
      return 1;
    },
  };
}
