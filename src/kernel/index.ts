/** The kernel's public face. */
export type { AgentBinding, RetryPolicy, RunDefinition } from "./definition.ts";
export { backoffMs } from "./definition.ts";
export type {
  EntryBody,
  EntryHead,
  EntryType,
  HashText,
  JournalEntry,
  OutcomeKind,
  RunFailure,
  StepDigests,
  ValueRecord,
  WorkerStats,
} from "./entry.ts";
export { ENTRY_VERSION, GENESIS } from "./entry.ts";
export type { KernelErrorCode } from "./errors.ts";
export { KernelError } from "./errors.ts";
export type { SealedEntry, ValuelessBody } from "./journal-chain.ts";
export { ChainReader, INLINE_VALUE_LIMIT, JournalChain } from "./journal-chain.ts";
export type { AbortReason, AttemptOutcome, Decision, KernelOptions, RecordedCompletion, RunResult } from "./run.ts";
export { RunKernel } from "./run.ts";
