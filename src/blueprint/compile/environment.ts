/**
 * What the compiling host offers: names only, so that the compiler needs to know no worker, no layer and no Lua.
 */
import type { FlowLimits } from "../../flow/index.ts";
import type { AgentKind } from "../schema.ts";

/** What the compiler knows of a registered function. */
export interface FunctionFacts {
  /** Whether the function has no effect outside the host. */
  readonly pure: boolean;
}

/** A chunk that does not parse. */
export interface LuaProblem {
  readonly message: string;
  /** Line in the chunk, from 1. */
  readonly line?: number;
}

/** The host, as far as compiling depends on it. */
export interface CompileEnvironment {
  /** Registered functions by `fn_id`. */
  readonly functions: ReadonlyMap<string, FunctionFacts>;
  /** `fn_id`s of registered Lua scripts. */
  readonly luaScripts: ReadonlySet<string>;
  /** Names that `spec.host` of a Lua agent may list. */
  readonly hostFunctions: ReadonlySet<string>;
  /** Layers that `spawner_hints.layers` may list. */
  readonly hintLayers: ReadonlySet<string>;
  /** Functions that `call_extern` may name. */
  readonly externs: ReadonlySet<string>;
  /** Agent kinds this host has workers for. Absent: every kind. */
  readonly kinds?: ReadonlySet<AgentKind>;
  /** Tools the host's own MCP server offers. Absent: references to them are not checked. */
  readonly mcpTools?: ReadonlySet<string>;
  /** Parses a Lua chunk. Absent: chunks are not checked. */
  readonly checkLua?: (source: string, chunkName: string) => LuaProblem | undefined;
  /** Bounds of the compiled flow; absent: the language's defaults. */
  readonly limits?: Partial<FlowLimits>;
}
