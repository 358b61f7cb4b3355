/**
 * Where authoring scripts' `require` looks: the modules the host brings, and files below the author's declared roots.
 *
 * Owns: module names, the files they stand for, containment.
 * Does not own: `require` itself (sandbox/require.lua).
 *
 * Q1  A name is words joined by dots; it names no path of its own, so no `..`, no separator, no drive.
 * Q2  What is read is a regular file whose real path is below the real path of a root: links do not lead out.
 * Q3  Built-in modules come first and cannot be shadowed.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { BUILTIN_MODULE_NAMES, readBuiltinModules } from "./authoring/builtin-modules.ts";

/** A module's text. */
export interface ModuleText {
  readonly text: string;
  /** Lua's chunk name: `@<path below the root>` for the author's files, `=<file>` for built-in ones. */
  readonly chunk: string;
  readonly builtin: boolean;
}

/** Largest module file, in bytes. */
const MAX_MODULE_BYTES = 1_048_576;
const NAME = /^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$/;

/** Finds modules. The library is read once, the author's files anew each time: an author edits between two runs. */
export class ModuleFiles {
  #library: ReadonlyMap<string, ModuleText> | undefined;

  /** The module's text, or a message that says why there is none. */
  find(name: string, roots: readonly string[]): ModuleText | string {
    this.#library ??= new Map(
      readBuiltinModules().map(({ name, file, text }) => [name, { text, chunk: `=${file}`, builtin: true }]),
    );
    const builtin = this.#library.get(name);
    if (builtin !== undefined) return builtin;
    if (!NAME.test(name)) {
      return `module name ${JSON.stringify(name)} is not words joined by dots, as in "lib.util" for lib/util.lua`;
    }
    const path = name.replaceAll(".", "/");
    for (const root of roots) {
      for (const file of [`${path}.lua`, `${path}/init.lua`]) {
        const found = readBelow(root, file);
        if (found !== undefined) return found;
      }
    }
    const places =
      roots.length === 0 ? "no root is declared for it" : `no ${path}.lua or ${path}/init.lua in ${roots.join(", ")}`;
    return `module '${name}' not found: ${places}; built in are ${BUILTIN_MODULE_NAMES.join(", ")}`;
  }
}

/** The file below the root, a message where it may not be read, or undefined where there is none. */
function readBelow(root: string, file: string): ModuleText | string | undefined {
  const realRoot = realPath(root);
  const real = realRoot === undefined ? undefined : realPath(join(realRoot, file));
  if (realRoot === undefined || real === undefined) return undefined;
  if (!real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    return `${file} leads out of ${root}: a module must lie below a declared root`;
  }
  const facts = statSync(real);
  if (!facts.isFile()) return undefined;
  if (facts.size > MAX_MODULE_BYTES) return `${file} is ${facts.size} bytes: a module has at most ${MAX_MODULE_BYTES}`;
  return { text: readFileSync(real, "utf8"), chunk: `@${file}`, builtin: false };
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

const isAbsence = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
