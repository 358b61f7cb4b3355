/**
 * Checking a Blueprint file: load, link, parse, lint, compile.
 *
 * Owns: that order, and what a check tells. Does not own: any of the steps (src/blueprint), running scripts (src/lua).
 */
import { dirname, resolve } from "node:path";
import {
  type Blueprint,
  type CompiledBlueprint,
  type CompileEnvironment,
  compileBlueprint,
  type Diagnostic,
  hasErrors,
  includesFromEnvironment,
  invalidBlueprint,
  LAYER_NAMES,
  linkDocument,
  lintBlueprint,
  loadDocument,
  located,
  type ManifestEntry,
  nodeFiles,
  parseBlueprint,
  type RunScript,
  type SourceMap,
  type SuppressedFinding,
} from "./blueprint/index.ts";
import type { Json } from "./flow/index.ts";
import { runAuthoringScript } from "./lua/authoring/index.ts";
import { type LuaPool, luaSyntaxChecker } from "./lua/index.ts";
import { WAITING_FUNCTIONS } from "./waiting-functions.ts";
import type { Registrations } from "./workshop.ts";

/** A Blueprint file after every check. */
export interface CheckedBlueprint {
  readonly file: string;
  /** The file's text, for showing lines of it; absent where it could not be read. */
  readonly source?: string;
  /** The document as the author has it, refs and all; absent where it could not be loaded. */
  readonly authored?: Json;
  /** The linked document, every ref replaced; absent where it could not be loaded. */
  readonly document?: Json;
  /** Where the author wrote what stands at a pointer of the linked document. */
  readonly sourceMap: SourceMap;
  /** The refs and the files they came from. */
  readonly manifest: readonly ManifestEntry[];
  /** Pointers of the refs that could not be resolved. */
  readonly unlinked: readonly string[];
  /** Everything found, worst first, then by place. */
  readonly diagnostics: readonly Diagnostic[];
  /** Findings that a `lints` map allowed. */
  readonly suppressed: readonly SuppressedFinding[];
  /** Absent where a diagnostic is an error. */
  readonly compiled?: CompiledBlueprint;
  /** What an authoring script printed. */
  readonly printed: readonly string[];
}

/** What a check needs. */
export interface CheckParts {
  /** Runs authoring scripts. */
  readonly lua: LuaPool;
  readonly environment: CompileEnvironment;
  /** Directories where refs are looked up, after the document's own. */
  readonly includes: readonly string[];
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Checks a file. Never throws for a bad Blueprint. */
export async function checkBlueprint(file: string, parts: CheckParts): Promise<CheckedBlueprint> {
  const loaded = await loadDocument(file, { files: nodeFiles, runScript: scriptRunner(parts.lua) });
  const { source, printed } = loaded;
  const about = { file, printed, ...(source === undefined ? {} : { source }) };
  if (loaded.document === undefined) {
    return {
      ...about,
      sourceMap: loaded.sourceMap,
      manifest: [],
      unlinked: [],
      suppressed: [],
      diagnostics: inOrder(loaded.diagnostics),
    };
  }
  const linked = await linkDocument(loaded.document, {
    files: nodeFiles,
    sourceMap: loaded.sourceMap,
    includes: {
      base: dirname(resolve(file)),
      environment: includesFromEnvironment(parts.env),
      commandLine: parts.includes,
    },
  });
  const { document, manifest, unlinked, sourceMap } = linked;
  const parsed = parseBlueprint(document, { unlinked });
  const before = [...loaded.diagnostics, ...linked.diagnostics, ...located(parsed.diagnostics, sourceMap)];
  const examined = examine(parsed.blueprint, sourceMap, parts.environment);
  const compiled = hasErrors(before) ? undefined : examined.compiled;
  return {
    ...about,
    authored: loaded.document,
    document,
    sourceMap,
    manifest,
    unlinked,
    diagnostics: inOrder([...before, ...examined.diagnostics]),
    suppressed: examined.suppressed,
    ...(compiled === undefined ? {} : { compiled }),
  };
}

function examine(
  blueprint: Blueprint | undefined,
  map: SourceMap,
  environment: CompileEnvironment,
): Pick<CheckedBlueprint, "diagnostics" | "suppressed" | "compiled"> {
  if (blueprint === undefined) return { diagnostics: [], suppressed: [] };
  const { compiled, diagnostics, suppressed } = lintBlueprint(blueprint, environment);
  return { diagnostics: located(diagnostics, map), suppressed, ...(compiled === undefined ? {} : { compiled }) };
}

function scriptRunner(lua: LuaPool): RunScript {
  return async ({ file, source }) => {
    const { value, positions, warnings, printed } = await runAuthoringScript(lua, {
      file,
      text: source,
      roots: [dirname(resolve(file))],
    });
    return { value, positions, warnings, printed };
  };
}

/**
 * Compiles a linked document.
 * @throws BlueprintError with every diagnostic.
 */
export function compileDocument(document: Json, environment: CompileEnvironment): CompiledBlueprint {
  const parsed = parseBlueprint(document);
  if (parsed.blueprint === undefined) throw invalidBlueprint(parsed.diagnostics);
  const { compiled, diagnostics } = compileBlueprint(parsed.blueprint, environment);
  if (compiled === undefined) throw invalidBlueprint(diagnostics);
  return compiled;
}

/** What Blueprints are compiled against. */
export function environmentOf({ functions, luaScripts, hostFunctions, externs }: Registrations): CompileEnvironment {
  return {
    functions: new Map([
      ...functions.list().map(({ id, pure }) => [id, { pure }] as const),
      ...WAITING_FUNCTIONS.map((id) => [id, { pure: false }] as const),
    ]),
    luaScripts: new Set(luaScripts.keys()),
    hostFunctions: new Set(hostFunctions.keys()),
    hintLayers: new Set<string>(LAYER_NAMES),
    externs: new Set(externs.keys()),
    checkLua: luaSyntaxChecker(),
  };
}

/** Worst first; within a level by place in the document, then as found. */
function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const rank = { error: 0, warn: 1, info: 2 };
  const place = ({ position }: Diagnostic): number => position?.line ?? Number.MAX_SAFE_INTEGER;
  return diagnostics.toSorted((a, b) => rank[a.level] - rank[b.level] || place(a) - place(b));
}
