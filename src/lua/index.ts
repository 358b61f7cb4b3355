/** The Lua layer: sandboxed, pristine, bounded runs of Lua 5.4 chunks on worker threads. See pool.ts. */
export type { LuaErrorCode, LuaErrorPlace } from "./error.ts";
export { LuaError } from "./error.ts";
export type { LuaHost, LuaImage, LuaInvocation, LuaPosition, LuaResult } from "./invocation.ts";
export type { LuaLimits } from "./limits.ts";
export { AUTHORING_LIMITS, WORKER_LIMITS } from "./limits.ts";
export type { LuaPoolOptions } from "./pool.ts";
