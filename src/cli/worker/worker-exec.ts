/** `swarm-host worker exec`: one step, from fetching it to its answer. */
import { ClientError, WorkerClient } from "../../client/index.ts";
import type { Json } from "../../flow/index.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { oneLine, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { runStepCommand } from "./step-command.ts";

/** Options as commander gives them. */
export interface WorkerExecFlags {
  readonly url?: string;
}

/** The variables that name a step: for `worker exec` to read, and for a command to find its own step by. */
export const STEP_VARIABLES = { url: "SWARM_HOST_URL", handle: "SWARM_HOST_HANDLE" } as const;

/** Fetches the step of a handle, runs a command on it and submits what it prints. Exit code 1 where it is blocked. */
export async function workerExecCommand(
  surface: Surface,
  command: readonly string[],
  flags: WorkerExecFlags,
): Promise<ExitCode> {
  const [program, ...args] = command;
  if (program === undefined) {
    throw new CliError("usage", "there is no command to run", {
      hint: "name it after --, e.g. `worker exec -- ./my-worker`",
    });
  }
  const url = flags.url ?? surface.env[STEP_VARIABLES.url];
  const credential = surface.env[STEP_VARIABLES.handle];
  if (url === undefined || url === "") {
    throw new CliError("usage", "it is not said where the host is", {
      hint: `give --url, or set $${STEP_VARIABLES.url}`,
    });
  }
  if (credential === undefined || credential === "") {
    throw new CliError("usage", "it is not said which step", {
      // Not an option: the arguments of a process can be seen by everybody on the machine.
      hint: `set $${STEP_VARIABLES.handle} to the step's handle or token`,
    });
  }
  const stop = new AbortController();
  const off = surface.onSignal(() => stop.abort());
  try {
    const client = new WorkerClient({ url, credential });
    const payload = await client.prompt(stop.signal);
    const answer = await runStepCommand(
      {
        command: [program, ...args],
        env: { ...surface.env, [STEP_VARIABLES.url]: url },
        cwd: surface.cwd,
        signal: stop.signal,
        stderr: surface.stderr,
      },
      payload as unknown as Json,
    );
    if (stop.signal.aborted) return EXIT.failed;
    await client.submit(answer);
    const { verdict = "pass" } = answer;
    const style = styleFor(surface.stderr, surface.env);
    const glyph = verdict === "pass" ? style.good(style.glyphs.pass) : style.bad(style.glyphs.fail);
    surface.stderr.write(`${glyph} ${oneLine(payload.agent)} ${payload.key}: ${verdict}\n`);
    return verdict === "pass" ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (error instanceof ClientError || !(error instanceof Error) || !("syscall" in error)) throw error;
    throw new CliError("unreadable", `${program} cannot be run: ${error.message}`, { cause: error });
  } finally {
    off();
  }
}
