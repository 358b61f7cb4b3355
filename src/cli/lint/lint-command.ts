/** `swarm-host bp lint <files...>`. */
import { packageVersion } from "../../package-version.ts";
import type { CheckedBlueprint } from "../../workshop.ts";
import { fileReport, openWorkshop, sourceReader } from "../checked.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { jsonReport } from "./json-report.ts";
import { countLevels, type FileReport } from "./lint-report.ts";
import { prettyReport } from "./pretty.ts";
import { sarifLog } from "./sarif.ts";

/** Options as commander gives them. */
export interface LintFlags {
  readonly format: "pretty" | "json" | "sarif";
  readonly strict?: boolean;
  readonly include?: readonly string[];
}

/** Checks every file and prints the findings on standard output. 2 where any is an error, or with `strict` a warning. */
export async function lintCommand(surface: Surface, files: readonly string[], flags: LintFlags): Promise<ExitCode> {
  await using workshop = await openWorkshop(surface, flags.include);
  const checks: CheckedBlueprint[] = [];
  for (const file of files) checks.push(await workshop.check(file));
  const reports = checks.map(fileReport);
  await writeResult(surface.stdout, render(surface, flags.format, reports, checks));
  const counts = countLevels(reports);
  return counts.error > 0 || (flags.strict === true && counts.warn > 0) ? EXIT.usage : EXIT.done;
}

function render(
  surface: Surface,
  format: LintFlags["format"],
  reports: readonly FileReport[],
  checks: readonly CheckedBlueprint[],
): string {
  switch (format) {
    case "json":
      return jsonText(jsonReport(reports));
    case "sarif":
      return jsonText(sarifLog(reports, { version: packageVersion(), cwd: surface.cwd }));
    case "pretty": {
      const style = styleFor(surface.stdout, surface.env);
      return prettyReport(reports, { style, width: surface.stdout.columns ?? 100, source: sourceReader(checks) });
    }
  }
}
