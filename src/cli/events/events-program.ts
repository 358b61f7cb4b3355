/** The command `events`. As program.ts, loads nothing but commander. */
import type { Command } from "commander";
import { addDataDir, addVerbose, wholeNumber } from "../options.ts";
import type { Perform } from "../program.ts";
import type { Surface } from "../surface.ts";

/** Adds it. */
export function addEventsCommand(program: Command, surface: Surface, perform: Perform): void {
  const events = program
    .command("events")
    .summary("show what happens in all runs, in one order")
    .description(
      "Show what is journaled of all runs, in the order in which it became durable. With --follow only what is new, unless --from says where to begin, until Ctrl-C or until the host is gone for good.",
    );
  addEventsOptions(events).action((flags) =>
    perform(async () => (await import("./events-command.ts")).eventsCommand(surface, undefined, flags)),
  );
}

/** The options of the commands that show events. */
export function addEventsOptions(command: Command): Command {
  command
    .option("--follow", "go on with what is added, where `swarm-host serve` is running on the directory")
    .option("--from <offset>", "begin at this offset", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option("--json", "print a line of JSON for each");
  return addVerbose(addDataDir(command));
}
