/**
 * `swarm-host simulate <blueprint>`.
 *
 * Owns: reading what is drilled, and showing what came of it. Does not own: the drill (simulate.ts).
 */
import { resolve } from "node:path";
import { isJsonObject, type Json } from "../../flow/index.ts";
import type { DrillReport, DrillRun } from "../../simulate.ts";
import { compiledOrRefuse, openWorkshop } from "../checked.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { MAX_INPUT_BYTES, readInput } from "../run/initial-ctx.ts";
import { count, oneLine } from "../style.ts";
import type { Surface } from "../surface.ts";
import { readText } from "../text-file.ts";

/** Options as commander gives them. */
export interface SimulateFlags {
  readonly seed?: string;
  readonly crash: "every" | "random";
  readonly runs?: string;
  readonly input?: string;
  readonly script?: string;
  readonly include?: readonly string[];
  readonly json?: boolean;
}

const DEFAULT_RUNS = 20;
const MAX_RUNS = 100_000;

/** Holds the drill and shows it; exit code 1 where a crash changed anything. */
export async function simulateCommand(surface: Surface, blueprint: string, flags: SimulateFlags): Promise<ExitCode> {
  const seed = wholeNumber("--seed", flags.seed, 2 ** 32 - 1) ?? surface.now() % 1_000_000;
  const runs = wholeNumber("--runs", flags.runs, MAX_RUNS) ?? DEFAULT_RUNS;
  const input = await readInput({ ...(flags.input === undefined ? {} : { input: flags.input }), set: [] }, () =>
    Promise.resolve(""),
  );
  const script = await readScript(surface, flags.script);
  await using workshop = await openWorkshop(surface, flags.include);
  const compiled = compiledOrRefuse(surface, await workshop.check(blueprint));
  const { simulate } = await import("../../simulate.ts");
  const report = await simulate({
    workshop,
    compiled,
    script,
    seed,
    plan: flags.crash === "every" ? { kind: "every" } : { kind: "random", runs },
    ...(input === undefined ? {} : { input }),
  });
  const failed = report.problems.length > 0 || report.runs.some(({ verdict }) => verdict === "broken");
  const again = commandLine(blueprint, seed, runs, flags);
  const text = flags.json ? jsonText({ seed, ...report, reproduce: again }) : reportText(report, seed);
  await writeResult(surface.stdout, text);
  if (failed && !flags.json) surface.stderr.write(`again: ${again}\n`);
  return failed ? EXIT.failed : EXIT.done;
}

/** The table of a drill, with its summary. */
export function reportText({ undisturbed, problems, runs }: DrillReport, seed: number): string {
  const lines = runs.map((run) => [run.crashes.join(" "), run.entry, String(run.repeated), said(run)]);
  const rows = [["crash after", "entry", "repeated", "end"], ...lines];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  const broken = runs.filter(({ verdict }) => verdict === "broken").length;
  const other = runs.filter(({ verdict }) => verdict === "other_winner").length;
  const summary =
    problems.length > 0
      ? `broken without a crash: ${problems.map(oneLine).join("; ")}`
      : `${count(runs.length, "run")} with crashes: ${broken === 0 ? "all ended as the run without one" : `${broken} broken`}${
          other === 0 ? "" : `, ${other} with another winner of a race`
        }`;
  const calm = `without a crash: ${undisturbed.status} after ${undisturbed.entries} entries`;
  return `${[...(runs.length === 0 ? [] : table), "", calm, summary, `seed ${seed}`].join("\n")}\n`;
}

function said({ verdict, problems }: DrillRun): string {
  if (verdict === "broken") return `BROKEN: ${problems.map(oneLine).join("; ")}`;
  return verdict === "same" ? "same" : "another winner";
}

function wholeNumber(option: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d{1,10}$/u.test(text) && number <= most) return number;
  throw new CliError("usage", `"${text}" is not a whole number from 0 to ${most}`, { place: option });
}

async function readScript(surface: Surface, file: string | undefined): Promise<ReadonlyMap<string, Json>> {
  if (file === undefined) return new Map();
  const text = await readText(resolve(surface.cwd, file), MAX_INPUT_BYTES, surface.stdin);
  let script: Json;
  try {
    script = JSON.parse(text) as Json;
  } catch (cause) {
    throw new CliError("bad_input", `the script is not JSON: ${(cause as Error).message}`, { place: file, cause });
  }
  if (isJsonObject(script)) return new Map(Object.entries(script));
  throw new CliError("bad_input", "the script must be a JSON object: agent names and what they answer", {
    place: file,
    hint: `for example '{"reviewer": "PASS"}'`,
  });
}

/** The command line that does the same again. */
function commandLine(blueprint: string, seed: number, runs: number, flags: SimulateFlags): string {
  const parts = ["swarm-host", "simulate", blueprint, "--seed", String(seed), "--crash", flags.crash];
  if (flags.crash === "random") parts.push("--runs", String(runs));
  if (flags.input !== undefined) parts.push("--input", flags.input);
  if (flags.script !== undefined) parts.push("--script", flags.script);
  for (const directory of flags.include ?? []) parts.push("--include", directory);
  return parts.map((part) => (/^[\w./:=@-]+$/u.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`)).join(" ");
}
