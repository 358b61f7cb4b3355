/**
 * swarm-host as a library: a host in your own process, with your own functions.
 *
 *     await using host = await openHost({ data: { kind: "directory", path: ".swarm-host" } });
 *     const { compiled, diagnostics } = await host.workshop.check("hello.bp.lua");
 *     if (compiled === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
 *     const run = await host.launch(compiled, { input: { name: "world" } });
 *     console.log(await run.result);
 */
export type { CompiledBlueprint, Diagnostic } from "./blueprint/index.ts";
export { BlueprintError, formatDiagnostic, hasErrors } from "./blueprint/index.ts";
export type { Json, JsonObject } from "./flow/index.ts";
export { FlowError } from "./flow/index.ts";
export type {
  DataLocation,
  HostOptions,
  LaunchOptions,
  RunEvent,
  RunHandle,
  RunObserver,
  RunResult,
  TaskInput,
} from "./host.ts";
export { EngineError, Host, openHost } from "./host.ts";
export { LuaError } from "./lua/index.ts";
export type { FunctionCall, FunctionDefinition, HostCall, HostFunction, LuaScript } from "./workers/index.ts";
export { blocked, FunctionRegistry, pass, skip } from "./workers/index.ts";
export type { CheckedBlueprint, HostExtern, WorkshopOptions } from "./workshop.ts";
export { Workshop } from "./workshop.ts";
