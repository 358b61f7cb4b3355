/** What layers are made of: ports that the composition root fills, for one Blueprint version on one host. */
import type { CompiledBlueprint } from "../blueprint/index.ts";
import type { Clock, Dispatch, FairQueues } from "../engine/index.ts";
import type { JournalEntry } from "../kernel/index.ts";
import type { LuaInvocation, LuaResult } from "../lua/index.ts";
import type { AuditTasks } from "./audit-tasks.ts";
import type { Consult } from "./consult.ts";

/** See above. */
export interface LayerParts {
  readonly compiled: CompiledBlueprint;
  /** The spawner itself, for work that no layer is to see. */
  readonly spawner: Dispatch;
  readonly clock: Pick<Clock, "now" | "timer">;
  /** The pool that policies run in. */
  readonly lua: { invoke(invocation: LuaInvocation): Promise<LuaResult> };
  /** Absent: this host has no operators; the layers that would ask are what they wrap. */
  readonly consult?: Consult;
  /** The host's queues, by key. */
  readonly queues: FairQueues;
  /** The host's audits under way. */
  readonly audits: AuditTasks;
  /** The durable entries of a run, in order. */
  readonly journal: (runId: string) => AsyncIterable<JournalEntry>;
}
