/** What the commands about one Blueprint share: checking the file, and refusing to go on where it has errors. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CompiledBlueprint } from "../blueprint/index.ts";
import type { CheckedBlueprint, Workshop } from "../workshop.ts";
import { CliError } from "./cli-error.ts";
import type { FileReport } from "./lint/lint-report.ts";
import { prettyDiagnostic } from "./lint/pretty.ts";
import { count, oneLine, styleFor } from "./style.ts";
import type { Surface } from "./surface.ts";

/** Opens a workshop that looks refs up in `include` too. The caller disposes it. */
export async function openWorkshop(surface: Surface, include: readonly string[] = []): Promise<Workshop> {
  const { Workshop } = await import("../workshop.ts");
  return new Workshop({ env: surface.env, includes: include.map((directory) => resolve(surface.cwd, directory)) });
}

/**
 * The compiled Blueprint of a check. Where there is none, its errors are printed on standard error first.
 * @throws CliError `bad_blueprint`.
 */
export function compiledOrRefuse(surface: Surface, checked: CheckedBlueprint): CompiledBlueprint {
  if (checked.compiled !== undefined) return checked.compiled;
  printFindings(surface, checked, ["error"]);
  throw refusal(checked);
}

/** The error that says a Blueprint has errors. */
export function refusal({ file, diagnostics }: Pick<CheckedBlueprint, "file" | "diagnostics">): CliError {
  const errors = diagnostics.filter(({ level }) => level === "error").length;
  return new CliError("bad_blueprint", `the Blueprint has ${count(errors, "error")}; nothing was done`, {
    place: file,
    hint: `mend ${errors === 1 ? "it" : "them"} and check with \`swarm-host bp lint ${file}\``,
  });
}

/** Prints a check's findings of some levels, and what a script printed, on standard error. */
export function printFindings(surface: Surface, checked: CheckedBlueprint, levels: readonly string[]): void {
  const style = styleFor(surface.stderr, surface.env);
  const ports = { style, width: surface.stderr.columns ?? 100, source: sourceReader([checked]) };
  for (const line of checked.printed)
    surface.stderr.write(`${style.faint(`${checked.file} printed:`)} ${oneLine(line)}\n`);
  for (const diagnostic of checked.diagnostics) {
    if (levels.includes(diagnostic.level))
      surface.stderr.write(`${prettyDiagnostic(diagnostic, checked.file, ports)}\n`);
  }
}

/** A check as what the lint formats are made of. */
export function fileReport(checked: CheckedBlueprint): FileReport {
  const { file, diagnostics, suppressed, printed, compiled } = checked;
  const sizes =
    compiled === undefined ? {} : { agents: compiled.agents.size, operators: compiled.blueprint.operators.length };
  return { file, diagnostics, suppressed, printed, ...sizes };
}

/** Reads the sources that positions name: those already read, else from disk, each once. */
export function sourceReader(checks: readonly CheckedBlueprint[]): (file: string) => string | undefined {
  const known = new Map<string, string | undefined>(checks.map(({ file, source }) => [file, source]));
  return (file) => {
    if (!known.has(file)) known.set(file, readIfThere(file));
    return known.get(file);
  };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // A code frame is an extra: without the file the finding stands by itself.
    return undefined;
  }
}
