/** Plain Lua, with its own libraries and without our sandbox: what our replacements are compared with. */
import { LuaInstance } from "../../src/lua/instance.ts";
import { LuaState } from "../../src/lua/state.ts";
import { compileLuaModule, REGISTRY } from "../../src/lua/wasm.ts";

/** A state that runs chunks which take strings and return one. */
export class NativeLua {
  readonly #state = new LuaState(new LuaInstance(compileLuaModule()));
  readonly #L = this.#state.exports.luaL_newstate();

  constructor() {
    const { exports } = this.#state;
    exports.luaopen_base(this.#L);
    for (const library of ["string", "table", "math"] as const) {
      exports.lua_rawgeti(this.#L, REGISTRY, 2n);
      this.#state.pushString(this.#L, library);
      exports[`luaopen_${library}`](this.#L);
      exports.lua_rawset(this.#L, -3);
      exports.lua_settop(this.#L, 0);
    }
  }

  /** Compiles a chunk; the function runs it. */
  chunk(source: string): (...args: readonly string[]) => string {
    const { exports } = this.#state;
    this.#state.compile(this.#L, source, "=chunk");
    const kept = this.#state.keep(this.#L);
    return (...args) => {
      exports.lua_settop(this.#L, 0);
      this.#state.pushKept(this.#L, kept);
      for (const arg of args) this.#state.pushString(this.#L, arg);
      const failed = exports.lua_pcallk(this.#L, args.length, 1, 0, 0, 0) !== 0;
      const text = this.#state.display(this.#L, -1);
      if (failed) throw new Error(text);
      return text;
    };
  }
}
