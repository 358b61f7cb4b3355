/** Operators: sessions, seats, and the durable requests between runs and whoever sits there. */
export { OperatorError, type OperatorErrorCode } from "./errors.ts";
export type {
  Acquired,
  AcquireOrder,
  Addressed,
  Connection,
  Handover,
  Link,
  OperatorDesk,
  OperatorSession,
  RequestView,
  SeatView,
  Submitted,
  WorkerSubmission,
} from "./operator-desk.ts";
export type { RequestBody, RequestTerms, WorkerSpec } from "./request-body.ts";
