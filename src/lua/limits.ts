/**
 * What one invocation may use, and the defaults.
 *
 * Owns: the limits, their defaults for each kind of image, their validation.
 * Does not own: how each is enforced (clock.ts, module.ts, reader.ts, watchdog.ts).
 */
import { LuaError } from "./error.ts";

/** Bounds of one invocation. All are finite. */
export interface LuaLimits {
  /** CPU time of the worker thread, in milliseconds. Time spent waiting for the host is not counted. */
  readonly cpuMs: number;
  /** Size of the VM's heap, in bytes. */
  readonly memoryBytes: number;
  /** Deepest nesting of a value that enters or leaves the VM. The call stack has Lua's own limits. */
  readonly maxDepth: number;
  /** Size of the result, and separately of what the script prints, in bytes. */
  readonly outputBytes: number;
  /** Longest the thread may execute this invocation without an answer before it is replaced, in milliseconds. */
  readonly wallMs: number;
}

const MIB = 1024 * 1024;

/** Defaults for agents' chunks: a step is short. */
export const WORKER_LIMITS: LuaLimits = {
  cpuMs: 2_000,
  memoryBytes: 64 * MIB,
  maxDepth: 128,
  outputBytes: 4 * MIB,
  wallMs: 10_000,
};

/** Defaults for authoring scripts: they build one document, once, from files the author owns. */
export const AUTHORING_LIMITS: LuaLimits = {
  cpuMs: 20_000,
  memoryBytes: 256 * MIB,
  maxDepth: 512,
  outputBytes: 16 * MIB,
  wallMs: 60_000,
};

/** The largest values a caller may ask for. */
const CEILING: LuaLimits = {
  cpuMs: 24 * 3_600_000,
  memoryBytes: 1024 * MIB,
  maxDepth: 1_000,
  outputBytes: 64 * MIB,
  wallMs: 24 * 3_600_000,
};

const NAMES = Object.keys(CEILING) as (keyof LuaLimits)[];

/**
 * The limits in force: those of `override` over those of `base`.
 * Throws `lua_invalid` for a limit that is not a positive number within bounds, or that does not exist.
 */
export function resolveLimits(base: LuaLimits, override: Partial<LuaLimits> | undefined): LuaLimits {
  if (override === undefined) return base;
  const limits = { ...base };
  for (const [name, value] of Object.entries(override)) {
    if (value === undefined) continue;
    const limit = NAMES.find((known) => known === name);
    if (limit === undefined) {
      throw new LuaError("lua_invalid", `there is no limit "${name}": the limits are ${NAMES.join(", ")}`);
    }
    if (typeof value !== "number" || !(value > 0) || value > CEILING[limit]) {
      throw new LuaError("lua_invalid", `limit ${limit} is ${value}: give a number above 0, at most ${CEILING[limit]}`);
    }
    limits[limit] = value;
  }
  return limits;
}
