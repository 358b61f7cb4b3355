/**
 * Lua's stack as seen from JavaScript: strings in and out, chunks, references, errors raised from host functions.
 *
 * Owns: the mapping of strings and the scratch memory it goes through.
 * Does not own: tables and other JSON values (writer.ts, reader.ts).
 *
 * B1  Lua strings never move, but growth of the memory replaces the views: no view is kept across a call into Lua.
 * B2  The scratch memory is allocated once, before any memory image is taken, so all images agree on where it is.
 */
import { LuaError } from "./error.ts";
import type { LuaInstance } from "./instance.ts";
import { decodeWtf8, encodeWtf8 } from "./text.ts";
import { LUA_STATUS, type LuaExports, type LuaThread, REGISTRY } from "./wasm.ts";

const SCRATCH_BYTES = 4_096;

/** Strings up to this length are moved by a loop: cheaper than a call into the runtime. */
const SHORT = 32;

/** The stack operations of one instance. */
export class LuaState {
  readonly instance: LuaInstance;
  readonly exports: LuaExports;
  /** Four bytes where Lua puts a size or a count. */
  readonly cell: number;
  readonly #scratch: number;

  constructor(instance: LuaInstance) {
    this.instance = instance;
    this.exports = instance.exports;
    this.cell = this.exports.malloc(8);
    this.#scratch = this.exports.malloc(SCRATCH_BYTES);
  }

  /** The value of `cell`. */
  get cellValue(): number {
    return this.instance.words[this.cell >> 2] as number;
  }

  /** Pushes any JavaScript string (text.ts). */
  pushString(L: LuaThread, text: string): void {
    const { length } = text;
    if (length <= SHORT) {
      const { bytes } = this.instance;
      let i = 0;
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 0x7f) break;
        bytes[this.#scratch + i] = unit;
      }
      if (i === length) {
        this.exports.lua_pushlstring(L, this.#scratch, length);
        return;
      }
    }
    if (length * 3 <= SCRATCH_BYTES && text.isWellFormed()) {
      const size = this.instance.bytes.write(text, this.#scratch, SCRATCH_BYTES, "utf8");
      this.exports.lua_pushlstring(L, this.#scratch, size);
      return;
    }
    this.pushBytes(L, text.isWellFormed() ? Buffer.from(text, "utf8") : encodeWtf8(text));
  }

  /** Pushes a Lua string of these bytes. */
  pushBytes(L: LuaThread, data: Uint8Array): void {
    this.#withBytes(data, (pointer) => this.exports.lua_pushlstring(L, pointer, data.length));
  }

  /** The string at `index`; throws `lua_value` where its bytes are not a JavaScript string's (T2). */
  text(L: LuaThread, index: number): string {
    const pointer = this.exports.lua_tolstring(L, index, this.cell);
    return this.textAt(pointer, this.cellValue);
  }

  /** As `text`, of bytes known by address. */
  textAt(pointer: number, size: number): string {
    const { bytes } = this.instance;
    if (size <= SHORT) {
      let text = "";
      let i = 0;
      for (; i < size; i++) {
        const byte = bytes[pointer + i] as number;
        if (byte > 0x7f) break;
        text += String.fromCharCode(byte);
      }
      if (i === size) return text;
    }
    const text = bytes.toString("utf8", pointer, pointer + size);
    if (!text.includes("\ufffd")) return text;
    // Either the string has a replacement character of its own, or decoding put one there.
    const exact = decodeWtf8(bytes.subarray(pointer, pointer + size));
    if (typeof exact === "string") return exact;
    throw new LuaError(
      "lua_value",
      `a string of ${size} bytes is not UTF-8 (byte ${exact.invalidAt + 1}): encode it, as hex for example`,
    );
  }

  /** The string at `index` for people to read: what is not UTF-8 shows as U+FFFD. */
  display(L: LuaThread, index: number): string {
    const pointer = this.exports.lua_tolstring(L, index, this.cell);
    return pointer === 0 ? "" : this.instance.bytes.toString("utf8", pointer, pointer + this.cellValue);
  }

  /** A C string, for people to read. */
  cString(pointer: number): string {
    if (pointer === 0) return "";
    const { bytes } = this.instance;
    return bytes.toString("utf8", pointer, bytes.indexOf(0, pointer));
  }

  /**
   * Compiles text (never bytecode) and pushes the function. `name` is Lua's chunk name, with its `@` or `=`.
   * Throws `lua_syntax`.
   */
  compile(L: LuaThread, source: string, name: string): void {
    const text = Buffer.from(source);
    const names = Buffer.from(`${name}\0t\0`);
    const failed = this.#withBytes(Buffer.concat([text, names]), (pointer) => {
      const at = pointer + text.length;
      return this.exports.luaL_loadbufferx(L, pointer, text.length, at, at + names.length - 2);
    });
    if (failed === 0) return;
    const message = this.display(L, -1);
    this.exports.lua_settop(L, -2);
    throw new LuaError(failed === LUA_STATUS.memoryError ? "lua_memory_limit" : "lua_syntax", message);
  }

  /** Takes the top value off the stack and keeps it in the registry. */
  keep(L: LuaThread): bigint {
    return BigInt(this.exports.luaL_ref(L, REGISTRY));
  }

  /** Pushes a kept value. */
  pushKept(L: LuaThread, reference: bigint): void {
    this.exports.lua_rawgeti(L, REGISTRY, reference);
  }

  /** Raises a Lua error from a host function, with the caller's place before the message. */
  raise(L: LuaThread, message: string): never {
    this.exports.luaL_where(L, 1);
    this.pushString(L, message);
    this.exports.lua_concat(L, 2);
    return this.exports.lua_error(L);
  }

  /** Copies `data` into VM memory for the length of `use`, which must not push strings. */
  #withBytes<T>(data: Uint8Array, use: (pointer: number) => T): T {
    const own = data.length > SCRATCH_BYTES;
    const pointer = own ? this.exports.malloc(data.length) : this.#scratch;
    if (pointer === 0) throw this.instance.outOfMemory();
    this.instance.bytes.set(data, pointer);
    const result = use(pointer);
    if (own) {
      // What stays behind in freed memory would be copied with every memory image.
      this.instance.bytes.fill(0, pointer, pointer + data.length);
      this.exports.free(pointer);
    }
    return result;
  }
}
