/** The process's entry: binds the command line to the real streams, signals and clock. Importing it runs it. */
import { runCli } from "./cli.ts";
import { type CancelSignal, SIGNAL_EXIT } from "./exit-code.ts";
import { isClosedPipe } from "./output.ts";
import type { Surface } from "./surface.ts";

const surface: Surface = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  now: () => Date.now(),
  onSignal(listener) {
    const signals = Object.keys(SIGNAL_EXIT) as CancelSignal[];
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
  exitNow: (code) => process.exit(code),
};

// A reader that goes away (`| head`) ends the writing, not the run. Whoever writes a result learns of other failures by
// the write's own callback; on standard error there is nobody left to tell.
process.stdout.on("error", (error) => {
  if (!isClosedPipe(error)) process.exitCode = 1;
});
process.stderr.on("error", () => {});

process.exitCode = await runCli(surface, process.argv.slice(2));
