/** The commands about runs that exist: `runs ...` and `signal`. As program.ts, loads nothing but commander. */
import { type Command, Option } from "commander";
import { addEventsOptions } from "../events/events-program.ts";
import { addDataDir, addInclude, addVerbose, collect, wholeNumber } from "../options.ts";
import type { Perform } from "../program.ts";
import type { Surface } from "../surface.ts";

const STATUSES = ["pending", "running", "waiting", "suspended", "paused", "done", "failed", "cancelled", "dead_letter"];

const WAITS = `
It comes back when the run has ended or only waits, with the same output and exit codes as \`swarm-host run\`;
Ctrl-C cancels the run. Where \`swarm-host serve\` is running on the directory, that goes on with the run instead, and
the command comes back at once with the run's id.`;

/** Adds them. */
export function addRunsCommands(program: Command, surface: Surface, perform: Perform): void {
  const runs = program
    .command("runs")
    .summary("list, show and control runs")
    .description("List, show and control the runs of a data directory.");
  addReading(runs, surface, perform);
  addControl(runs, surface, perform);
  addGoingOn(runs, program, surface, perform);
  addArchives(runs, surface, perform);
}

function addReading(runs: Command, surface: Surface, perform: Perform): void {
  const list = runs
    .command("list")
    .summary("list runs, newest first")
    .description("List runs, newest first.")
    .addOption(new Option("--status <status...>", "only runs that stand so").choices(STATUSES))
    .option("--blueprint <id>", "only runs of this Blueprint")
    .option("--parent <run>", "only the children of this run")
    .addOption(new Option("--limit <n>", "at most so many").argParser(wholeNumber(1, 100_000)).default(50))
    .option("--json", "print JSON");
  addVerbose(addDataDir(list)).action((flags) =>
    perform(async () => (await import("./runs-list.ts")).listCommand(surface, flags)),
  );

  const show = runs
    .command("show")
    .summary("show a run and its steps")
    .description("Show a run and its steps, as its journal has them.")
    .argument("<run>", "a run's id")
    .option("--json", "print JSON");
  addVerbose(addDataDir(show)).action((run: string, flags) =>
    perform(async () => (await import("./runs-show.ts")).showCommand(surface, run, flags)),
  );

  const watch = runs
    .command("watch")
    .summary("show how a run goes")
    .description(
      "Show what a run has done and, where `swarm-host serve` is running on the directory, what it does until it has ended. The result of a run that has ended goes to standard output.",
    )
    .argument("<run>", "a run's id")
    .option("--json", "print one result object on standard output, and events as JSON lines on standard error")
    .addOption(new Option("-q, --quiet", "no progress").conflicts("verbose"));
  addVerbose(addDataDir(watch)).action((run: string, flags) =>
    perform(async () => (await import("./runs-watch.ts")).watchCommand(surface, run, flags)),
  );

  const events = runs
    .command("events")
    .summary("show a run's journal, entry by entry")
    .description("Show what is journaled of a run, entry by entry; with --follow until it has ended.")
    .argument("<run>", "a run's id");
  addEventsOptions(events).action((run: string, flags) =>
    perform(async () => (await import("../events/events-command.ts")).eventsCommand(surface, run, flags)),
  );

  const queue = runs
    .command("queue")
    .summary("show who waits for what")
    .description(
      "Show the queues of the host that runs on the data directory: which steps have passed, and which wait, in their order.",
    )
    .option("--json", "print JSON");
  addVerbose(addDataDir(queue)).action((flags) =>
    perform(async () => (await import("./runs-queue.ts")).queueCommand(surface, flags)),
  );

  const verify = runs
    .command("verify")
    .summary("prove that journals are as they were written")
    .description("Check the digest chain and the values of journals. Names the first bad entry; exit code 1 then.")
    .argument("<run>", "a run's id, or all")
    .option("--json", "print JSON");
  addVerbose(addDataDir(verify)).action((run: string, flags) =>
    perform(async () => (await import("./runs-verify.ts")).verifyCommand(surface, run, flags)),
  );
}

function addControl(runs: Command, surface: Surface, perform: Perform): void {
  const reason = (command: Command): Command => command.option("--reason <text>", "why, for the journal");

  const cancel = runs
    .command("cancel")
    .summary("cancel a run")
    .description("Cancel a run: its workers are stopped and its end is journaled.")
    .argument("<run>", "a run's id");
  addVerbose(addDataDir(reason(cancel))).action((run: string, flags) =>
    perform(async () => (await import("./runs-control.ts")).cancelCommand(surface, run, flags)),
  );

  const pause = runs
    .command("pause")
    .summary("start no further step of a run")
    .description("Let no further step of a run start, until it is resumed.")
    .argument("<run>", "a run's id");
  addVerbose(addDataDir(reason(pause))).action((run: string, flags) =>
    perform(async () => (await import("./runs-control.ts")).pauseCommand(surface, run, flags)),
  );

  const held = [
    [
      "hold",
      true,
      "keep a run whatever its age",
      "Keep a run whatever its age: it is not removed before it is released.",
    ],
    [
      "release",
      false,
      "end that a run is held",
      "End that a run is held: `swarm-host gc` and `runs rm` may remove it.",
    ],
  ] as const;
  for (const [name, holds, summary, description] of held) {
    const command = runs.command(name).summary(summary).description(description).argument("<run>", "a run's id");
    addVerbose(addDataDir(command)).action((run: string, flags) =>
      perform(async () => (await import("./runs-control.ts")).holdCommand(surface, run, holds, flags)),
    );
  }

  const rm = runs
    .command("rm")
    .summary("remove runs that have ended")
    .description(
      "Remove runs that have ended, with their journals and the runs they started: all that are named, or none. What is held, or needed by a run that has not ended, is refused.",
    )
    .argument("<runs...>", "ids of runs");
  addVerbose(addDataDir(rm)).action((ids: string[], flags) =>
    perform(async () => (await import("./runs-control.ts")).removeCommand(surface, ids, flags)),
  );
}

function addGoingOn(runs: Command, program: Command, surface: Surface, perform: Perform): void {
  const shown = (command: Command): Command =>
    addVerbose(
      addDataDir(command)
        .option("--detach", "come back as soon as it is durable; the run goes on when a host next works there")
        .option("--json", "print one result object on standard output, and events as JSON lines on standard error")
        .addOption(new Option("-q, --quiet", "no progress").conflicts("verbose")),
    ).addHelpText("after", WAITS);

  const resume = runs
    .command("resume")
    .summary("go on with a run")
    .description("Go on with a run that was paused, suspended or interrupted, or that waits.")
    .argument("<run>", "a run's id")
    .option("--reason <text>", "why, for the journal")
    .addOption(
      new Option(
        "--divergence <policy>",
        "where the host no longer does what the journal records: stop, keep the record, or execute again what changed",
      )
        .choices(["strict", "reuse", "rerun"])
        .default("strict"),
    );
  shown(resume).action((run: string, flags) =>
    perform(async () => (await import("./runs-go-on.ts")).resumeCommand(surface, run, flags)),
  );

  const side = (flags: string, what: string): Option => new Option(flags, what).choices(["pinned", "head"]);
  const changed = (command: Command): Command =>
    addInclude(command)
      .addOption(side("--flow <side>", "take the flow from the version the run is pinned to, or from the newest"))
      .addOption(side("--agents <side>", "take the agents, and all that is not the flow, from the one or the other"))
      .option(
        "--set <path=value>",
        "set one path of the initial ctx; the value is JSON, else text (repeatable)",
        collect,
      );

  const fork = runs
    .command("fork")
    .summary("start a new run from what another has done")
    .description(
      "Start a new run that takes over what another has done, and executes again what changed or is asked for. The other run stays as it is.",
    )
    .argument("<run>", "a run's id")
    .option("--from <key>", "execute again from this step key on, or the steps that `failed`", "failed")
    .option("--blueprint <file>", "run this Blueprint (default: the one the run is pinned to)");
  shown(changed(fork)).action((run: string, flags) =>
    perform(async () => (await import("./runs-go-on.ts")).forkCommand(surface, run, flags)),
  );

  const rerun = runs
    .command("rerun")
    .summary("run a task again from its start")
    .description(
      "Start a new run with the input of one that has ended, and take over nothing of what it did. The other run stays as it is.",
    )
    .argument("<run>", "a run's id")
    .option("--blueprint <file>", "run this Blueprint (default: the newest version of the one the run is pinned to)");
  shown(changed(rerun)).action((run: string, flags) =>
    perform(async () => (await import("./runs-go-on.ts")).rerunCommand(surface, run, flags)),
  );

  const signal = program
    .command("signal")
    .summary("send a run a signal")
    .description("Send a run a signal. One that no step waits for yet is kept for the next that does.")
    .argument("<run>", "a run's id")
    .argument("<name>", "the signal's name")
    .option("--value <json>", "what it carries (default: null)")
    .option("--id <id>", "the same id again changes nothing (default: a new one)");
  shown(signal).action((run: string, name: string, flags) =>
    perform(async () => (await import("./runs-go-on.ts")).signalCommand(surface, run, name, flags)),
  );
}

function addArchives(runs: Command, surface: Surface, perform: Perform): void {
  const archive = runs
    .command("export")
    .summary("write a run to one file")
    .description(
      "Write a run to one portable file: its Blueprint, its journal and its large values. The same run gives the same bytes.",
    )
    .argument("<run>", "a run's id")
    .option("-o, --out <file>", "write a file instead of standard output");
  addVerbose(addDataDir(archive)).action((run: string, flags) =>
    perform(async () => (await import("./runs-archive.ts")).exportCommand(surface, run, flags)),
  );

  const add = runs
    .command("import")
    .summary("add a run that was exported")
    .description(
      "Add a run that was exported. What is not exactly as it was written is refused. A run that had not ended is paused: it may be going on where it came from.",
    )
    .argument("<file>", "an archive")
    .option("--json", "print JSON");
  addVerbose(addDataDir(add)).action((file: string, flags) =>
    perform(async () => (await import("./runs-archive.ts")).importCommand(surface, file, flags)),
  );
}
