/** The commands about schedules. As program.ts, loads nothing but commander. */
import { type Command, Option } from "commander";
import { addDataDir, addInclude, addVerbose, wholeNumber } from "../options.ts";
import type { Perform } from "../program.ts";
import type { Surface } from "../surface.ts";

const POLICIES = `
What a firing does while the run before it goes on (--overlap): skip it; buffer_one: one waits for that run to end;
allow_all: start beside it; cancel_other: cancel that run first.
What is done about firings that passed while no host was there (--catch-up): none; last: the newest is made up for;
all: the newest --catch-up-limit of them.
Where \`swarm-host serve\` is running on the directory the command asks it; else it works on the directory itself, and the
schedule fires when a host next serves it.`;

/** Adds them. */
export function addScheduleCommands(program: Command, surface: Surface, perform: Perform): void {
  const schedule = program
    .command("schedule")
    .summary("start runs at given times")
    .description("Start runs of a Blueprint by cron pattern, at an interval, or once at a given time.");
  addAdding(schedule, surface, perform);
  addListing(schedule, surface, perform);
  addControl(schedule, surface, perform);
}

function addAdding(schedule: Command, surface: Surface, perform: Perform): void {
  const add = schedule
    .command("add")
    .summary("add a schedule")
    .description("Add a schedule. Its Blueprint is kept as it is now.")
    .argument("<name>", "what to call it")
    .argument("<blueprint>", "a .bp.lua, .json or .yaml file")
    .addOption(
      new Option("--cron <pattern>", "a cron pattern: five fields, or six with seconds first").conflicts([
        "every",
        "at",
      ]),
    )
    .addOption(
      new Option("--time-zone <zone>", "the pattern's IANA time zone (default: UTC)").conflicts(["every", "at"]),
    )
    .option("--every <duration>", "an interval such as 90s, 15m, 6h or 1d")
    .option("--at <time>", "once at this ISO 8601 time with its offset; with --every, what the interval counts from")
    .option("--input <json>", "the input of its runs, a JSON object")
    .addOption(
      new Option("--overlap <policy>", "what a firing does while the run before it goes on")
        .choices(["skip", "buffer_one", "allow_all", "cancel_other"])
        .default("skip"),
    )
    .addOption(
      new Option("--catch-up <policy>", "what is done about firings that were missed")
        .choices(["none", "last", "all"])
        .default("last"),
    )
    .addOption(
      new Option("--catch-up-limit <n>", "how many --catch-up all makes up for")
        .argParser(wholeNumber(1, 100))
        .default(10),
    )
    .option("--paused", "it fires only after `schedule resume`")
    .option("--json", "print JSON");
  addVerbose(addDataDir(addInclude(add)))
    .addHelpText("after", POLICIES)
    .action((name: string, blueprint: string, flags) =>
      perform(async () => (await import("./schedule-add.ts")).addCommand(surface, name, blueprint, flags)),
    );
}

function addListing(schedule: Command, surface: Surface, perform: Perform): void {
  const list = schedule
    .command("list")
    .summary("list schedules")
    .description("List schedules by name.")
    .option("--json", "print JSON");
  addVerbose(addDataDir(list)).action((flags) =>
    perform(async () => (await import("./schedule-list.ts")).listCommand(surface, flags)),
  );
  const show = schedule
    .command("show")
    .summary("show a schedule")
    .description("Show a schedule, when it fires next, and what became of its last firing.")
    .argument("<name>", "the schedule")
    .option("--json", "print JSON");
  addVerbose(addDataDir(show)).action((name: string, flags) =>
    perform(async () => (await import("./schedule-list.ts")).showCommand(surface, name, flags)),
  );
}

function addControl(schedule: Command, surface: Surface, perform: Perform): void {
  const command = (verb: string, summary: string, description: string): Command =>
    addVerbose(
      addDataDir(schedule.command(verb).summary(summary).description(description).argument("<name>", "the schedule")),
    );
  command("pause", "stop firing", "Stop firing, until the schedule is resumed.").action((name: string, flags) =>
    perform(async () => (await import("./schedule-control.ts")).pauseCommand(surface, name, flags)),
  );
  command("resume", "go on firing", "Go on firing. What would have fired meanwhile is passed over.").action(
    (name: string, flags) =>
      perform(async () => (await import("./schedule-control.ts")).resumeCommand(surface, name, flags)),
  );
  command("rm", "remove a schedule", "Remove a schedule. Its runs go on.").action((name: string, flags) =>
    perform(async () => (await import("./schedule-control.ts")).removeCommand(surface, name, flags)),
  );
  command(
    "trigger",
    "start a run of it now",
    "Start a run of a schedule now, whatever its overlap policy says, and print the run's id.",
  )
    .option("--id <id>", "the same id again is the same run (default: a new one)")
    .action((name: string, flags) =>
      perform(async () => (await import("./schedule-control.ts")).triggerCommand(surface, name, flags)),
    );
}
