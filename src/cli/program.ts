/**
 * The tree of commands: names, arguments, options, help.
 *
 * Owns: what can be said on the command line. Does not own: what it does; every action is imported when it is called, so
 * that `--help` and `--version` load nothing but this file and commander.
 */
import { Argument, Command, Option } from "commander";
import { packageVersion } from "../package-version.ts";
import { addEventsCommand } from "./events/events-program.ts";
import type { ExitCode } from "./exit-code.ts";
import { addOperatorCommands } from "./operator/operator-program.ts";
import { addDataDir, addInclude, addVerbose, collect, wholeNumber } from "./options.ts";
import { addRunsCommands } from "./runs/runs-program.ts";
import { SCAFFOLD_TEMPLATES } from "./scaffold-templates.ts";
import { addScheduleCommands } from "./schedule/schedule-program.ts";
import { addStoreCommands } from "./store/store-program.ts";
import type { Surface } from "./surface.ts";
import { addTokenCommands } from "./token/token-program.ts";
import { addWorkerCommands } from "./worker/worker-program.ts";

/** Runs an action and keeps its exit code. */
export type Perform = (action: () => Promise<ExitCode>) => Promise<void>;

const EXIT_CODES = `
Exit codes: 0 done; 1 the run failed or the machine refused; 2 bad usage, input or Blueprint (nothing ran);
3 the run waits for something from outside; 130 cancelled by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.`;

/** The commands. Parsing calls `perform`; usage errors are thrown as commander's CommanderError. */
export function buildProgram(surface: Surface, perform: Perform): Command {
  const program = new Command("swarm-host")
    .description("A durable host for scripted agent swarms.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => surface.stdout.write(text),
      writeErr: (text) => surface.stderr.write(text),
      // Errors are thrown and shown like all others.
      outputError: () => {},
      getOutHelpWidth: () => surface.stdout.columns ?? 100,
      getErrHelpWidth: () => surface.stderr.columns ?? 100,
    })
    .addHelpText("after", EXIT_CODES);
  addRun(program, surface, perform);
  addServe(program, surface, perform);
  addRunsCommands(program, surface, perform);
  addEventsCommand(program, surface, perform);
  addScheduleCommands(program, surface, perform);
  addTokenCommands(program, surface, perform);
  addOperatorCommands(program, surface, perform);
  addWorkerCommands(program, surface, perform);
  addBlueprintCommands(program, surface, perform);
  addSimulate(program, surface, perform);
  addStoreCommands(program, surface, perform);
  addDoctor(program, surface, perform);
  addCompletion(program, surface, perform);
  return program;
}

function addRun(program: Command, surface: Surface, perform: Perform): void {
  const command = program
    .command("run")
    .summary("run a Blueprint")
    .description(
      "Run a Blueprint. Progress goes to standard error; the final ctx, as JSON, goes to standard output and nothing else does.",
    )
    .argument("<blueprint>", "a .bp.lua, .json or .yaml file")
    .addOption(new Option("--input <json>", "the run's input, a JSON object").conflicts("inputFile"))
    .option("--input-file <file>", "read the input from a file, or from standard input for -")
    .option("--set <path=value>", "set one path of the input; the value is JSON, else text (repeatable)", collect)
    .option(
      "--idempotency-key <key>",
      "a run that was started with this key is not started again: it goes on, or tells how it ended",
    )
    .addOption(new Option("--ephemeral", "keep the run in memory only").conflicts("dataDir"))
    .addOption(
      new Option("--relaxed", "do not wait for the disk: faster, but a crash may lose the last steps").conflicts(
        "ephemeral",
      ),
    )
    .option("--work-dir <dir>", "where agents work; step outputs are written below it as files")
    .option(
      "--project-root <dir>",
      "the project agents work on; agents see it, and step outputs go there without a --work-dir",
    );
  addInclude(addDataDir(command))
    .option("--json", "print one result object on standard output, and events as JSON lines on standard error")
    .addOption(new Option("-q, --quiet", "no progress").conflicts("verbose"));
  addVerbose(command)
    .addHelpText(
      "after",
      `${EXIT_CODES}
Ctrl-C cancels the run, waits for its workers to stop and journals the end; a second Ctrl-C leaves at once.`,
    )
    .action((blueprint: string, flags) =>
      perform(async () => (await import("./run/run-command.ts")).runCommand(surface, blueprint, flags)),
    );
}

function addServe(program: Command, surface: Surface, perform: Perform): void {
  const serve = program
    .command("serve")
    .summary("own a data directory and run what is in it")
    .description(
      "Own a data directory: bring its runs back, go on with them, and answer over HTTP on this machine. SIGTERM or Ctrl-C stops it in good order; unfinished runs go on when it starts again.",
    )
    .option("--host <address>", "where to listen: a loopback address", "127.0.0.1")
    .addOption(
      new Option("--port <port>", "the port; 0 is any that is free").argParser(wholeNumber(0, 65_535)).default(7717),
    )
    .addOption(
      new Option(
        "--compat <client>",
        "open a second port for the client of another system, which shows no credential (see spec/compat.md)",
      ).choices(["mse-0.26"]),
    )
    .addOption(
      new Option("--compat-port <port>", "that port; 0 is any that is free (default: 7777)").argParser(
        wholeNumber(0, 65_535),
      ),
    );
  addVerbose(addDataDir(serve)).action((flags) =>
    perform(async () => (await import("./serve/serve-command.ts")).serveCommand(surface, flags)),
  );
}

function addBlueprintCommands(program: Command, surface: Surface, perform: Perform): void {
  const bp = program
    .command("bp")
    .summary("make, check and show Blueprints")
    .description("Make, check and show Blueprints.");

  const fresh = bp
    .command("new")
    .summary("start a Blueprint from a template")
    .description("Start a Blueprint from a template.")
    .addArgument(new Argument("<template>", "what to start from").choices(SCAFFOLD_TEMPLATES.map(({ name }) => name)))
    .argument("<name>", "the Blueprint's id")
    .option("--stages <names>", "names of the stages, separated by commas")
    .option("--agent <name>", "name of the agent, for templates with one")
    .option("--operator <name>", "the operators' seat (default: main-ai)")
    .option("--binding <variant>", "launch variant of the operators' workers (default: claude)")
    .option("-o, --out <file>", "write a file instead of standard output")
    .addHelpText("after", `\nTemplates:\n${templateLines()}`);
  addVerbose(fresh).action((template: string, name: string, flags) =>
    perform(async () => (await import("./bp-new.ts")).newCommand(surface, template, name, flags)),
  );

  const lint = bp
    .command("lint")
    .summary("check Blueprints")
    .description("Check Blueprints: every finding at once, with its place and a way out.")
    .argument("<files...>", ".bp.lua, .json or .yaml files")
    .addOption(new Option("--format <format>", "how to print").choices(["pretty", "json", "sarif"]).default("pretty"))
    .option("--strict", "warnings are errors");
  addVerbose(addInclude(lint)).action((files: string[], flags) =>
    perform(async () => (await import("./lint/lint-command.ts")).lintCommand(surface, files, flags)),
  );

  const build = bp
    .command("build")
    .summary("print a Blueprint as one JSON document")
    .description("Print a Blueprint as one JSON document: refs embedded, keys sorted.")
    .argument("<file>", "a .bp.lua, .json or .yaml file")
    .option("-o, --out <file>", "write a file instead of standard output")
    .addOption(
      new Option("--check-refs", "check that every ref resolves, but leave refs as they are").conflicts("strictEmbed"),
    )
    .option(
      "--strict-embed",
      "every ref must resolve and is embedded (this is the default; the name is kept for scripts)",
    );
  addVerbose(addInclude(build)).action((file: string, flags) =>
    perform(async () => (await import("./bp-build.ts")).buildCommand(surface, file, flags)),
  );

  const show = bp
    .command("show")
    .summary("draw a Blueprint's flow")
    .description("Draw a Blueprint's flow.")
    .argument("<file>", "a .bp.lua, .json or .yaml file")
    .addOption(new Option("--format <format>", "what to draw").choices(["tree", "mermaid", "dot"]).default("tree"));
  addVerbose(addInclude(show)).action((file: string, flags) =>
    perform(async () => (await import("./show/show-command.ts")).showCommand(surface, file, flags)),
  );

  const schema = bp
    .command("schema")
    .summary("print the JSON Schema of Blueprints")
    .description("Print the JSON Schema of Blueprints, for editors.")
    .option("--out <file>", "write a file instead of standard output");
  addVerbose(schema).action((flags) =>
    perform(async () => (await import("./bp-schema.ts")).schemaCommand(surface, flags)),
  );

  const explain = bp
    .command("explain")
    .summary("tell what an agent comes to")
    .description("Tell what agents come to: worker, runner, policy, context, prompt, and the steps that use them.")
    .argument("<file>", "a .bp.lua, .json or .yaml file")
    .argument("[agent]", "one agent, in full (default: all, in short)")
    .option("--json", "print JSON");
  addVerbose(addInclude(explain)).action((file: string, agent: string | undefined, flags) =>
    perform(async () => (await import("./explain/explain-command.ts")).explainCommand(surface, file, agent, flags)),
  );
}

function templateLines(): string {
  return SCAFFOLD_TEMPLATES.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join("\n");
}

function addSimulate(program: Command, surface: Surface, perform: Perform): void {
  const simulate = program
    .command("simulate")
    .summary("prove that a Blueprint survives crashes")
    .description(
      "Run a Blueprint in virtual time with a crash after every journal entry, and hold each end against the run without a crash. Lua agents run their chunk; all others answer from the script, else with their input. Exit code 1 where a crash changes anything.",
    )
    .argument("<blueprint>", "a .bp.lua, .json or .yaml file")
    .option("--seed <n>", "of the order of events and of random crashes (default: drawn, and printed)")
    .addOption(
      new Option("--crash <where>", "after every entry, or at random ones")
        .choices(["every", "random"])
        .default("every"),
    )
    .option("--runs <n>", "runs with random crashes (default: 20)")
    .option("--input <json>", "the run's input, a JSON object")
    .option("--script <file>", "a JSON object: agent names and what they answer")
    .option("--json", "print JSON");
  addVerbose(addInclude(simulate)).action((blueprint: string, flags) =>
    perform(async () => (await import("./simulate/simulate-command.ts")).simulateCommand(surface, blueprint, flags)),
  );
}

function addDoctor(program: Command, surface: Surface, perform: Perform): void {
  const doctor = program
    .command("doctor")
    .summary("check this machine and the data directory")
    .description("Check this machine and the data directory. Exit code 1 where a check fails.")
    .option("--data-dir <dir>", "the data directory to check (default: $SWARM_HOST_DATA_DIR, else .swarm-host)")
    .option("--full", "read the whole store: takes its time where it is large")
    .option("--json", "print JSON");
  addVerbose(doctor).action((flags) =>
    perform(async () => (await import("./doctor/doctor-command.ts")).doctorCommand(surface, flags)),
  );
}

function addCompletion(program: Command, surface: Surface, perform: Perform): void {
  const completion = program
    .command("completion")
    .summary("print a shell completion script")
    .description("Print a shell completion script, for example: source <(swarm-host completion bash)")
    .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]));
  addVerbose(completion).action((shell: string) =>
    perform(async () =>
      (await import("./completion/completion-command.ts")).completionCommand(surface, program, shell),
    ),
  );
}
