/**
 * Running files of vectors and telling how it went.
 */
import { checkVector, type Verdict } from "./check.ts";
import { readVectors, type Vector } from "./vector.ts";

/** A vector that did not pass, or passed with something uncompared. */
export interface Miss {
  readonly id: string;
  readonly mismatches: readonly string[];
  readonly notes: readonly string[];
  /** Why that is right: only for vectors marked as quirks. */
  readonly skipped?: string;
}

/** How a file went. */
export interface FileReport {
  readonly file: string;
  readonly ran: number;
  readonly passed: number;
  readonly failed: readonly Miss[];
  readonly skipped: readonly Miss[];
  /** Vectors that passed although something was not compared. */
  readonly noted: readonly Miss[];
}

/** Runs every vector of a file. A quirk that does not match is skipped with its note as the reason; nothing else is. */
export const runFile = (file: string): FileReport => {
  const vectors = readVectors(file);
  const results = vectors.map(runVector);
  const misses = results.filter((result) => result.mismatches.length > 0);
  const noted = results.filter((result) => result.mismatches.length === 0 && result.notes.length > 0);
  const skipped = misses.filter((miss) => miss.skipped !== undefined);
  const failed = misses.filter((miss) => miss.skipped === undefined);
  return { file, ran: vectors.length, passed: vectors.length - misses.length, failed, skipped, noted };
};

const runVector = (vector: Vector): Miss => {
  const verdict = guarded(vector);
  const reason = vector.note ?? "marked as an oddity of the reference that is not to be copied";
  return { id: vector.id, ...verdict, ...(vector.quirk === true ? { skipped: reason } : {}) };
};

// A defect in one vector, or in us, must not hide the others.
const guarded = (vector: Vector): Verdict => {
  try {
    return checkVector(vector);
  } catch (error) {
    return { mismatches: [error instanceof Error ? `${error.name}: ${error.message}` : String(error)], notes: [] };
  }
};

/** The report as lines for people. */
export const reportLines = (reports: readonly FileReport[]): readonly string[] => {
  const lines: string[] = [];
  for (const { file, ran, passed, failed, skipped, noted } of reports) {
    lines.push(`${file}: ${ran} ran, ${passed} passed, ${failed.length} failed, ${skipped.length} skipped (quirks)`);
    for (const miss of skipped) lines.push(`  skip ${miss.id}: ${miss.skipped} [here: ${miss.mismatches.join("; ")}]`);
    for (const miss of noted) lines.push(`  note ${miss.id}: ${miss.notes.join("; ")}`);
    for (const miss of failed)
      lines.push(`  FAIL ${miss.id}`, ...miss.mismatches.map((mismatch) => `       ${mismatch}`));
  }
  const total = (count: (report: FileReport) => number) => reports.reduce((sum, report) => sum + count(report), 0);
  lines.push(
    `total: ${total((report) => report.ran)} ran, ${total((report) => report.passed)} passed, ` +
      `${total((report) => report.failed.length)} failed, ${total((report) => report.skipped.length)} skipped (quirks)`,
  );
  return lines;
};
