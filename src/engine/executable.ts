/** A Blueprint version as the engine runs it: the kernel's definition plus the spawner stack its steps are dispatched to. */
import type { RunDefinition } from "../kernel/index.ts";
import type { Dispatch } from "./dispatch.ts";

/** Made by host.ts from a compiled Blueprint; one for all runs of a version. */
export interface Executable extends RunDefinition {
  readonly dispatch: Dispatch;
  /**
   * Resolves when what the layers still do for a run whose flow has ended is done, or has had its time. Never rejects.
   * Absent: they do nothing.
   */
  readonly settle?: (runId: string) => Promise<void>;
  /** The worker kind an agent's attempts are recorded with, e.g. `lua`. */
  readonly workerKind: (agent: string) => string;
}
