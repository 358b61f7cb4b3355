/**
 * The call stack of a Lua thread: which lines of the script are being run.
 *
 * Owns: reading `lua_Debug`, telling script frames from the sandbox's own, the text of a traceback.
 * Does not own: error values (failure.ts).
 *
 * A chunk's source is `@<name>` for a script's own text and `=<name>` for everything the sandbox brings.
 */
import type { LuaState } from "./state.ts";
import type { LuaThread } from "./wasm.ts";

/** Byte offsets in `lua_Debug` on a 32-bit machine. */
const RECORD = {
  isTailCall: 39,
  name: 4,
  nameWhat: 8,
  what: 12,
  source: 16,
  currentLine: 24,
  lineDefined: 28,
  shortSource: 44,
  size: 104,
};

const AT_SIGN = 0x40;

/** Frames a traceback shows: of deeper stacks, the inner end. */
const SHOWN_FRAMES = 24;
/** Frames looked at: reaching level n costs n steps. */
const MAX_LEVELS = 200;

/** A line of a script. */
export interface ScriptPlace {
  /** The chunk's name. */
  readonly chunk: string;
  readonly line: number;
}

/** One script frame. */
export interface ScriptFrame extends ScriptPlace {
  /** The chunk's name as messages show it: long names lose their beginning. */
  readonly shown: string;
  /** What runs, in words: `in main chunk`, `in function 'f'`. */
  readonly what: string;
}

/** Reads the stacks of one state. */
export class CallStack {
  readonly #state: LuaState;
  readonly #record: number;
  readonly #query: number;

  /** Allocates in VM memory: make it before the first memory image (B2). */
  constructor(state: LuaState) {
    this.#state = state;
    this.#record = state.exports.malloc(RECORD.size);
    this.#query = state.exports.malloc(4);
    state.instance.bytes.write("Sln\0", this.#query);
  }

  /** The innermost script frame, or undefined where none is left. */
  innermost(L: LuaThread): ScriptFrame | undefined {
    for (let level = 0; level < MAX_LEVELS && this.#enter(L, level); level++) {
      const frame = this.#frame();
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  /** As `innermost`, but undefined where a tail call has taken a frame that may have been further in. */
  caller(L: LuaThread): ScriptFrame | undefined {
    const { bytes } = this.#state.instance;
    for (let level = 0; level < MAX_LEVELS && this.#enter(L, level); level++) {
      const frame = this.#frame();
      if (frame !== undefined) return frame;
      if (bytes[this.#record + RECORD.isTailCall] !== 0) return undefined;
    }
    return undefined;
  }

  /** Where a line hook was called, or undefined where that is not in a script's text. */
  hooked(L: LuaThread, record: number): ScriptPlace | undefined {
    const { exports, instance } = this.#state;
    exports.lua_getinfo(L, this.#query, record);
    const source = instance.words[(record + RECORD.source) >> 2] as number;
    if (instance.bytes[source] !== AT_SIGN) return undefined;
    return {
      chunk: this.#state.cString(source + 1),
      line: instance.words[(record + RECORD.currentLine) >> 2] as number,
    };
  }

  /** Script frames, innermost first, as text; undefined where there are none. */
  traceback(L: LuaThread): string | undefined {
    const lines: string[] = [];
    let level = 0;
    for (; level < MAX_LEVELS && lines.length < SHOWN_FRAMES && this.#enter(L, level); level++) {
      const frame = this.#frame();
      if (frame !== undefined) lines.push(`${frame.shown}:${frame.line}: ${frame.what}`);
    }
    if (this.#enter(L, level)) lines.push("...");
    return lines.length === 0 ? undefined : lines.join("\n");
  }

  #enter(L: LuaThread, level: number): boolean {
    const { exports } = this.#state;
    if (exports.lua_getstack(L, level, this.#record) === 0) return false;
    exports.lua_getinfo(L, this.#query, this.#record);
    return true;
  }

  #frame(record = this.#record): ScriptFrame | undefined {
    const { instance } = this.#state;
    const word = (offset: number) => instance.words[(record + offset) >> 2] as number;
    const line = word(RECORD.currentLine) | 0;
    const source = word(RECORD.source);
    if (instance.bytes[source] !== AT_SIGN || line < 0) return undefined;
    return {
      chunk: this.#state.cString(source + 1),
      shown: this.#state.cString(record + RECORD.shortSource),
      line,
      what: this.#describe(word),
    };
  }

  #describe(word: (offset: number) => number): string {
    if (this.#state.cString(word(RECORD.what)) === "main") return "in main chunk";
    const kind = this.#state.cString(word(RECORD.nameWhat));
    if (kind !== "") return `in ${kind} '${this.#state.cString(word(RECORD.name))}'`;
    return `in function defined at line ${word(RECORD.lineDefined)}`;
  }
}
