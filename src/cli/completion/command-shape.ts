/**
 * The commands as plain data, read off commander's own tree: what completion scripts are written from, so that they cannot
 * say anything else than the parser accepts.
 */
import type { Argument, Command, Option } from "commander";

/** What a word can be completed with. */
export type Completes =
  | { readonly kind: "files" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "nothing" };

/** One option. */
export interface OptionShape {
  /** As written: `-o`, `--out`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** What its value is; absent for a switch. */
  readonly value?: Completes;
}

/** One command and those below it. */
export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionShape[];
  /** What each argument is; the last also stands for further ones. */
  readonly arguments: readonly Completes[];
  readonly commands: readonly CommandShape[];
}

/** The shape of a command. */
export function commandShape(command: Command): CommandShape {
  const help = command.createHelp();
  return {
    name: command.name(),
    summary: command.summary() === "" ? command.description() : command.summary(),
    options: help.visibleOptions(command).map(optionShape),
    arguments: command.registeredArguments.map(argumentShape),
    commands: command.commands.map(commandShape),
  };
}

/** Every command with the words that lead to it, parents first: `["bp", "lint"]`. */
export function flatten(
  shape: CommandShape,
  path: readonly string[] = [],
): readonly { readonly path: readonly string[]; readonly command: CommandShape }[] {
  return [{ path, command: shape }, ...shape.commands.flatMap((below) => flatten(below, [...path, below.name]))];
}

function optionShape(option: Option): OptionShape {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  const shape = { flags, description: option.description };
  return option.required || option.optional ? { ...shape, value: completes(option.argChoices, option.flags) } : shape;
}

function argumentShape(argument: Argument): Completes {
  return completes(argument.argChoices, `<${argument.name()}>`);
}

/** Placeholders say what stands there: files and directories are completed, other values are not. */
function completes(choices: readonly string[] | undefined, placeholder: string): Completes {
  if (choices !== undefined) return { kind: "words", words: choices };
  return /<(file|files|dir|blueprint)>/u.test(placeholder) ? { kind: "files" } : { kind: "nothing" };
}
