/** What linting found, file by file: the data every output format is made of. */
import type { Diagnostic, DiagnosticLevel, SuppressedFinding } from "../../blueprint/index.ts";

/** One file's findings. */
export interface FileReport {
  /** As it was named on the command line. */
  readonly file: string;
  readonly diagnostics: readonly Diagnostic[];
  /** Findings that the document's own `lints` maps allowed. */
  readonly suppressed: readonly SuppressedFinding[];
  /** What an authoring script printed. */
  readonly printed: readonly string[];
  /** Agents and seats of a document that was understood. */
  readonly agents?: number;
  readonly operators?: number;
}

/** How many findings of each level. */
export type LevelCounts = Readonly<Record<DiagnosticLevel, number>>;

/** Counts over all files. */
export function countLevels(reports: readonly FileReport[]): LevelCounts {
  const counts = { error: 0, warn: 0, info: 0 };
  for (const { diagnostics } of reports) for (const { level } of diagnostics) counts[level] += 1;
  return counts;
}

/** `ok`, `warn` or `error`: the worst of what was found. */
export function verdict(counts: LevelCounts): "ok" | "warn" | "error" {
  return counts.error > 0 ? "error" : counts.warn > 0 ? "warn" : "ok";
}
