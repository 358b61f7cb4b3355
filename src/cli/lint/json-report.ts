/** Findings for programs: one JSON object. */
import { countLevels, type FileReport, verdict } from "./lint-report.ts";

/** `{verdict, counts, files: [{file, verdict, diagnostics, suppressed, printed}]}`; diagnostics as the library has them. */
export function jsonReport(reports: readonly FileReport[]): object {
  const counts = countLevels(reports);
  return {
    verdict: verdict(counts),
    counts,
    files: reports.map((report) => ({
      file: report.file,
      verdict: verdict(countLevels([report])),
      diagnostics: report.diagnostics,
      suppressed: report.suppressed,
      printed: report.printed,
    })),
  };
}
