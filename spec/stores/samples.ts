/** Runs, rows and appends for the store suites: complete, small, and different where the tests need them to be. */
import type { Append, JournalRow, RunRecord, Stores } from "../../stores/ports.ts";

/** Opens an empty store, with a clock that the test moves where it needs one. */
export type OpenStores = (options?: { readonly now?: () => number }) => Promise<Stores>;

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

/** A run with every field there is; `over` replaces some. */
export function aFullRun(runId: string, over: Partial<RunRecord> = {}): RunRecord {
  return aRun(runId, {
    owner: "host-1",
    error: "e",
    parentRunId: "parent",
    parentStep: { key: "0.~1.@2", attempt: 3 },
    forkedFrom: "source",
    status: "suspended",
    fence: 7,
    nextSeq: 3,
    recoveryAttempts: 4,
    wakeAt: 5000,
    idempotencyKey: `key of ${runId}`,
    held: true,
    ...over,
  });
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
