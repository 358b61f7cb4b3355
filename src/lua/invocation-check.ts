/**
 * Whether an invocation can be run at all: checked before it is accepted, so that bad input changes nothing.
 *
 * Owns: the bounds of images and names. Limits are checked in limits.ts, values in json-check.ts.
 */
import { LuaError } from "./error.ts";
import type { LuaImage, LuaInvocation } from "./invocation.ts";

/** Longest source, in characters. */
export const MAX_SOURCE = 1_048_576;
const MAX_NAME = 256;
const MAX_HOST_NAMES = 256;
const MAX_SEED = 4_096;

/** Throws `lua_invalid` with what is wrong and how it should be. */
export function checkInvocation({ image, seed, nowMs }: LuaInvocation): void {
  checkImage(image);
  if (seed !== undefined && seed.length > MAX_SEED)
    throw invalid(`the seed has ${seed.length} characters, at most ${MAX_SEED}`);
  if (nowMs !== undefined && !(Math.abs(nowMs) <= 8.64e15))
    throw invalid(`nowMs is ${nowMs}, not milliseconds since 1970`);
}

function checkImage(image: LuaImage): void {
  const { chunkName, source, host, roots, kind } = image;
  if (chunkName.length === 0 || chunkName.length > MAX_NAME || /[\0\n]/.test(chunkName)) {
    throw invalid(`chunkName ${JSON.stringify(chunkName)} must be one line of 1 to ${MAX_NAME} characters`);
  }
  if (source.length > MAX_SOURCE) {
    throw invalid(`${chunkName} has ${source.length} characters, at most ${MAX_SOURCE}: pass large data as globals`);
  }
  if (host.length > MAX_HOST_NAMES)
    throw invalid(`${chunkName} is granted ${host.length} host functions, at most ${MAX_HOST_NAMES}`);
  for (const name of host) {
    if (name.length === 0 || name.length > MAX_NAME)
      throw invalid(`host function ${JSON.stringify(name)} needs 1 to ${MAX_NAME} characters`);
  }
  if (roots !== undefined && kind !== "authoring")
    throw invalid(`${chunkName} has roots, which only authoring scripts may have`);
}

const invalid = (message: string): LuaError => new LuaError("lua_invalid", message);
