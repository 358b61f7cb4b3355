/**
 * The rows of all runs of a memory store in one order.
 *
 * L1  Positions are strictly increasing and never used twice.
 */
import type { JournalRow, TailRow } from "../ports.ts";

/** All rows, in the order they were appended. */
export class JournalLog {
  #rows: TailRow[] = [];
  #end = 0;

  /** The position of the newest row there has been. */
  get end(): number {
    return this.#end;
  }

  /** Adds a run's rows at the end. */
  append(runId: string, rows: readonly JournalRow[]): void {
    for (const row of rows) {
      this.#end += 1;
      this.#rows.push({ ...row, runId, position: this.#end });
    }
  }

  /** See JournalStore.tail. */
  tail(after: number, limit: number): readonly TailRow[] {
    if (limit <= 0) return [];
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#rows[middle]!.position <= after) low = middle + 1;
      else high = middle;
    }
    return this.#rows.slice(low, low + limit);
  }

  /** Forgets the rows of runs. */
  remove(runIds: ReadonlySet<string>): void {
    this.#rows = this.#rows.filter(({ runId }) => !runIds.has(runId));
  }
}
