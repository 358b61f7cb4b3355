/**
 * Failures: what a script raised, or what tore it off, in words and with its place.
 *
 * Owns: the code, message, line and traceback of a failure.
 * Does not own: the text of error values (sandbox/failure.lua).
 */
import { LuaError, type LuaErrorPlace } from "./error.ts";
import type { Failure, ToldFailure } from "./execution.ts";
import type { CallStack, ScriptFrame } from "./frames.ts";
import { LUA_STATUS, type LuaThread } from "./wasm.ts";

/** What there is to know about an error that ended a script. */
export interface RaisedError {
  /** What `lua_resume` returned. */
  readonly status: number;
  readonly message: string;
  /** The last failure the script was told of. */
  readonly told: ToldFailure | undefined;
  /** JSON of an error table, where it has one. */
  readonly value: Failure["value"];
}

/** The failure of a script that raised an error: `stack` still has its frames. */
export function raisedFailure(error: RaisedError, stack: CallStack, root: LuaThread): Failure {
  const innermost = stack.innermost(root);
  const traceback = stack.traceback(root);
  return {
    code: codeOf(error),
    message: error.message,
    ...placeOf(error.message, innermost),
    ...(traceback !== undefined && { traceback }),
    ...(error.value !== undefined && { value: error.value }),
  };
}

/** The failure of a script that an exception of ours tore off: a limit, a value that cannot cross, a fault. */
export function tornFailure(error: unknown, stack: CallStack, torn: LuaThread): Failure {
  const place = tornPlace(stack, torn);
  if (error instanceof LuaError) return { ...place, ...plainFailure(error) };
  if (error instanceof RangeError) {
    return {
      ...place,
      code: "lua_depth_limit",
      message: `the script's calls are nested too deeply (${error.message})`,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { ...place, code: "lua_error", message: `the Lua VM failed: ${message}` };
}

/** Where the script was. It may have been torn off in the middle of anything, so its stack may be past reading. */
function tornPlace(stack: CallStack, torn: LuaThread): LuaErrorPlace {
  try {
    const frame = stack.innermost(torn);
    const traceback = stack.traceback(torn);
    return {
      ...(frame !== undefined && { chunk: frame.chunk, line: frame.line }),
      ...(traceback !== undefined && { traceback }),
    };
  } catch {
    return {};
  }
}

/** A LuaError as plain data. */
export function plainFailure(error: LuaError): Failure {
  return {
    code: error.code,
    message: error.message,
    ...(error.chunk !== undefined && { chunk: error.chunk }),
    ...(error.line !== undefined && { line: error.line }),
    ...(error.traceback !== undefined && { traceback: error.traceback }),
    ...(error.value !== undefined && { value: error.value }),
  };
}

/** The LuaError of a failure, after what was printed. */
export function failureError(failure: Failure, printed: readonly string[]): LuaError {
  const place = printed.length === 0 ? failure : { ...failure, printed };
  return new LuaError(failure.code, failure.message, place);
}

/** Splits `<chunk>:<line>: <text>`; undefined where the message has no place of the chunk known as `shown`. */
export function messageLine(message: string, shown: string): number | undefined {
  if (!message.startsWith(`${shown}:`)) return undefined;
  const line = /^(\d+): /.exec(message.slice(shown.length + 1))?.[1];
  return line === undefined ? undefined : Number(line);
}

/** The name of a chunk as Lua's messages show it: the last 56 bytes of long ones. */
export function shownName(chunk: string): string {
  const bytes = Buffer.from(chunk);
  return bytes.length < 60 ? chunk : `...${bytes.subarray(bytes.length - 56).toString()}`;
}

function codeOf(error: RaisedError): Failure["code"] {
  if (error.status === LUA_STATUS.memoryError) return "lua_memory_limit";
  if (error.told !== undefined && error.message.includes(error.told.message)) return error.told.code;
  if (/\bstack overflow\b/.test(error.message)) return "lua_depth_limit";
  return "lua_error";
}

/**
 * The place an error names itself (`error(message, 2)` names the caller), else the line that raised it. A tail call may
 * have left no frame at all.
 */
function placeOf(message: string, frame: ScriptFrame | undefined): { chunk?: string; line?: number } {
  if (frame !== undefined) return { chunk: frame.chunk, line: messageLine(message, frame.shown) ?? frame.line };
  const named = /^([^\n:]{1,300}):(\d+): /.exec(message);
  return named === null ? {} : { chunk: named[1] as string, line: Number(named[2]) };
}
