/**
 * `swarm-host bp build <file>`: a Blueprint as one JSON document.
 *
 * B1  Nothing is written unless every ref resolves and the document compiles.
 * B2  What is written has every ref embedded and its keys sorted, so equal documents are equal texts; with `--check-refs`
 *     the refs are left as the author has them.
 */
import { resolve } from "node:path";
import type { Json } from "../flow/index.ts";
import { isJsonObject } from "../flow/index.ts";
import { compiledOrRefuse, openWorkshop, printFindings } from "./checked.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { jsonText, writeResult } from "./output.ts";
import { count, styleFor } from "./style.ts";
import type { Surface } from "./surface.ts";
import { writeText } from "./text-file.ts";

/** Options as commander gives them. `strictEmbed` names the default. */
export interface BuildFlags {
  readonly out?: string;
  readonly checkRefs?: boolean;
  readonly strictEmbed?: boolean;
  readonly include?: readonly string[];
}

/** Builds a Blueprint. Throws CliError `bad_blueprint` or `unwritable`. */
export async function buildCommand(surface: Surface, file: string, flags: BuildFlags): Promise<ExitCode> {
  await using workshop = await openWorkshop(surface, flags.include);
  const checked = await workshop.check(file);
  const compiled = compiledOrRefuse(surface, checked);
  printFindings(surface, checked, ["warn"]);
  const document = flags.checkRefs ? checked.authored : checked.document;
  const text = jsonText(sorted(document as Json));
  if (flags.out === undefined) await writeResult(surface.stdout, text);
  else await writeText(resolve(surface.cwd, flags.out), text);
  const style = styleFor(surface.stderr, surface.env);
  const sizes = [
    count(compiled.agents.size, "agent"),
    count(compiled.program.steps.length, "step"),
    `${count(checked.manifest.length, "ref")} ${flags.checkRefs ? "checked" : "embedded"}`,
  ];
  const target = flags.out === undefined ? "" : ` -> ${flags.out}`;
  surface.stderr.write(
    `${style.good(style.glyphs.pass)} ${compiled.blueprint.id} ${compiled.version} (${sizes.join(", ")})${target}\n`,
  );
  return EXIT.done;
}

/** The value with the keys of every object in code unit order, as canonical JSON has them. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const entries = Object.keys(value)
    .sort()
    .map((key): [string, Json] => [key, sorted(value[key] as Json)]);
  return Object.fromEntries(entries);
}
