/** The commands for workers. As program.ts, loads nothing but commander. */
import type { Command } from "commander";
import { addVerbose } from "../options.ts";
import type { Perform } from "../program.ts";
import type { Surface } from "../surface.ts";

/** Adds them. */
export function addWorkerCommands(program: Command, surface: Surface, perform: Perform): void {
  const worker = program
    .command("worker")
    .summary("do a step from outside the host")
    .description("Do a step that an operator was handed, from outside the host.");

  const exec = worker
    .command("exec")
    .summary("run a command on a step and submit what it prints")
    .description(
      "Fetch the step that $SWARM_HOST_HANDLE names, run a command with the step's payload (JSON) on its standard input, and submit what it prints. A command that fails blocks the step.",
    )
    .argument("<command...>", "the program and its arguments, after --")
    .option("--url <url>", "where the host is (default: $SWARM_HOST_URL)");
  addVerbose(exec).action((command: string[], flags) =>
    perform(async () => (await import("./worker-exec.ts")).workerExecCommand(surface, command, flags)),
  );
}
