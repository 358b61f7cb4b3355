/** Options that several commands share. Loads nothing but commander: see program.ts. */
import { type Command, InvalidArgumentError } from "commander";

/** `--include`, repeatable. */
export function addInclude(command: Command): Command {
  return command.option("--include <dir>", "search refs there too (repeatable)", collect);
}

/** `--verbose`. */
export function addVerbose(command: Command): Command {
  return command.option("--verbose", "say more; show stack traces of errors");
}

/** `--data-dir`; `what` says for what. */
export function addDataDir(command: Command, what = "where runs are kept"): Command {
  return command.option("--data-dir <dir>", `${what} (default: $SWARM_HOST_DATA_DIR, else .swarm-host)`);
}

/** Collects the values of a repeatable option. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** A parser for whole numbers from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,15}$/u.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
