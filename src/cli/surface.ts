/**
 * What a command may touch of the process: streams, environment, directory, clock, signals. Commands take a Surface and
 * nothing global, so that tests hand in their own.
 */
import type { CancelSignal } from "./exit-code.ts";
import type { Environment, Output } from "./style.ts";

/** The process as a command sees it. */
export interface Surface {
  /** For results, and nothing else. */
  readonly stdout: Output;
  /** For people: progress, diagnostics, errors. */
  readonly stderr: Output;
  readonly stdin: NodeJS.ReadableStream;
  readonly env: Environment;
  /** Current directory, absolute. */
  readonly cwd: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Calls `listener` for each of the signals that cancel; the returned function stops that. */
  readonly onSignal: (listener: (signal: CancelSignal) => void) => () => void;
  /** Ends the process at once. Only for a second Ctrl-C: everything else returns its code. */
  readonly exitNow: (code: number) => never;
}
