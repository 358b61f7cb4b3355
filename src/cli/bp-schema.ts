/** `swarm-host bp schema`: the published JSON Schema of Blueprints. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { writeResult } from "./output.ts";
import { styleFor } from "./style.ts";
import type { Surface } from "./surface.ts";
import { writeText } from "./text-file.ts";

/** Prints the schema, or writes it to a file. */
export async function schemaCommand(surface: Surface, flags: { readonly out?: string }): Promise<ExitCode> {
  const text = await readFile(createRequire(import.meta.url).resolve("#schema"), "utf8");
  if (flags.out === undefined) {
    await writeResult(surface.stdout, text);
    return EXIT.done;
  }
  await writeText(resolve(surface.cwd, flags.out), text);
  const style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} wrote ${flags.out}\n`);
  return EXIT.done;
}
