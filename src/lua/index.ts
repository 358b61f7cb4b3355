/**
 * The Lua layer: sandboxed, pristine, bounded runs of Lua 5.4 chunks on worker threads.
 *
 *     await using pool = new LuaPool();
 *     const { value } = await pool.invoke({
 *       image: { source: "return _CTX.n + 1", chunkName: "plus-one.lua", host: [], kind: "worker" },
 *       globals: { _CTX: { n: 41 } },
 *     });
 */
export type { LuaErrorCode, LuaErrorPlace } from "./error.ts";
export { LuaError } from "./error.ts";
export type { LuaHost, LuaImage, LuaInvocation, LuaPosition, LuaResult } from "./invocation.ts";
export type { LuaLimits } from "./limits.ts";
export { AUTHORING_LIMITS, WORKER_LIMITS } from "./limits.ts";
export type { LuaPoolOptions, LuaPoolStats } from "./pool.ts";
export { LuaPool } from "./pool.ts";
export { checkLuaSyntax, luaSyntaxChecker } from "./syntax.ts";
