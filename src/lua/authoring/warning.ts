/**
 * Authoring warnings: the lines the Lua modules note, with the place read off their front.
 *
 * A place at the front reads `<file>:<line>: `. Lua shortens a long chunk name to `...` and its end; such a name is
 * widened again where it can only mean one file of the script.
 */
import type { LuaPosition } from "../invocation.ts";

/** Something an authoring script most likely did not mean. */
export interface AuthoringWarning {
  /** The text without its place. */
  readonly message: string;
  /** The author's line, where it is known. */
  readonly position?: LuaPosition;
}

const PLACED = /^(.+?):(\d+): (.*)$/s;

/** Reads one line as noted by the modules. `files` are the files the script is known to consist of. */
export function readWarning(text: string, files: Iterable<string>): AuthoringWarning {
  const [, chunk, line, message] = PLACED.exec(text) ?? [];
  if (chunk === undefined || line === undefined || message === undefined) return { message: text };
  return { message, position: { file: wholeName(chunk, files), line: Number(line) } };
}

function wholeName(chunk: string, files: Iterable<string>): string {
  if (!chunk.startsWith("...")) return chunk;
  const matches = [...files].filter((file) => file.endsWith(chunk.slice(3)));
  return matches.length === 1 && matches[0] !== undefined ? matches[0] : chunk;
}
