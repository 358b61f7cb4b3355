/**
 * The shape an Append must have before any backend looks at it: a journal with a hole could never be replayed.
 */
import { type Append, StoreError } from "./ports.ts";

/** Throws StoreError `invalid_append` where the rows of one of `batch` are not contiguous from its `expectedSeq`. */
export function assertContiguous(batch: readonly Append[]): void {
  for (const { runId, expectedSeq, rows } of batch) {
    for (let index = 0; index < rows.length; index += 1) {
      const seq = rows[index]!.seq;
      if (seq === expectedSeq + index) continue;
      throw new StoreError(
        "invalid_append",
        `append to run ${runId}: row ${index} has seq ${seq}, expected ${expectedSeq + index}; nothing was written`,
        { details: { runId, index, seq, expected: expectedSeq + index } },
      );
    }
  }
}
