/** The engine's errors. */

/**
 * Stable codes.
 * - `run_lost`: another owner has the run (its fence is higher); this host has stopped working on it.
 * - `engine_closed`: the engine is shutting down and takes no new work.
 * - `journal_write`: the store could not append; the run stays as the journal has it and is suspended, with the reason, as
 *   soon as the store can be written again. Resume it then.
 * - `run_unknown`: there is no run of this id.
 * - `run_ended`: the run has ended; what ended is never changed. A fork makes a new run of it.
 * - `run_elsewhere`: another living host owns the run; ask that one.
 * - `run_stuck`: the run cannot go on: its journal is damaged, its Blueprint is missing or does what the journal does not
 *   say. It is suspended, with the cause.
 * - `key_unknown`: a fork from a step key the run has no record of.
 * - `head_unknown`: a fork with the newest version of a Blueprint of which no version is kept as that.
 * - `fork_live`: a fork from what failed, or a rerun, of a run that has not ended.
 * - `attempt_over`: something was to be recorded of an attempt that is no longer under way here.
 * - `invalid_memo`: a memo's name, value or number is over its limit. Keep large things in a store, and their name here.
 * - `invalid_deadline`: a deadline that is no time, or more than ten years ahead.
 */
export type EngineErrorCode =
  | "run_lost"
  | "engine_closed"
  | "journal_write"
  | "run_unknown"
  | "run_ended"
  | "run_elsewhere"
  | "run_stuck"
  | "key_unknown"
  | "fork_live"
  | "head_unknown"
  | "attempt_over"
  | "invalid_memo"
  | "invalid_deadline";

/** The one error class of the engine. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    code: EngineErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, string | number> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}
