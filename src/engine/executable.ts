/** A Blueprint version as the engine runs it: the kernel's definition plus the spawner stack its steps are dispatched to. */
import type { RunDefinition } from "../kernel/index.ts";
import type { Dispatch } from "./dispatch.ts";

/** Made by host.ts from a compiled Blueprint; one for all runs of a version. */
export interface Executable extends RunDefinition {
  readonly dispatch: Dispatch;
  /** The worker kind an agent's attempts are recorded with, e.g. `lua`. */
  readonly workerKind: (agent: string) => string;
}
