/**
 * The author's side: from a file to a compiled Blueprint, or to everything that is wrong with it.
 *
 * Owns: the order load, link, parse, lint, compile, and what registrations a Blueprint is compiled against.
 * Does not own: any of those steps (src/blueprint), running scripts (src/lua), running Blueprints (host.ts).
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
import type { WaitingAgent } from "./kernel/index.ts";
import { runAuthoringScript } from "./lua/authoring/index.ts";
import { LuaPool, luaSyntaxChecker } from "./lua/index.ts";
import { HINT_LAYERS } from "./middleware/index.ts";
import { FunctionRegistry, type HostFunction, type LuaScript } from "./workers/index.ts";

/** A host function that expressions call with `call_extern`. */
export interface HostExtern {
  /** Whether calling it again with the same arguments gives the same answer. Impure ones are journaled. */
  readonly pure: boolean;
  readonly call: (args: readonly Json[]) => Json;
}

/** What a host registers for its Blueprints. */
export interface Registrations {
  readonly functions: FunctionRegistry;
  /** By `fn_id`. */
  readonly luaScripts: ReadonlyMap<string, LuaScript>;
  /** Reached from Lua as `host.<name>`, where granted. */
  readonly hostFunctions: ReadonlyMap<string, HostFunction>;
  /** By the name that `call_extern` uses. */
  readonly externs: ReadonlyMap<string, HostExtern>;
}

/** How a workshop is set up. Everything is optional. */
export interface WorkshopOptions extends Partial<Registrations> {
  /** Directories where refs are looked up, after the document's own. */
  readonly includes?: readonly string[];
  /** Environment variables. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

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

/** Checks Blueprints. */
export class Workshop implements AsyncDisposable {
  /** What Blueprints are compiled against. */
  readonly registrations: Registrations;
  /** The VMs that scripts, and a host's Lua agents, run in. */
  readonly lua: LuaPool = new LuaPool();
  readonly #options: WorkshopOptions;
  readonly #environment: CompileEnvironment;

  constructor(options: WorkshopOptions = {}) {
    this.#options = options;
    this.registrations = registrationsOf(options);
    this.#environment = environmentOf(this.registrations);
  }

  /** Loads, links, parses, lints and compiles a file. Never throws for a bad Blueprint. */
  async check(file: string): Promise<CheckedBlueprint> {
    const loaded = await loadDocument(file, { files: nodeFiles, runScript: this.#runScript });
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
        environment: includesFromEnvironment(this.#options.env ?? process.env),
        commandLine: this.#options.includes ?? [],
      },
    });
    const { document, manifest, unlinked, sourceMap } = linked;
    const parsed = parseBlueprint(document, { unlinked });
    const before = [...loaded.diagnostics, ...linked.diagnostics, ...located(parsed.diagnostics, sourceMap)];
    const examined = this.#examine(parsed.blueprint, sourceMap);
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

  /**
   * Compiles a linked document.
   * @throws BlueprintError with every diagnostic.
   */
  compile(document: Json): CompiledBlueprint {
    const parsed = parseBlueprint(document);
    if (parsed.blueprint === undefined) throw invalidBlueprint(parsed.diagnostics);
    const { compiled, diagnostics } = compileBlueprint(parsed.blueprint, this.#environment);
    if (compiled === undefined) throw invalidBlueprint(diagnostics);
    return compiled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lua[Symbol.asyncDispose]();
  }

  #examine(
    blueprint: Blueprint | undefined,
    map: SourceMap,
  ): Pick<CheckedBlueprint, "diagnostics" | "suppressed" | "compiled"> {
    if (blueprint === undefined) return { diagnostics: [], suppressed: [] };
    const { compiled, diagnostics, suppressed } = lintBlueprint(blueprint, this.#environment);
    return { diagnostics: located(diagnostics, map), suppressed, ...(compiled === undefined ? {} : { compiled }) };
  }

  readonly #runScript: RunScript = async ({ file, source }) => {
    const { value, positions, warnings, printed } = await runAuthoringScript(this.lua, {
      file,
      text: source,
      roots: [dirname(resolve(file))],
    });
    return { value, positions, warnings, printed };
  };
}

function registrationsOf(options: WorkshopOptions): Registrations {
  return {
    functions: options.functions ?? new FunctionRegistry(),
    luaScripts: options.luaScripts ?? new Map(),
    hostFunctions: options.hostFunctions ?? new Map(),
    externs: options.externs ?? new Map(),
  };
}

/** `fn_id`s that every host has and no worker runs: the kernel waits for a timer or a signal instead. */
export const WAITING_FUNCTIONS: readonly WaitingAgent[] = ["sleep", "sleep_until", "wait_signal"];

/** Whether a `fn_id` is one of WAITING_FUNCTIONS. */
export function isWaitingFunction(fnId: string): fnId is WaitingAgent {
  return WAITING_FUNCTIONS.some((known) => known === fnId);
}

function environmentOf({ functions, luaScripts, hostFunctions, externs }: Registrations): CompileEnvironment {
  return {
    functions: new Map([
      ...functions.list().map(({ id, pure }) => [id, { pure }] as const),
      ...WAITING_FUNCTIONS.map((id) => [id, { pure: false }] as const),
    ]),
    luaScripts: new Set(luaScripts.keys()),
    hostFunctions: new Set(hostFunctions.keys()),
    hintLayers: new Set(HINT_LAYERS),
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
