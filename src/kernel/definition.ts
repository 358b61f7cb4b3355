/** What a run needs to know of the Blueprint version it is pinned to. Made once per version and shared by its runs. */
import type { Externs, FlowProgram, ProgramStep } from "../flow/index.ts";

/** How failed attempts are repeated. Times in milliseconds. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly backoffMs: number;
  readonly backoffFactor: number;
  readonly maxBackoffMs: number;
  /** Share of the pause drawn at random, 0 to 1. */
  readonly jitter: number;
  readonly nonRetryable: readonly string[];
}

/** Agents the kernel itself is: steps that wait instead of working. */
export type WaitingAgent = "sleep" | "sleep_until" | "wait_signal";

/** What the kernel and the engine need to know of an agent. */
export interface AgentBinding {
  /** Digest of everything that decides what the agent does. */
  readonly digest: string;
  /** Set where no worker is dispatched because the step waits for a timer or a signal. */
  readonly waits?: WaitingAgent;
  /** No effect outside the host: nothing has to be on disk before it starts. */
  readonly pure: boolean;
  /** The agent's worker is outside: a restart enters a started attempt again instead of repeating it. Absent: no. */
  readonly attach?: true;
  /** Deadline of one attempt; absent: none. */
  readonly timeoutMs?: number;
  /** The longest an attempt may be silent while it does not rest; absent: any time. */
  readonly heartbeatMs?: number;
  readonly retry: RetryPolicy;
  /** Attempts under way at once over the whole host; absent: no limit. */
  readonly concurrency?: number;
}

/** A Blueprint version as the kernel sees it. */
export interface RunDefinition {
  readonly blueprint: { readonly id: string; readonly version: string };
  readonly program: FlowProgram;
  /** Digest of the flow's canonical JSON. */
  readonly flowDigest: string;
  /** Digest of one step node's canonical JSON. */
  readonly nodeDigest: (step: ProgramStep) => string;
  /** The agent a `step.ref` names, or undefined where the Blueprint leaves refs open. */
  readonly binding: (ref: string) => AgentBinding | undefined;
  readonly externs: Externs;
  /** Externs whose values are journaled because calling them again may answer differently. */
  readonly impureExterns: ReadonlySet<string>;
}

/** The pause before the attempt after the `failures`-th failure. `random` is in [0, 1). */
export function backoffMs(policy: RetryPolicy, failures: number, random: number): number {
  const full = Math.min(policy.backoffMs * policy.backoffFactor ** (failures - 1), policy.maxBackoffMs);
  return Math.round(full * (1 - policy.jitter * random));
}
