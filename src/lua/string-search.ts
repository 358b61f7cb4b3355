/**
 * `string.find`, `match` and `gmatch` as host functions: Lua's own results and messages, but each can be stopped.
 *
 * Owns: the search for a first match, plain search, the iterator's state.
 * Does not own: matching (pattern.ts), arguments and captures (string-calls.ts).
 *
 * F1  State that outlives a call (gmatch) is kept in Lua values, so a memory image carries it.
 */
import type { NativeFunction } from "./instance.ts";
import type { Matcher } from "./pattern.ts";
import type { LuaBytes, Span, StringCalls } from "./string-calls.ts";
import { type LuaThread, REGISTRY } from "./wasm.ts";

/** The functions; `gmatchNext` is the iterator that `gmatch` returns. */
export interface SearchFunctions {
  readonly find: NativeFunction;
  readonly match: NativeFunction;
  readonly gmatch: NativeFunction;
  readonly gmatchNext: NativeFunction;
}

const SPECIALS = new Set([..."^$*+?.([%-"].map((character) => character.charCodeAt(0)));

/** Upvalues of the iterator: subject, pattern, offset to go on from, offset where the last match ended. */
const UPVALUE = { subject: REGISTRY - 1, pattern: REGISTRY - 2, from: REGISTRY - 3, last: REGISTRY - 4 };

/** Makes the functions. `nextIndex` says where `gmatchNext` is in the function table. */
export function searchFunctions(calls: StringCalls, nextIndex: () => number): SearchFunctions {
  const { state } = calls;
  const { exports, instance } = state;

  const pushNil = (L: LuaThread): number => {
    exports.lua_pushnil(L);
    return 1;
  };

  const pushPlace = (L: LuaThread, subject: LuaBytes, { from, to }: Span): number => {
    exports.lua_pushinteger(L, BigInt(from - subject.at + 1));
    exports.lua_pushinteger(L, BigInt(to - subject.at));
    return 2;
  };

  const hasSpecials = (pattern: LuaBytes): boolean => {
    for (let p = pattern.at; p < pattern.at + pattern.size; p++) {
      if (SPECIALS.has(instance.bytes[p] as number)) return true;
    }
    return false;
  };

  const plainSearch = (subject: LuaBytes, wanted: LuaBytes, offset: number): Span | undefined => {
    const { bytes } = instance;
    const account = calls.matcher(subject, wanted);
    const last = subject.at + subject.size - wanted.size;
    for (let s = subject.at + offset; s <= last; s++) {
      let same = 0;
      while (same < wanted.size && bytes[s + same] === bytes[wanted.at + same]) same += 1;
      if (same === wanted.size) return { from: s, to: s + same };
      account.spend(same + 1);
    }
    return undefined;
  };

  const search = (matcher: Matcher, subject: LuaBytes, pattern: LuaBytes, offset: number): Span | undefined => {
    const { anchored, start } = calls.anchor(pattern);
    const last = anchored ? subject.at + offset : subject.at + subject.size;
    for (let from = subject.at + offset; from <= last; from++) {
      const to = matcher.attempt(from, start);
      if (to !== -1) return { from, to };
    }
    return undefined;
  };

  const find: NativeFunction = (L) => {
    const subject = calls.argument(L, 1);
    const pattern = calls.argument(L, 2);
    const offset = calls.startOffset(L, 3, subject.size);
    if (offset > subject.size) return pushNil(L);
    if (exports.lua_toboolean(L, 4) !== 0 || !hasSpecials(pattern)) {
      const place = plainSearch(subject, pattern, offset);
      return place === undefined ? pushNil(L) : pushPlace(L, subject, place);
    }
    const matcher = calls.matcher(subject, pattern);
    const place = calls.guarded(L, () => search(matcher, subject, pattern, offset));
    if (place === undefined) return pushNil(L);
    return pushPlace(L, subject, place) + calls.pushCaptures(L, matcher, subject, matcher.level, place);
  };

  const match: NativeFunction = (L) => {
    const subject = calls.argument(L, 1);
    const pattern = calls.argument(L, 2);
    const offset = calls.startOffset(L, 3, subject.size);
    if (offset > subject.size) return pushNil(L);
    const matcher = calls.matcher(subject, pattern);
    const place = calls.guarded(L, () => search(matcher, subject, pattern, offset));
    return place === undefined ? pushNil(L) : calls.pushCaptures(L, matcher, subject, matcher.level || 1, place);
  };

  const gmatch: NativeFunction = (L) => {
    const subject = calls.argument(L, 1);
    calls.argument(L, 2);
    const offset = Math.min(calls.startOffset(L, 3, subject.size), subject.size + 1);
    exports.lua_settop(L, 2);
    exports.lua_pushinteger(L, BigInt(offset));
    exports.lua_pushinteger(L, -1n);
    exports.lua_pushcclosure(L, nextIndex(), 4);
    return 1;
  };

  /** In gmatch a `^` is no anchor, and a match does not end where the last one ended. */
  const nextMatch = (matcher: Matcher, subject: LuaBytes, pattern: LuaBytes, offset: number, last: number) => {
    for (let from = subject.at + offset; from <= subject.at + subject.size; from++) {
      const to = matcher.attempt(from, pattern.at);
      if (to !== -1 && to !== subject.at + last) return { from, to };
    }
    return undefined;
  };

  const gmatchNext: NativeFunction = (L) => {
    const subject = calls.argument(L, UPVALUE.subject);
    const pattern = calls.argument(L, UPVALUE.pattern);
    const offset = exports.lua_tonumberx(L, UPVALUE.from, 0);
    const last = exports.lua_tonumberx(L, UPVALUE.last, 0);
    const matcher = calls.matcher(subject, pattern);
    const place = calls.guarded(L, () => nextMatch(matcher, subject, pattern, offset, last));
    if (place === undefined) return 0;
    exports.lua_pushinteger(L, BigInt(place.to - subject.at));
    exports.lua_copy(L, -1, UPVALUE.from);
    exports.lua_copy(L, -1, UPVALUE.last);
    exports.lua_settop(L, -2);
    return calls.pushCaptures(L, matcher, subject, matcher.level || 1, place);
  };

  return { find, match, gmatch, gmatchNext };
}
