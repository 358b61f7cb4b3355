/**
 * LuaError: the one error class of this layer, and its codes.
 *
 * Owns: the codes, what each means, the form in which an error crosses a thread.
 * Does not own: when an error is raised.
 */
import type { Json } from "../flow/index.ts";

/**
 * What went wrong, stable across releases.
 *
 * | code               | meaning                                                                                 |
 * |--------------------|-----------------------------------------------------------------------------------------|
 * | `lua_syntax`       | the chunk (or a module it requires) does not compile                                    |
 * | `lua_error`        | the script raised an error and nothing caught it                                        |
 * | `lua_host`         | a host call failed and the script did not catch it                                      |
 * | `lua_value`        | a value cannot cross the boundary: a function, a mixed table, NaN, broken UTF-8         |
 * | `lua_cpu_limit`    | the script used up `cpuMs`, or its thread did not answer within `wallMs`                |
 * | `lua_memory_limit` | the script needed more than `memoryBytes`                                               |
 * | `lua_depth_limit`  | the call stack overflowed, or a value is nested deeper than `maxDepth`                  |
 * | `lua_output_limit` | the result is larger than `outputBytes`                                                 |
 * | `lua_cancelled`    | the invocation's signal was aborted, or the pool was disposed                           |
 * | `lua_thread_lost`  | the worker thread died while it executed this invocation                                |
 * | `lua_busy`         | the pool holds as many invocations as it may; try again later                           |
 * | `lua_invalid`      | the invocation itself is malformed: a limit, a name, a root that does not exist         |
 */
export type LuaErrorCode =
  | "lua_syntax"
  | "lua_error"
  | "lua_host"
  | "lua_value"
  | "lua_cpu_limit"
  | "lua_memory_limit"
  | "lua_depth_limit"
  | "lua_output_limit"
  | "lua_cancelled"
  | "lua_thread_lost"
  | "lua_busy"
  | "lua_invalid";

/** Where a LuaError happened, what was thrown, and what was printed before. Every field is absent where it is not known. */
export interface LuaErrorPlace {
  /** Name of the chunk, as given in `LuaImage.chunkName`, or the required module's file. */
  readonly chunk?: string;
  /** Line in that chunk, from 1. */
  readonly line?: number;
  /** The script's frames, innermost first, one a line. Frames of the sandbox itself are left out. */
  readonly traceback?: string;
  /** What the script passed to `error` when that was a table which JSON can carry. */
  readonly value?: Json;
  /** What the script had printed, a string a call of `print`. Absent where that is nothing, or went with its thread. */
  readonly printed?: readonly string[];
}

/** Any failure of this layer. `message` names the thing and the way out; `code` is for programs. */
export class LuaError extends Error {
  override readonly name = "LuaError";
  readonly code: LuaErrorCode;
  declare readonly chunk?: string;
  declare readonly line?: number;
  declare readonly traceback?: string;
  declare readonly value?: Json;
  declare readonly printed?: readonly string[];

  constructor(code: LuaErrorCode, message: string, place: LuaErrorPlace = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    if (place.chunk !== undefined) this.chunk = place.chunk;
    if (place.line !== undefined) this.line = place.line;
    if (place.traceback !== undefined) this.traceback = place.traceback;
    if (place.value !== undefined) this.value = place.value;
    if (place.printed !== undefined) this.printed = place.printed;
  }
}
