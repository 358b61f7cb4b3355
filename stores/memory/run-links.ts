/** Which runs of a memory store were started by which, and which are forks of which. */
import type { RunRecord } from "../ports.ts";
import type { Relations, Relative } from "../removal.ts";

/** A run among its relatives. */
export interface Kin extends Relative {
  readonly record: RunRecord;
}

/** The links between the runs that are here. */
export class RunLinks implements Relations<Kin> {
  readonly #record: (runId: string) => RunRecord | undefined;
  readonly #children = new Map<string, Set<string>>();
  readonly #forks = new Map<string, Set<string>>();

  /** @param record A run's row. */
  constructor(record: (runId: string) => RunRecord | undefined) {
    this.#record = record;
  }

  add({ runId, parentRunId, forkedFrom }: RunRecord): void {
    link(this.#children, parentRunId, runId);
    link(this.#forks, forkedFrom, runId);
  }

  remove({ runId, parentRunId, forkedFrom }: RunRecord): void {
    unlink(this.#children, parentRunId, runId);
    unlink(this.#forks, forkedFrom, runId);
  }

  get(runId: string): Kin | undefined {
    const record = this.#record(runId);
    if (record === undefined) return undefined;
    const { status, held, nextSeq, parentRunId } = record;
    return { runId, status, isHeld: held === true, hasBegun: nextSeq > 1, parentRunId, record };
  }

  children(runId: string): readonly Kin[] {
    return [...(this.#children.get(runId) ?? [])].flatMap((child) => this.get(child) ?? []);
  }

  forks(runId: string): readonly Kin[] {
    return [...(this.#forks.get(runId) ?? [])].flatMap((fork) => this.get(fork) ?? []);
  }
}

function link(links: Map<string, Set<string>>, from: string | undefined, to: string): void {
  if (from !== undefined) links.set(from, (links.get(from) ?? new Set()).add(to));
}

function unlink(links: Map<string, Set<string>>, from: string | undefined, to: string): void {
  if (from === undefined) return;
  const left = links.get(from);
  left?.delete(to);
  if (left?.size === 0) links.delete(from);
}
