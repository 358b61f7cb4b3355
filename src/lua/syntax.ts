/**
 * Whether a chunk compiles, told at once and in this thread.
 *
 * Owns: the check. Running is the pool's.
 */
import { LuaError } from "./error.ts";
import { messageLine, shownName } from "./failure.ts";
import { LuaInstance } from "./instance.ts";
import { MAX_SOURCE } from "./invocation-check.ts";
import { LuaState } from "./state.ts";
import { compileLuaModule } from "./wasm.ts";

/** Heap for the parser and what it makes: many times what a chunk of the largest size needs. */
const PARSER_BYTES = 256 * 1_048_576;

/**
 * A checker that makes its VM when first used and keeps it. Returns the `lua_syntax` error with chunk and line, or
 * undefined where the chunk compiles. Nothing is run.
 */
export function luaSyntaxChecker(): (source: string, chunkName: string) => LuaError | undefined {
  let module: WebAssembly.Module | undefined;
  return (source, chunkName) => {
    if (source.length > MAX_SOURCE) {
      return new LuaError("lua_syntax", `${chunkName} has ${source.length} characters, at most ${MAX_SOURCE}`, {
        chunk: chunkName,
      });
    }
    module ??= compileLuaModule();
    const instance = new LuaInstance(module);
    instance.heapLimit = PARSER_BYTES;
    const state = new LuaState(instance);
    try {
      state.compile(instance.exports.luaL_newstate(), source, `@${chunkName}`);
      return undefined;
    } catch (error) {
      if (!(error instanceof LuaError)) throw error;
      const line = messageLine(error.message, shownName(chunkName));
      return new LuaError(error.code, error.message, { chunk: chunkName, ...(line !== undefined && { line }) });
    }
  };
}

/** As the checker, for a single chunk. */
export function checkLuaSyntax(source: string, chunkName: string): LuaError | undefined {
  return luaSyntaxChecker()(source, chunkName);
}
