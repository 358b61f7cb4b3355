/**
 * Writing results to standard output, and on standard error that something is done.
 *
 * Owns: the difference between a reader that has gone (fine: `| head`) and an output that fails (an error).
 */
import { CliError } from "./cli-error.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { type Output, styleFor } from "./style.ts";
import type { Surface } from "./surface.ts";

/**
 * Writes all of `text`; resolves when the system has it. A closed pipe counts as written: its reader wanted no more.
 * @throws CliError `output_failed`, for example on a full disk.
 */
export function writeResult(output: Output, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  output.write(text, (error) => {
    if (error === null || error === undefined || isClosedPipe(error)) resolve();
    else {
      reject(
        new CliError("output_failed", `standard output cannot be written: ${error.message}`, {
          hint: "free some space or write the result elsewhere",
          exit: EXIT.failed,
          cause: error,
        }),
      );
    }
  });
  return promise;
}

/** A value as the JSON text commands print: indented, with a newline at its end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Whether an output error only says that nobody reads any more. */
export function isClosedPipe(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || code === "ERR_STREAM_WRITE_AFTER_END";
}

/** Says on standard error that something is done. */
export function sayDone(surface: Surface, done: string): ExitCode {
  const style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} ${done}\n`);
  return EXIT.done;
}
