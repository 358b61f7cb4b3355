/** `swarm-host completion <shell>`. */
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { writeResult } from "../output.ts";
import type { Surface } from "../surface.ts";
import { bashScript } from "./bash.ts";
import { type CommandShape, commandShape } from "./command-shape.ts";
import { fishScript } from "./fish.ts";
import { zshScript } from "./zsh.ts";

const SCRIPTS: Readonly<Record<string, (root: CommandShape) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Prints the script of a shell; `shell` is one of the argument's choices. */
export async function completionCommand(surface: Surface, program: Command, shell: string): Promise<ExitCode> {
  const script = SCRIPTS[shell];
  if (script === undefined) throw new TypeError(`no completion script for ${shell}`);
  await writeResult(surface.stdout, script(commandShape(program)));
  return EXIT.done;
}
