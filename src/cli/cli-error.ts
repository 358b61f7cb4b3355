/** The command line's own error: what is wrong with what was asked, where, and what to do instead. */
import { EXIT, type ExitCode } from "./exit-code.ts";

/**
 * Stable codes.
 * - `usage`: an option, argument or combination of them that makes no sense
 * - `bad_input`: the run's input is not what it must be
 * - `bad_blueprint`: the Blueprint has errors; they have been reported already
 * - `unreadable`: a file that was asked for cannot be read
 * - `unwritable`: a file or directory cannot be written
 * - `output_failed`: the result could not be written to standard output
 * - `out_of_reach`: an ephemeral run waits for something from outside, which cannot reach it
 */
export type CliErrorCode =
  | "usage"
  | "bad_input"
  | "bad_blueprint"
  | "unreadable"
  | "unwritable"
  | "output_failed"
  | "out_of_reach";

/** What an error says beside its message. */
export interface CliErrorOptions {
  /** Where: a file, an option, a position. */
  readonly place?: string;
  /** What to do next, as a sentence without a full stop. */
  readonly hint?: string;
  /** Default: 2. */
  readonly exit?: ExitCode;
  readonly cause?: unknown;
}

/** An expected failure of a command. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;
  readonly place?: string;
  readonly hint?: string;
  readonly exit: ExitCode;

  constructor(code: CliErrorCode, message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.place !== undefined) this.place = options.place;
    if (options.hint !== undefined) this.hint = options.hint;
    this.exit = options.exit ?? EXIT.usage;
  }
}
