/** The commands about a data directory's store: `gc`, `backup`, `restore`. As program.ts, loads nothing but commander. */
import type { Command } from "commander";
import { addDataDir, addVerbose, collect } from "../options.ts";
import type { Perform } from "../program.ts";
import type { Surface } from "../surface.ts";

const RULES = `
A rule is <class>=<limit>; the classes are done, failed, cancelled, dead_letter, and all for each of them. Without rules
those of retention.json in the data directory count, which \`swarm-host serve\` follows by itself once an hour, for example
  {"done": {"age": "30d", "count": 1000}, "failed": {"bytes": "2GB"}}
A class without a rule is kept. A run goes with the runs it has started, and is kept where one of them is held (\`swarm-host
runs hold\`) or has not ended; so is what a fork that has not ended was made from.`;

/** Adds them. */
export function addStoreCommands(program: Command, surface: Surface, perform: Perform): void {
  const gc = program
    .command("gc")
    .summary("remove runs that are not kept, and what no run uses")
    .description(
      "Remove the runs that have ended and that a rule does not keep, then the large values and Blueprints that no run uses.",
    )
    .option("--keep-age <rule>", "keep runs that changed within a time, for example done=30d (repeatable)", collect)
    .option("--keep-count <rule>", "keep the newest so many, for example failed=1000 (repeatable)", collect)
    .option("--keep-bytes <rule>", "keep the newest that take so much, for example all=2GB (repeatable)", collect)
    .option("--dry-run", "only say what would be removed")
    .option("--json", "print JSON");
  addVerbose(addDataDir(gc))
    .addHelpText("after", RULES)
    .action((flags) => perform(async () => (await import("./gc-command.ts")).gcCommand(surface, flags)));

  const backup = program
    .command("backup")
    .summary("copy the store to a file")
    .description(
      "Copy the store of a data directory, whole, to a new file, also while a host works there. Credentials and token keys are not in it.",
    )
    .argument("<file>", "a new file");
  addVerbose(addDataDir(backup)).action((file: string, flags) =>
    perform(async () => (await import("./backup-command.ts")).backupCommand(surface, file, flags)),
  );

  const restore = program
    .command("restore")
    .summary("put a backup in the place of a store")
    .description(
      "Put a backup in the place of a data directory's store. It is read whole first; no host may be working there. What was done since the backup is not known to it, and is done again.",
    )
    .argument("<file>", "a file that `backup` wrote")
    .option("--force", "replace the store that is there");
  addVerbose(addDataDir(restore)).action((file: string, flags) =>
    perform(async () => (await import("./backup-command.ts")).restoreCommand(surface, file, flags)),
  );
}
