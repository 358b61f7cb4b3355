/** Operators: sessions, seats, and the durable requests between runs and whoever sits there. */

export { deskConsult, operatorRequests } from "./asking.ts";
export { type BindingNeed, unattested } from "./attestation.ts";
export { Desk } from "./desk.ts";
export { MAX_POINTERS, type OutputLayout, type PayloadProblem } from "./earlier-outputs.ts";
export { OperatorError, type OperatorErrorCode } from "./errors.ts";
export type { ClientFrame, RequestFrame, ServerFrame } from "./frames.ts";
export type {
  Acquired,
  AcquireOrder,
  Addressed,
  Connection,
  Handover,
  JoinOrder,
  Link,
  OpenRequest,
  OperatorDesk,
  OperatorSession,
  Overruled,
  RequestView,
  SeatView,
  Submitted,
  Verdict,
  WorkerSubmission,
} from "./operator-desk.ts";
export type { DeskPorts, WorkerBinding, WorkerCredentials } from "./ports.ts";
export { bodyOf, type RequestBody, type RequestTerms, type WorkerSpec } from "./request-body.ts";
export { RunOutputs } from "./run-outputs.ts";
export { MAX_TEXT_BYTES } from "./submitted-text.ts";
export { type OutputContent, type VerdictWords, WorkerContract, type WorkerContractPorts } from "./worker-contract.ts";
export type { OutputPointer, SystemRef, WorkerPayload } from "./worker-payload.ts";
export { MAX_PROGRESS_LINE, type ProgressCount, type ProgressStream } from "./worker-progress.ts";
