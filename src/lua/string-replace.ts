/**
 * `string.gsub` and `string.rep` as host functions: Lua's own results and messages, but each can be stopped.
 *
 * Owns: replacement by text, table and function.
 * Does not own: matching (pattern.ts), arguments and captures (string-calls.ts).
 *
 * F2  What is built outside VM memory is bounded by the same heap limit.
 */
import { ByteOutput } from "./byte-output.ts";
import type { NativeFunction } from "./instance.ts";
import type { Matcher } from "./pattern.ts";
import type { LuaBytes, Span, StringCalls } from "./string-calls.ts";
import { LUA_TYPE, type LuaThread } from "./wasm.ts";

/** The functions. */
export interface ReplaceFunctions {
  readonly gsub: NativeFunction;
  readonly rep: NativeFunction;
}

const PERCENT = 0x25;
const ZERO = 0x30;
const NINE = 0x39;

/** One match of a `gsub` under way. */
interface Replacement {
  readonly matcher: Matcher;
  readonly subject: LuaBytes;
  readonly match: Span;
  readonly out: ByteOutput;
}

/** Makes the functions. */
export function replaceFunctions(calls: StringCalls): ReplaceFunctions {
  const { state } = calls;
  const { exports, instance } = state;

  /** Takes the string or number on top of the stack and appends it. */
  const appendTop = (L: LuaThread, out: ByteOutput): void => {
    const at = exports.lua_tolstring(L, -1, state.cell);
    out.range(instance.bytes, at, at + state.cellValue);
    exports.lua_settop(L, -2);
  };

  /** Appends what the replacement text stands for. */
  const appendText = (L: LuaThread, { matcher, subject, match, out }: Replacement): void => {
    const text = calls.argument(L, 3);
    const end = text.at + text.size;
    for (let p = text.at; p < end; p++) {
      const byte = instance.bytes[p] as number;
      if (byte !== PERCENT) {
        out.byte(byte);
        continue;
      }
      p += 1;
      const selector = p < end ? (instance.bytes[p] as number) : 0;
      if (selector === PERCENT) {
        out.byte(PERCENT);
      } else if (selector === ZERO) {
        out.range(instance.bytes, match.from, match.to);
      } else if (selector > ZERO && selector <= NINE) {
        calls.pushCapture(L, matcher, subject, selector - ZERO - 1, match);
        appendTop(L, out);
      } else {
        state.raise(L, "invalid use of '%' in replacement string");
      }
    }
  };

  /** Appends what the function or the table (on top of the stack by now) answered; nil and false keep the match. */
  const appendAnswer = (L: LuaThread, { matcher, match, out }: Replacement): void => {
    matcher.bytes = instance.bytes;
    const type = exports.lua_type(L, -1);
    if (exports.lua_toboolean(L, -1) === 0) {
      exports.lua_settop(L, -2);
      out.range(instance.bytes, match.from, match.to);
    } else if (type === LUA_TYPE.string || type === LUA_TYPE.number) {
      appendTop(L, out);
    } else {
      state.raise(L, `invalid replacement value (a ${typeName(type)})`);
    }
  };

  const append = (L: LuaThread, replacement: Replacement): void => {
    const { matcher, subject, match } = replacement;
    const kind = exports.lua_type(L, 3);
    if (kind === LUA_TYPE.function) {
      exports.lua_pushvalue(L, 3);
      const count = calls.pushCaptures(L, matcher, subject, matcher.level || 1, match);
      exports.lua_callk(L, count, 1, 0, 0);
      appendAnswer(L, replacement);
    } else if (kind === LUA_TYPE.table) {
      calls.pushCapture(L, matcher, subject, 0, match);
      exports.lua_gettable(L, 3);
      appendAnswer(L, replacement);
    } else {
      appendText(L, replacement);
    }
  };

  const checkReplacement = (L: LuaThread): void => {
    const kind = exports.lua_type(L, 3);
    if (kind === LUA_TYPE.number) calls.argument(L, 3);
    else if (kind !== LUA_TYPE.string && kind !== LUA_TYPE.table && kind !== LUA_TYPE.function) {
      state.raise(L, `bad argument #3 to 'gsub' (string/function/table expected, got ${typeName(kind)})`);
    }
  };

  const gsub: NativeFunction = (L) => {
    const subject = calls.argument(L, 1);
    const pattern = calls.argument(L, 2);
    checkReplacement(L);
    const most = Number(exports.luaL_optinteger(L, 4, BigInt(subject.size + 1)));
    const { anchored, start } = calls.anchor(pattern);
    const end = subject.at + subject.size;
    const matcher = calls.matcher(subject, pattern);
    const out = new ByteOutput(subject.size, instance.heapLimit, () => instance.outOfMemory());
    let from = subject.at;
    let last = -1;
    let count = 0;
    while (count < most) {
      const to = calls.guarded(L, () => matcher.attempt(from, start));
      if (to !== -1 && to !== last) {
        count += 1;
        append(L, { matcher, subject, match: { from, to }, out });
        from = to;
        last = to;
      } else if (from < end) {
        out.byte(instance.bytes[from] as number);
        from += 1;
      } else {
        break;
      }
      if (anchored) break;
    }
    if (count === 0) {
      exports.lua_pushvalue(L, 1);
    } else {
      out.range(instance.bytes, from, end);
      state.pushBytes(L, out.bytes());
    }
    exports.lua_pushinteger(L, BigInt(count));
    return 2;
  };

  const rep: NativeFunction = (L) => {
    const text = calls.argument(L, 1);
    const count = Number(exports.luaL_checkinteger(L, 2));
    const separator = exports.lua_type(L, 3) > LUA_TYPE.nil ? calls.argument(L, 3) : { at: 0, size: 0 };
    const size = count <= 0 ? 0 : text.size * count + separator.size * (count - 1);
    if (size > instance.heapLimit) throw instance.outOfMemory();
    const slice = ({ at, size: length }: LuaBytes) => instance.bytes.subarray(at, at + length);
    state.pushBytes(
      L,
      size === 0 ? Buffer.alloc(0) : Buffer.alloc(size, Buffer.concat([slice(text), slice(separator)])),
    );
    return 1;
  };

  return { gsub, rep };
}

/** Lua's name for a type. */
function typeName(type: number): string {
  const name = Object.entries(LUA_TYPE).find(([, value]) => value === type)?.[0] ?? "no value";
  return name === "lightuserdata" ? "userdata" : name;
}
