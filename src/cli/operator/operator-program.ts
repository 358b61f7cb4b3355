/** The commands for operators. As program.ts, loads nothing but commander. */
import { type Command, Option } from "commander";
import { addDataDir, addVerbose, collect, wholeNumber } from "../options.ts";
import type { Perform } from "../program.ts";
import type { Surface } from "../surface.ts";

/** Adds them. */
export function addOperatorCommands(program: Command, surface: Surface, perform: Perform): void {
  const operator = program
    .command("operator")
    .summary("take seats and see to what they are asked for")
    .description("Take seats of runs, see to what they are asked for, and see who sits where.");
  addAttach(operator, surface, perform);
  addSeats(operator, surface, perform);
}

function addHost(command: Command): Command {
  return addVerbose(
    addDataDir(command, "of the running host").option(
      "--url <url>",
      "a host elsewhere, which is shown $SWARM_HOST_TOKEN",
    ),
  );
}

function addAttach(operator: Command, surface: Surface, perform: Perform): void {
  const attach = operator
    .command("attach")
    .summary("join, and answer here or by a command")
    .description(
      "Join as an operator and see to what the held seats are asked for, until Ctrl-C: a person answers in the terminal, or a command is run for each request. Lost connections are made again, and what was under way goes on.",
    )
    .option("--description <text>", "who this is and what for", "operator attached on the command line")
    .option("--run <run>", "take a seat of this run (repeatable)", collect)
    .option("--seat <name>", "which seat (default: the only one)")
    .option("--exec <command>", "a shell command for each request: the step's payload in, the answer out")
    .addOption(
      new Option(
        "--launch <command>",
        "a shell command for each request that fetches and submits its step by itself, by $SWARM_HOST_URL and $SWARM_HOST_HANDLE",
      ).conflicts("exec"),
    )
    .option("--concurrency <n>", "requests seen to at a time", wholeNumber(1, 1000), 1)
    .option(
      "--session-file <file>",
      "keep the session in a file and use it again: seats stay held while this does not run",
    );
  addHost(attach).action((flags) =>
    perform(async () => (await import("./operator-attach.ts")).attachCommand(surface, flags)),
  );
}

function addSeats(operator: Command, surface: Surface, perform: Perform): void {
  const list = operator.command("list").summary("list sessions").description("List the sessions that have joined.");
  addHost(list.option("--json", "print JSON")).action((flags) =>
    perform(async () => (await import("./operator-list.ts")).listOperatorsCommand(surface, flags)),
  );

  const seats = operator
    .command("seats")
    .summary("list the seats of a run")
    .description("List the seats of a run, and who holds them.")
    .argument("<run>", "a run's id");
  addHost(seats.option("--json", "print JSON")).action((run: string, flags) =>
    perform(async () => (await import("./operator-list.ts")).seatsCommand(surface, run, flags)),
  );

  const handover = operator
    .command("handover")
    .summary("show what a run's seats are still asked for")
    .description("Show who holds the seats of a run and what each is still asked for, for whoever takes one over.")
    .argument("<run>", "a run's id");
  addHost(handover.option("--json", "print JSON")).action((run: string, flags) =>
    perform(async () => (await import("./operator-list.ts")).handoverCommand(surface, run, flags)),
  );

  const take = operator
    .command("take")
    .summary("take a seat for a session")
    .description("Take a seat for a session, whoever holds it: what it is asked for goes to that session from now on.")
    .argument("<run>", "a run's id")
    .option("--seat <name>", "which seat (default: the only one)")
    .requiredOption("--session <id>", "the session that takes it")
    .option("--description <text>", "what for", "seated on the command line");
  addHost(take.option("--json", "print JSON")).action((run: string, flags) =>
    perform(async () => (await import("./operator-list.ts")).takeCommand(surface, run, flags)),
  );

  const release = operator
    .command("release")
    .summary("vacate a seat")
    .description("Vacate a seat, if its generation is still the one that is named.")
    .argument("<run>", "a run's id")
    .requiredOption("--seat <name>", "which seat")
    .requiredOption("--generation <n>", "as `operator seats` shows it", wholeNumber(1, 1e15 - 1));
  addHost(release.option("--json", "print JSON")).action((run: string, flags) =>
    perform(async () => (await import("./operator-list.ts")).releaseCommand(surface, run, flags)),
  );

  const leave = operator
    .command("leave")
    .summary("end sessions")
    .description("End sessions: their seats are vacant, their sockets closed.")
    .argument("<sessions...>", "ids of sessions");
  addHost(leave.option("--json", "print JSON")).action((sessions: string[], flags) =>
    perform(async () => (await import("./operator-list.ts")).leaveCommand(surface, sessions, flags)),
  );
}
