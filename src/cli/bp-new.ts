/** `swarm-host bp new <template> <name>`: a Blueprint to start from, on standard output or as a file. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, resolve } from "node:path";
import { CliError } from "./cli-error.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { writeResult } from "./output.ts";
import { renderScaffold, scaffoldTemplateFile } from "./scaffold.ts";
import { styleFor } from "./style.ts";
import type { Surface } from "./surface.ts";
import { writeText } from "./text-file.ts";

/** Options as commander gives them. */
export interface NewFlags {
  readonly stages?: string;
  readonly agent?: string;
  readonly operator?: string;
  readonly binding?: string;
  readonly out?: string;
}

/** Writes a scaffold. Throws ScaffoldError, or CliError `usage` where the file is there already. */
export async function newCommand(surface: Surface, template: string, name: string, flags: NewFlags): Promise<ExitCode> {
  const { stages, out, ...names } = flags;
  const file = createRequire(import.meta.url).resolve(`#templates/${scaffoldTemplateFile(template)}`);
  const request = {
    template,
    name,
    ...names,
    ...(stages === undefined ? {} : { stages: stages.split(",") }),
    ...(out === undefined ? {} : { file: basename(out) }),
  };
  const text = renderScaffold(request, await readFile(file, "utf8"));
  if (out === undefined) {
    await writeResult(surface.stdout, text);
    return EXIT.done;
  }
  const target = resolve(surface.cwd, out);
  if (existsSync(target)) {
    throw new CliError("usage", "there is such a file already", { place: out, hint: "choose another name with -o" });
  }
  await writeText(target, text);
  const style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} wrote ${out} (${Buffer.byteLength(text)} bytes)\n`);
  surface.stderr.write(`  ${style.active("try:")} swarm-host bp lint ${out}\n`);
  return EXIT.done;
}
