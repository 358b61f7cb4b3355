/**
 * The command line as a function: arguments in, exit code out.
 *
 * Owns: parsing, and turning whatever a command throws into one error report. Does not own: the process (main.ts).
 */
import { type Command, CommanderError } from "commander";
import { CliError } from "./cli-error.ts";
import { errorLines, reportError } from "./error-report.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { buildProgram } from "./program.ts";
import { styleFor } from "./style.ts";
import type { Surface } from "./surface.ts";

/** Runs one command. `args` are those after the program's name. Never rejects. */
export async function runCli(surface: Surface, args: readonly string[]): Promise<ExitCode> {
  let exit: ExitCode = EXIT.done;
  const program = buildProgram(surface, async (action) => {
    exit = await action();
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      // Help was asked for by saying nothing; it has been printed.
      if (error.code === "commander.help") return EXIT.usage;
    }
    const shown = error instanceof CommanderError ? usageError(error, program, args) : error;
    const report = reportError(shown);
    const verbose = args.includes("--verbose") ? { error: shown } : undefined;
    surface.stderr.write(`${errorLines(report, styleFor(surface.stderr, surface.env), verbose).join("\n")}\n`);
    return report.exit;
  }
}

/** Commander's message in our form: its "(Did you mean ...?)" is the hint. */
function usageError(error: CommanderError, program: Command, args: readonly string[]): CliError {
  const [first = "", ...rest] = error.message.replace(/^error: /u, "").split("\n");
  const suggestion = /Did you mean (.*)\?/u.exec(rest.join(" "))?.[1];
  const help = `see \`${[...commandNames(program, args), "--help"].join(" ")}\``;
  return new CliError("usage", first, {
    hint: suggestion === undefined ? help : `did you mean ${suggestion}? ${help}`,
    cause: error,
  });
}

/** The program and the commands that were named: `swarm-host bp lint`. */
function commandNames(program: Command, args: readonly string[]): readonly string[] {
  const names = [program.name()];
  let command = program;
  for (const word of args) {
    const next = command.commands.find((below) => below.name() === word);
    if (next === undefined) break;
    names.push(word);
    command = next;
  }
  return names;
}
