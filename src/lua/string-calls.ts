/**
 * What the pattern functions share: string arguments by address, matchers over them, captures onto the stack.
 *
 * Owns: the way between Lua's stack and a matcher.
 * Does not own: matching (pattern.ts), the functions themselves (string-search.ts, string-replace.ts).
 */
import { isUnfinished, Matcher, PatternError, POSITION_CAPTURE } from "./pattern.ts";
import type { LuaState } from "./state.ts";
import type { LuaThread } from "./wasm.ts";

/** A Lua string by address. It stays there as long as it is on the stack. */
export interface LuaBytes {
  readonly at: number;
  readonly size: number;
}

/** Part of a subject, by address. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const CARET = 0x5e;

/** The shared operations, for one state. `tick` is called often while matching and may throw. */
export class StringCalls {
  readonly state: LuaState;
  readonly #tick: () => void;

  constructor(state: LuaState, tick: () => void) {
    this.state = state;
    this.#tick = tick;
  }

  /** The string (or number, turned into one) at `index`; raises Lua's error for anything else. */
  argument(L: LuaThread, index: number): LuaBytes {
    const at = this.state.exports.luaL_checklstring(L, index, this.state.cell);
    return { at, size: this.state.cellValue };
  }

  /** The optional start position at `index` as a 0-based offset. */
  startOffset(L: LuaThread, index: number, size: number): number {
    const position = Number(this.state.exports.luaL_optinteger(L, index, 1n));
    if (position > 0) return position - 1;
    if (position === 0 || position < -size) return 0;
    return size + position;
  }

  matcher(subject: LuaBytes, pattern: LuaBytes): Matcher {
    const { bytes } = this.state.instance;
    return new Matcher(bytes, subject.at, subject.at + subject.size, pattern.at + pattern.size, this.#tick);
  }

  /** Whether the pattern holds at one place only, and where its text starts. */
  anchor(pattern: LuaBytes): { readonly anchored: boolean; readonly start: number } {
    const anchored = pattern.size > 0 && this.state.instance.bytes[pattern.at] === CARET;
    return { anchored, start: anchored ? pattern.at + 1 : pattern.at };
  }

  /** Runs pattern code, turning its errors into Lua's. Nothing in `body` may call Lua. */
  guarded<T>(L: LuaThread, body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (error instanceof PatternError) return this.state.raise(L, error.message);
      throw error;
    }
  }

  /** Pushes capture `index`, or the whole match where there are no captures. */
  pushCapture(L: LuaThread, matcher: Matcher, subject: LuaBytes, index: number, match: Span): void {
    const { exports } = this.state;
    if (index >= matcher.level) {
      if (index !== 0) this.state.raise(L, `invalid capture index %${index + 1}`);
      exports.lua_pushlstring(L, match.from, match.to - match.from);
      return;
    }
    const start = matcher.captureStart[index] as number;
    const length = matcher.captureLength[index] as number;
    if (length === POSITION_CAPTURE) {
      exports.lua_pushinteger(L, BigInt(start - subject.at + 1));
      return;
    }
    if (isUnfinished(length)) this.state.raise(L, "unfinished capture");
    exports.lua_pushlstring(L, start, length);
  }

  /** Pushes the first `count` captures, or the whole match where `count` is 1 and there are none. */
  pushCaptures(L: LuaThread, matcher: Matcher, subject: LuaBytes, count: number, match: Span): number {
    this.state.exports.lua_checkstack(L, count + 2);
    for (let i = 0; i < count; i++) this.pushCapture(L, matcher, subject, i, match);
    return count;
  }
}
