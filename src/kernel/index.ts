/** The kernel's public face. */
export { type AttemptMemory, attaches, type Memo, NO_MEMORY } from "./attempt-memory.ts";
export { BEHAVIOURS, knownBehaviour } from "./behaviour.ts";
export type { AbortReason, Decision, KernelOptions, SavedKernel, StartOptions } from "./decision.ts";
export type { AgentBinding, RetryPolicy, RunDefinition, WaitingAgent } from "./definition.ts";
export { backoffMs } from "./definition.ts";
export type { DivergencePolicy } from "./divergence.ts";
export type {
  Degradation,
  EntryBody,
  EntryHead,
  EntryType,
  ForkOrigin,
  HashText,
  JournalEntry,
  OutcomeKind,
  ParentAttempt,
  RunFailure,
  StepDigests,
  ValueRecord,
  WorkerStats,
} from "./entry.ts";
export { ENTRY_VERSION, GENESIS } from "./entry.ts";
export type { KernelErrorCode } from "./errors.ts";
export { KernelError } from "./errors.ts";
export type { ChainPosition, SealedEntry, ValuelessBody } from "./journal-chain.ts";
export { ChainReader, INLINE_VALUE_LIMIT, JOURNAL_START, JournalChain } from "./journal-chain.ts";
export type { OpenStep, RecordedCompletion, StepPhase } from "./open-step.ts";
export type { AttemptOutcome } from "./outcome.ts";
export { flowOutcome } from "./outcome.ts";
export type { ReplayedEntry, ReplayOptions } from "./replay.ts";
export { completionsOf, externValuesOf, replayRun, rerunRun } from "./replay.ts";
export { RunKernel } from "./run.ts";
export type { RunResult } from "./run-result.ts";
export type { Seat, SeatChange } from "./seats.ts";
export type { Wait } from "./waiting.ts";
export { MAX_SIGNAL_NAME, MAX_WAIT_MS, readWait } from "./waiting.ts";
