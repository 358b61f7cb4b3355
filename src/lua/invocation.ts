/**
 * What goes into the Lua layer and what comes out: images, invocations, results. Plain data.
 *
 * Owns: the public shapes.
 * Does not own: how a chunk is run (image.ts, execution.ts) or where (pool.ts).
 */
import type { Json } from "../flow/index.ts";
import type { LuaLimits } from "./limits.ts";

/**
 * A chunk together with what it may reach. Two images with equal content are the same image: it is compiled once a
 * thread and every invocation of it starts from the same pristine memory.
 */
export interface LuaImage {
  /** Lua 5.4 text; what the chunk returns is the result. At most 1 MiB. */
  readonly source: string;
  /** Shown in errors as `<chunkName>:<line>:`. For authoring scripts: the file, relative as the author knows it. */
  readonly chunkName: string;
  /** Names the script finds in its `host` table. No name, no `host`. */
  readonly host: readonly string[];
  /**
   * `worker`: an agent's chunk; an empty table without a marker is an object.
   * `authoring`: a script that builds a document; an empty table without a marker is an array, `require` exists, and
   * source positions are kept.
   */
  readonly kind: "worker" | "authoring";
  /** Authoring only: directories below which `require` finds the author's own modules. */
  readonly roots?: readonly string[];
}

/** One run of an image. */
export interface LuaInvocation {
  readonly image: LuaImage;
  /** Set as Lua globals before the chunk runs. */
  readonly globals?: Readonly<Record<string, Json>>;
  /** Seeds `math.random`. The same seed gives the same numbers; without one the sequence is fixed. */
  readonly seed?: string;
  /** What `os.time` and `os.date` say, in milliseconds since 1970 (UTC). Default 0: the VM has no clock of its own. */
  readonly nowMs?: number;
  readonly limits?: Partial<LuaLimits>;
  /** Aborting it stops the script wherever it is; `invoke` rejects with `lua_cancelled`. */
  readonly signal?: AbortSignal;
  /**
   * Answers `host.<name>(arg)`. A rejection raises a Lua error with its message, which the script can catch. `signal`
   * is aborted when the invocation ends before the answer is there.
   */
  readonly host?: LuaHost;
}

/** See `LuaInvocation.host`. */
export type LuaHost = (name: string, arg: Json, signal: AbortSignal) => Promise<Json>;

/** A line in an author's file. */
export interface LuaPosition {
  readonly file: string;
  readonly line: number;
}

/** What an invocation came to. */
export interface LuaResult {
  /** The chunk's first return value; null where it returned nothing. */
  readonly value: Json;
  /** What `print` was given, a string a call. Lines past `outputBytes` are dropped, and a last line says so. */
  readonly printed: readonly string[];
  /** Authoring only: where the tables of `value` were made, by JSON pointer into `value`. */
  readonly positions?: Readonly<Record<string, LuaPosition>>;
  /** Authoring only: what the authoring modules noted. */
  readonly warnings?: readonly string[];
}
