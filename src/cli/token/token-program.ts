/** The commands about capability tokens: `token ...`. As program.ts, loads nothing but commander. */
import { type Command, Option } from "commander";
import { addDataDir, addVerbose } from "../options.ts";
import type { Perform } from "../program.ts";
import type { Surface } from "../surface.ts";

/** Roles whose tokens people give to each other; workers get theirs with their step. */
const ROLES = ["operator", "observer", "senior"];

const KEYS = "whose keys are meant";

/** Adds them. */
export function addTokenCommands(program: Command, surface: Surface, perform: Perform): void {
  const token = program
    .command("token")
    .summary("give access to a host, and take it away")
    .description(
      "Make, weaken and look at capability tokens: what their bearer may do with the host of a data directory, and until when. A token is a secret; - reads it from standard input, which other processes cannot see.",
    );

  const mint = token
    .command("mint")
    .summary("make a token for somebody")
    .description(
      "Make a token for somebody, and print it. It is good for the host of the data directory, running or not. Who may start_task can run whatever a Blueprint says, child processes too.",
    )
    .addOption(new Option("--role <role>", "what its bearer may be").choices(ROLES).makeOptionMandatory())
    .requiredOption("--subject <text>", "who it is for; shown to whoever inspects it")
    .option("--verbs <verbs>", "only these, separated by commas (default: all that the role has)")
    .option("--expires-in <duration>", "its life: 90s, 30m, 12h, 7d", "24h");
  addVerbose(addDataDir(mint, KEYS)).action((flags) =>
    perform(async () => (await import("./token-mint.ts")).mintCommand(surface, flags)),
  );

  const narrow = token
    .command("narrow")
    .summary("make a weaker token from a token")
    .description(
      "Make a weaker token from a token, and print it. Needs neither the host nor its keys; nothing makes it stronger again.",
    )
    .argument("<token>", "a token, or -")
    .option("--verbs <verbs>", "only these, separated by commas")
    .option("--expires-in <duration>", "a shorter life: 90s, 30m, 12h, 7d")
    .option("--artifact <name>", "nothing but this artifact; for workers' tokens");
  addVerbose(narrow).action((text: string, flags) =>
    perform(async () => (await import("./token-narrow.ts")).narrowCommand(surface, text, flags)),
  );

  const inspect = token
    .command("inspect")
    .summary("show what a token says")
    .description(
      "Show what a token says, and whether the keys of the data directory prove it. Asks no host. Exit code 1 where it does not hold.",
    )
    .argument("<token>", "a token, or -")
    .option("--json", "print JSON");
  addVerbose(addDataDir(inspect, KEYS)).action((text: string, flags) =>
    perform(async () => (await import("./token-inspect.ts")).inspectCommand(surface, text, flags)),
  );

  const rotate = token
    .command("rotate")
    .summary("sign with a new key")
    .description(
      "Sign with a new key from now on. Tokens of the key so far hold until they expire; those of the key before it end. Twice in a row ends all there are.",
    );
  addVerbose(addDataDir(rotate, KEYS)).action((flags) =>
    perform(async () => (await import("./token-rotate.ts")).rotateCommand(surface, flags)),
  );
}
