/**
 * The author's side: from a file to a compiled Blueprint, or to everything that is wrong with it.
 *
 * Owns: what registrations a Blueprint is compiled against, and the VMs that scripts run in.
 * Does not own: the check itself (blueprint-check.ts), running Blueprints (host.ts).
 */
import { extname } from "node:path";
import type { CompiledBlueprint } from "./blueprint/index.ts";
import type { CheckedBlueprint } from "./blueprint-check.ts";
import type { Json } from "./flow/index.ts";
import { LuaPool } from "./lua/index.ts";
import { FunctionRegistry } from "./workers/function-registry.ts";
import type { HostFunction, LuaScript } from "./workers/index.ts";

export type { CheckedBlueprint } from "./blueprint-check.ts";

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

/** What is loaded when it is first needed. */
interface Checker {
  readonly check: (file: string) => Promise<CheckedBlueprint>;
  readonly compile: (document: Json) => CompiledBlueprint;
}

/** Checks Blueprints. */
export class Workshop implements AsyncDisposable {
  /** What Blueprints are compiled against. */
  readonly registrations: Registrations;
  /** The VMs that scripts, and a host's Lua agents, run in. */
  readonly lua: LuaPool = new LuaPool();
  readonly #options: WorkshopOptions;
  #checker: Promise<Checker> | undefined;

  constructor(options: WorkshopOptions = {}) {
    this.#options = options;
    this.registrations = registrationsOf(options);
  }

  /** Loads, links, parses, lints and compiles a file. Never throws for a bad Blueprint. */
  async check(file: string): Promise<CheckedBlueprint> {
    // The compiler is loaded while the thread that runs the script starts.
    if (extname(file) === ".lua") this.lua.warm();
    return (await this.#loaded()).check(file);
  }

  /**
   * Compiles a linked document.
   * @throws BlueprintError with every diagnostic.
   */
  async compile(document: Json): Promise<CompiledBlueprint> {
    return (await this.#loaded()).compile(document);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lua[Symbol.asyncDispose]();
  }

  #loaded(): Promise<Checker> {
    this.#checker ??= this.#load();
    return this.#checker;
  }

  async #load(): Promise<Checker> {
    const { checkBlueprint, compileDocument, environmentOf } = await import("./blueprint-check.ts");
    const { includes = [], env = process.env } = this.#options;
    const environment = environmentOf(this.registrations);
    return {
      check: (file) => checkBlueprint(file, { lua: this.lua, environment, includes, env }),
      compile: (document) => compileDocument(document, environment),
    };
  }
}

function registrationsOf(options: WorkshopOptions): Registrations {
  return {
    functions: options.functions ?? new FunctionRegistry(),
    luaScripts: options.luaScripts ?? new Map(),
    hostFunctions: options.hostFunctions ?? new Map(),
    externs: options.externs ?? new Map(),
  };
}
