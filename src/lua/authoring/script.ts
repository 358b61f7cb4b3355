/**
 * Running an authoring script: a `.bp.lua` text in, the document it returns out.
 *
 * Owns: the sandbox image such a script gets, and what is made of its answer.
 * Does not own: reading files (the caller hands in text and roots), what the document means (src/blueprint).
 */
import type { Json } from "../../flow/index.ts";
import type { LuaInvocation, LuaPosition, LuaResult } from "../invocation.ts";
import type { LuaLimits } from "../limits.ts";
import { replaceEmptyObjects } from "./empty-object.ts";
import { withTextPlaces } from "./text-places.ts";
import { type AuthoringWarning, readWarning } from "./warning.ts";

/** A script and where it may read from. */
export interface AuthoringScript {
  /** The name in errors and positions, as the author knows the file. */
  readonly file: string;
  readonly text: string;
  /** Directories below which `require` finds the author's own modules, usually the script's own. None: no own modules. */
  readonly roots: readonly string[];
  /** Over the authoring defaults. */
  readonly limits?: Partial<LuaLimits>;
  /** Aborting it stops the script. */
  readonly signal?: AbortSignal;
}

/** What a script came to. */
export interface AuthoringResult {
  /** What the script returned, as JSON: a Blueprint, as far as the script is concerned. Null where it returned nothing. */
  readonly value: Json;
  /** Where the parts of `value` are written, by JSON pointer. A pointer without an entry has its nearest ancestor's place. */
  readonly positions: Readonly<Record<string, LuaPosition>>;
  /** In the order noted. */
  readonly warnings: readonly AuthoringWarning[];
  /** What `print` was given, a string a call. */
  readonly printed: readonly string[];
}

/** The part of a LuaPool that a script needs. */
export interface AuthoringPool {
  invoke(invocation: LuaInvocation): Promise<LuaResult>;
}

/** Runs a script. Rejects with the pool's LuaError, whose `chunk` and `line` are the author's. */
export async function runAuthoringScript(pool: AuthoringPool, script: AuthoringScript): Promise<AuthoringResult> {
  const {
    value,
    printed,
    positions = {},
    warnings = [],
  } = await pool.invoke({
    image: { source: script.text, chunkName: script.file, host: [], kind: "authoring", roots: script.roots },
    ...(script.limits === undefined ? {} : { limits: script.limits }),
    ...(script.signal === undefined ? {} : { signal: script.signal }),
  });
  const files = new Set([script.file, ...Array.from(Object.values(positions), ({ file }) => file)]);
  return {
    value: replaceEmptyObjects(value),
    positions: withTextPlaces(value, script.file, script.text, positions),
    warnings: warnings.map((text) => readWarning(text, files)),
    printed,
  };
}
