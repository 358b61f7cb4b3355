/**
 * `string.find`, `match`, `gmatch`, `gsub` and `rep` as host functions: same results and messages as Lua's own, but every
 * one can be stopped.
 *
 * Owns: argument handling, captures, replacement, the iterator's state.
 * Does not own: matching itself (pattern.ts).
 *
 * F1  State that outlives a call (gmatch) is kept in Lua values, so a memory image carries it.
 * F2  What is built outside VM memory is bounded by the same heap limit.
 */
import type { NativeFunction } from "./instance.ts";
import { isUnfinished, Matcher, PatternError, POSITION_CAPTURE } from "./pattern.ts";
import type { LuaState } from "./state.ts";
import { LUA_TYPE, type LuaThread, REGISTRY } from "./wasm.ts";

/** A Lua string by address. */
interface Bytes {
  readonly at: number;
  readonly size: number;
}

const SPECIALS = new Set([..."^$*+?.([%-"].map((character) => character.charCodeAt(0)));
const CARET = 0x5e;
const PERCENT = 0x25;
const ZERO = 0x30;
const NINE = 0x39;

/** The functions, in the order they are put into the function table. `gmatchNext` is what `gmatch` returns. */
export interface StringFunctions {
  readonly find: NativeFunction;
  readonly match: NativeFunction;
  readonly gmatch: NativeFunction;
  readonly gmatchNext: NativeFunction;
  readonly gsub: NativeFunction;
  readonly rep: NativeFunction;
}

/** Makes the functions for one state. `tick` is called often and may throw; `gmatchNext()` says its table index. */
export function stringFunctions(state: LuaState, tick: () => void, gmatchNext: () => number): StringFunctions {
  const { exports, instance } = state;

  const stringArgument = (L: LuaThread, index: number): Bytes => {
    const at = exports.luaL_checklstring(L, index, state.cell);
    return { at, size: state.cellValue };
  };

  /** Runs pattern code, turning its errors into Lua's. Nothing in `body` may call Lua. */
  const guarded = <T>(L: LuaThread, body: () => T): T => {
    try {
      return body();
    } catch (error) {
      if (error instanceof PatternError) return state.raise(L, error.message);
      throw error;
    }
  };

  const matcherFor = (subject: Bytes, pattern: Bytes): Matcher =>
    new Matcher(instance.bytes, subject.at, subject.at + subject.size, pattern.at + pattern.size, tick);

  /** Pushes capture `index`, or the whole match where there are no captures. */
  const pushCapture = (
    L: LuaThread,
    matcher: Matcher,
    subject: Bytes,
    index: number,
    from: number,
    to: number,
  ): void => {
    if (index >= matcher.level) {
      if (index !== 0) state.raise(L, `invalid capture index %${index + 1}`);
      exports.lua_pushlstring(L, from, to - from);
      return;
    }
    const start = matcher.captureStart[index] as number;
    const length = matcher.captureLength[index] as number;
    if (length === POSITION_CAPTURE) {
      exports.lua_pushinteger(L, BigInt(start - subject.at + 1));
      return;
    }
    if (isUnfinished(length)) state.raise(L, "unfinished capture");
    exports.lua_pushlstring(L, start, length);
  };

  /** Pushes all captures (the whole match where there are none, unless `onlyCaptures`) and says how many. */
  const pushCaptures = (
    L: LuaThread,
    matcher: Matcher,
    subject: Bytes,
    from: number,
    to: number,
    onlyCaptures = false,
  ): number => {
    const count = matcher.level === 0 && !onlyCaptures ? 1 : matcher.level;
    exports.lua_checkstack(L, count + 2);
    for (let i = 0; i < count; i++) pushCapture(L, matcher, subject, i, from, to);
    return count;
  };

  /** The optional start argument at `index` as a 0-based offset. */
  const startOffset = (L: LuaThread, index: number, size: number): number => {
    const position = Number(exports.luaL_optinteger(L, index, 1n));
    if (position > 0) return position - 1;
    if (position === 0 || position < -size) return 0;
    return size + position;
  };

  const plainFind = (subject: Bytes, wanted: Bytes, from: number): number => {
    const { bytes } = instance;
    const spender = matcherFor(subject, wanted);
    const last = subject.at + subject.size - wanted.size;
    for (let s = subject.at + from; s <= last; s++) {
      let same = 0;
      while (same < wanted.size && bytes[s + same] === bytes[wanted.at + same]) same += 1;
      if (same === wanted.size) return s;
      spender.spend(same + 1);
    }
    return -1;
  };

  const hasSpecials = (pattern: Bytes): boolean => {
    for (let p = pattern.at; p < pattern.at + pattern.size; p++) {
      if (SPECIALS.has(instance.bytes[p] as number)) return true;
    }
    return false;
  };

  /** Tries the pattern from each position on; the matcher holds the captures. Returns start and end, or undefined. */
  const search = (matcher: Matcher, subject: Bytes, pattern: Bytes, from: number): [number, number] | undefined => {
    const anchored = pattern.size > 0 && instance.bytes[pattern.at] === CARET;
    const p = anchored ? pattern.at + 1 : pattern.at;
    for (let s = subject.at + from; s <= subject.at + subject.size; s++) {
      const end = matcher.attempt(s, p);
      if (end !== -1) return [s, end];
      if (anchored) break;
    }
    return undefined;
  };

  const findOrMatch = (L: LuaThread, wantsPlace: boolean): number => {
    const subject = stringArgument(L, 1);
    const pattern = stringArgument(L, 2);
    const from = startOffset(L, 3, subject.size);
    if (from > subject.size) {
      exports.lua_pushnil(L);
      return 1;
    }
    const pushPlace = (start: number, end: number) => {
      exports.lua_pushinteger(L, BigInt(start - subject.at + 1));
      exports.lua_pushinteger(L, BigInt(end - subject.at));
    };
    if (wantsPlace && (exports.lua_toboolean(L, 4) !== 0 || !hasSpecials(pattern))) {
      const start = plainFind(subject, pattern, from);
      if (start === -1) {
        exports.lua_pushnil(L);
        return 1;
      }
      pushPlace(start, start + pattern.size);
      return 2;
    }
    const matcher = matcherFor(subject, pattern);
    const found = guarded(L, () => search(matcher, subject, pattern, from));
    if (found === undefined) {
      exports.lua_pushnil(L);
      return 1;
    }
    const [start, end] = found;
    if (!wantsPlace) return pushCaptures(L, matcher, subject, start, end);
    pushPlace(start, end);
    return pushCaptures(L, matcher, subject, start, end, true) + 2;
  };

  const upvalue = (index: number): number => REGISTRY - index;

  /** Upvalues of the iterator: subject, pattern, offset to go on from, offset where the last match ended. */
  const gmatch: NativeFunction = (L) => {
    const subject = stringArgument(L, 1);
    stringArgument(L, 2);
    const from = Math.min(startOffset(L, 3, subject.size), subject.size + 1);
    exports.lua_settop(L, 2);
    exports.lua_pushinteger(L, BigInt(from));
    exports.lua_pushinteger(L, -1n);
    exports.lua_pushcclosure(L, gmatchNext(), 4);
    return 1;
  };

  const next: NativeFunction = (L) => {
    const subject = stringArgument(L, upvalue(1));
    const pattern = stringArgument(L, upvalue(2));
    const from = exports.lua_tonumberx(L, upvalue(3), 0);
    const last = exports.lua_tonumberx(L, upvalue(4), 0);
    const matcher = matcherFor(subject, pattern);
    const found = guarded(L, () => {
      for (let s = subject.at + from; s <= subject.at + subject.size; s++) {
        const end = matcher.attempt(s, pattern.at);
        if (end !== -1 && end !== subject.at + last) return { start: s, end };
      }
      return undefined;
    });
    if (found === undefined) return 0;
    exports.lua_pushinteger(L, BigInt(found.end - subject.at));
    exports.lua_copy(L, -1, upvalue(3));
    exports.lua_copy(L, -1, upvalue(4));
    exports.lua_settop(L, -2);
    return pushCaptures(L, matcher, subject, found.start, found.end);
  };

  /** Pushes what a replacement string stands for, piece by piece, onto `out`. */
  const expand = (L: LuaThread, matcher: Matcher, subject: Bytes, from: number, to: number, out: Output): void => {
    const template = stringArgument(L, 3);
    for (let p = template.at; p < template.at + template.size; p++) {
      const byte = instance.bytes[p] as number;
      if (byte !== PERCENT) {
        out.byte(byte);
        continue;
      }
      p += 1;
      const selector = p < template.at + template.size ? (instance.bytes[p] as number) : 0;
      if (selector === PERCENT) {
        out.byte(PERCENT);
      } else if (selector === ZERO) {
        out.range(instance.bytes, from, to);
      } else if (selector > ZERO && selector <= NINE) {
        pushCapture(L, matcher, subject, selector - ZERO - 1, from, to);
        appendTop(L, out);
      } else {
        state.raise(L, "invalid use of '%' in replacement string");
      }
    }
  };

  /** Takes the string or number on top of the stack and appends it. */
  const appendTop = (L: LuaThread, out: Output): void => {
    const at = exports.lua_tolstring(L, -1, state.cell);
    out.range(instance.bytes, at, at + state.cellValue);
    exports.lua_settop(L, -2);
  };

  /** Appends the replacement of one match. */
  const replace = (L: LuaThread, matcher: Matcher, subject: Bytes, from: number, to: number, out: Output): void => {
    const kind = exports.lua_type(L, 3);
    if (kind === LUA_TYPE.function) {
      exports.lua_pushvalue(L, 3);
      exports.lua_callk(L, pushCaptures(L, matcher, subject, from, to), 1, 0, 0);
    } else if (kind === LUA_TYPE.table) {
      pushCapture(L, matcher, subject, 0, from, to);
      exports.lua_gettable(L, 3);
    } else {
      expand(L, matcher, subject, from, to, out);
      return;
    }
    matcher.bytes = instance.bytes;
    const result = exports.lua_type(L, -1);
    if (exports.lua_toboolean(L, -1) === 0) {
      exports.lua_settop(L, -2);
      out.range(instance.bytes, from, to);
    } else if (result === LUA_TYPE.string || result === LUA_TYPE.number) {
      appendTop(L, out);
    } else {
      state.raise(L, `invalid replacement value (a ${typeName(result)})`);
    }
  };

  const gsub: NativeFunction = (L) => {
    const subject = stringArgument(L, 1);
    const pattern = stringArgument(L, 2);
    const kind = exports.lua_type(L, 3);
    if (kind === LUA_TYPE.number) stringArgument(L, 3);
    else if (kind !== LUA_TYPE.string && kind !== LUA_TYPE.table && kind !== LUA_TYPE.function) {
      state.raise(L, `bad argument #3 to 'gsub' (string/function/table expected, got ${typeName(kind)})`);
    }
    const most = Number(exports.luaL_optinteger(L, 4, BigInt(subject.size + 1)));
    const anchored = pattern.size > 0 && instance.bytes[pattern.at] === CARET;
    const p = anchored ? pattern.at + 1 : pattern.at;
    const end = subject.at + subject.size;
    const matcher = matcherFor(subject, pattern);
    const out = new Output(subject.size, instance.heapLimit, () => instance.outOfMemory());
    let s = subject.at;
    let last = -1;
    let count = 0;
    while (count < most) {
      const stop = guarded(L, () => matcher.attempt(s, p));
      if (stop !== -1 && stop !== last) {
        count += 1;
        replace(L, matcher, subject, s, stop, out);
        s = stop;
        last = stop;
      } else if (s < end) {
        out.byte(instance.bytes[s] as number);
        s += 1;
      } else {
        break;
      }
      if (anchored) break;
    }
    if (count === 0) {
      exports.lua_pushvalue(L, 1);
    } else {
      out.range(instance.bytes, s, end);
      state.pushBytes(L, out.done());
    }
    exports.lua_pushinteger(L, BigInt(count));
    return 2;
  };

  const rep: NativeFunction = (L) => {
    const text = stringArgument(L, 1);
    const count = Number(exports.luaL_checkinteger(L, 2));
    const separator = exports.lua_type(L, 3) > LUA_TYPE.nil ? stringArgument(L, 3) : { at: 0, size: 0 };
    const size = count <= 0 ? 0 : text.size * count + separator.size * (count - 1);
    if (size > instance.heapLimit) throw instance.outOfMemory();
    const unit = Buffer.concat([
      instance.bytes.subarray(text.at, text.at + text.size),
      instance.bytes.subarray(separator.at, separator.at + separator.size),
    ]);
    state.pushBytes(L, size === 0 ? unit.subarray(0, 0) : Buffer.alloc(size, unit));
    return 1;
  };

  return {
    find: (L) => findOrMatch(L, true),
    match: (L) => findOrMatch(L, false),
    gmatch,
    gmatchNext: next,
    gsub,
    rep,
  };
}

/** A growing byte string outside VM memory (F2). */
class Output {
  #bytes: Buffer;
  #size = 0;
  readonly #limit: number;
  readonly #overflow: () => Error;

  constructor(expected: number, limit: number, overflow: () => Error) {
    this.#bytes = Buffer.allocUnsafe(expected + 64);
    this.#limit = limit;
    this.#overflow = overflow;
  }

  byte(value: number): void {
    if (this.#size === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#size++] = value;
  }

  range(source: Buffer, from: number, to: number): void {
    if (this.#size + to - from > this.#bytes.length) this.#grow(to - from);
    source.copy(this.#bytes, this.#size, from, to);
    this.#size += to - from;
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  #grow(by: number): void {
    if (this.#size + by > this.#limit) throw this.#overflow();
    const larger = Buffer.allocUnsafe(Math.max(this.#size + by, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }
}

/** Lua's name for a type. */
function typeName(type: number): string {
  const names = Object.entries(LUA_TYPE) as [string, number][];
  const name = names.find(([, value]) => value === type)?.[0];
  return name === undefined ? "no value" : name === "lightuserdata" ? "userdata" : name;
}
