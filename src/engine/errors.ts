/** The engine's errors. */

/**
 * Stable codes.
 * - `run_lost`: another owner has the run (its fence is higher); this host has stopped working on it.
 * - `engine_closed`: the engine is shutting down and takes no new work.
 * - `journal_write`: the store could not append; the run is left as the journal has it and can be resumed later.
 */
export type EngineErrorCode = "run_lost" | "engine_closed" | "journal_write";

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
