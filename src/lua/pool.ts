/** The public face of the layer; the implementation follows in the next commits. */
import type { LuaInvocation, LuaResult } from "./invocation.ts";
import type { LuaLimits } from "./limits.ts";

/** See `LuaPool`. */
export interface LuaPoolOptions {
  /** Worker threads, started when first needed. Default: one less than the cores, at least 1 and at most 2. */
  readonly threads?: number;
  /** Over the defaults of each kind, under those of the invocation. */
  readonly limits?: Partial<LuaLimits>;
  /** Invocations accepted and not yet ended. Past it `invoke` rejects with `lua_busy`. Default 10 000. */
  readonly maxQueued?: number;
}

export type { LuaInvocation, LuaResult };
