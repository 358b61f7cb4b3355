/** Runs, rows and appends for the store suites: complete, small, and different where the tests need them to be. */
import type { Append, JournalRow, RunRecord } from "../../stores/ports.ts";

/** A run as the engine would create it; `over` replaces fields. */
export function aRun(runId: string, over: Partial<RunRecord> = {}): RunRecord {
  return {
    runId,
    status: "running",
    blueprintId: "demo",
    blueprintVersion: "sha256:00",
    fence: 1,
    nextSeq: 1,
    createdAt: 1000,
    updatedAt: 1000,
    recoveryAttempts: 0,
    ...over,
  };
}

/** The row with this seq; `tag` makes its text its own. */
export function aRow(seq: number, tag = ""): JournalRow {
  return {
    seq,
    type: "step_completed",
    key: `${seq}`,
    attempt: 1,
    text: `{"seq":${seq},"tag":${JSON.stringify(tag)}}`,
  };
}

/** Rows `from` to `from + count - 1`. */
export function rows(from: number, count: number, tag = ""): JournalRow[] {
  return Array.from({ length: count }, (_, index) => aRow(from + index, tag));
}

/** An append of `count` rows at `expectedSeq` under fence 1; `over` replaces fields. */
export function anAppend(runId: string, expectedSeq: number, count = 1, over: Partial<Append> = {}): Append {
  return { runId, fence: 1, expectedSeq, rows: rows(expectedSeq, count), at: 2000 + expectedSeq, ...over };
}
