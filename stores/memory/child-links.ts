/** What a crash left between the journals of parents and children, in a memory store; see ChildStore. */
import type { LinkQuery, RunRecord } from "../ports.ts";
import { ENDED } from "../run-status.ts";
import { isOlder, type RunShelf } from "./run-shelf.ts";

/** Looks at all runs, which a memory store can afford. */
export class ChildLinks {
  readonly #shelf: RunShelf;

  constructor(shelf: RunShelf) {
    this.#shelf = shelf;
  }

  /** See ChildStore.answered. */
  answered(query: LinkQuery): readonly string[] {
    const heard = new Set<string>();
    for (const child of this.#shelf.oldestFirst()) {
      if (!ENDED.has(child.status)) continue;
      const parent = this.#parentOf(child);
      if (parent?.status === "waiting" && !this.#isOver(child, parent)) heard.add(parent.runId);
    }
    return this.#page(query, ({ runId }) => heard.has(runId));
  }

  /** See ChildStore.orphaned. */
  orphaned(query: LinkQuery): readonly string[] {
    return this.#page(query, (child) => {
      if (ENDED.has(child.status)) return false;
      const parent = this.#parentOf(child);
      return parent !== undefined && (ENDED.has(parent.status) || this.#isOver(child, parent));
    });
  }

  #parentOf({ parentRunId, parentStep }: RunRecord): RunRecord | undefined {
    return parentRunId === undefined || parentStep === undefined ? undefined : this.#shelf.get(parentRunId);
  }

  #isOver({ parentStep }: RunRecord, parent: RunRecord): boolean {
    const { key, attempt } = parentStep ?? { key: "", attempt: 0 };
    return this.#shelf
      .read(parent.runId, 1, Number.POSITIVE_INFINITY)
      .some(
        (row) =>
          row.key === key &&
          row.attempt !== undefined &&
          (row.attempt > attempt || (row.attempt === attempt && row.type === "step_completed")),
      );
  }

  #page({ limit, after }: LinkQuery, test: (run: RunRecord) => boolean): readonly string[] {
    const last = after === undefined ? undefined : this.#shelf.get(after);
    if (after !== undefined && last === undefined) return [];
    const found: string[] = [];
    for (const run of this.#shelf.oldestFirst()) {
      if (found.length >= limit) break;
      if ((last === undefined || isOlder(last, run)) && test(run)) found.push(run.runId);
    }
    return found;
  }
}
