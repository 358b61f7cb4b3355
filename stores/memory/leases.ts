/**
 * Who may write which run of a memory store: hosts' leases, and claims (O1, O2). Every claim looks at all runs, which a
 * memory store can afford.
 */
import type { ClaimOrder, RunRecord } from "../ports.ts";
import { DRIVEN, ENDED } from "../run-status.ts";
import { isOlder, type RunShelf } from "./run-shelf.ts";

/** The leases on the runs of a shelf. */
export class Leases {
  readonly #shelf: RunShelf;
  readonly #now: () => number;
  /** When each host's lease ends. */
  readonly #until = new Map<string, number>();

  /** @param now The store's clock. */
  constructor(shelf: RunShelf, now: () => number) {
    this.#shelf = shelf;
    this.#now = now;
  }

  /** See OwnershipStore.renew. */
  renew(hostId: string, leaseMs: number): void {
    this.#until.set(hostId, this.#now() + leaseMs);
  }

  /** See OwnershipStore.leave. */
  leave(hostId: string): void {
    this.#until.delete(hostId);
  }

  /** See OwnershipStore.claim. */
  claim({ hostId, limit, which, except = [] }: ClaimOrder): readonly RunRecord[] {
    const unwanted = new Set(except);
    return this.#candidates(hostId, which)
      .filter(({ runId }) => !unwanted.has(runId))
      .slice(0, Math.max(limit, 0))
      .map((record) => {
        const claimed = claimedBy(hostId, record);
        this.#shelf.replace(claimed);
        return claimed;
      });
  }

  /** See OwnershipStore.nextWake. */
  nextWake(): number | undefined {
    let next: number | undefined;
    for (const { status, wakeAt } of this.#shelf.oldestFirst()) {
      if (status === "waiting" && wakeAt !== undefined && (next === undefined || wakeAt < next)) next = wakeAt;
    }
    return next;
  }

  /** What may be claimed, in the order it is. */
  #candidates(hostId: string, which: ClaimOrder["which"]): readonly RunRecord[] {
    if (which === "own") return this.#filter(isDrivenBy(hostId));
    if (which === "abandoned") return this.#filter((run) => DRIVEN.has(run.status) && this.#isAbandoned(run, hostId));
    if (which === "due") return this.#due(hostId);
    if ("ownAfter" in which) {
      const last = this.#shelf.get(which.ownAfter);
      const isOwn = isDrivenBy(hostId);
      return last === undefined ? [] : this.#filter((run) => isOwn(run) && isOlder(last, run));
    }
    const run = this.#shelf.get(which.runId);
    if (run === undefined || ENDED.has(run.status)) return [];
    return run.owner === hostId || this.#isAbandoned(run, hostId) ? [run] : [];
  }

  #due(hostId: string): readonly RunRecord[] {
    const now = this.#now();
    const due = (run: RunRecord): boolean =>
      run.status === "waiting" && wakeAt(run) <= now && (run.owner === hostId || this.#isAbandoned(run, hostId));
    return this.#filter(due).sort((a, b) => wakeAt(a) - wakeAt(b) || (a.runId < b.runId ? -1 : 1));
  }

  #filter(test: (run: RunRecord) => boolean): RunRecord[] {
    const found: RunRecord[] = [];
    for (const run of this.#shelf.oldestFirst()) if (test(run)) found.push(run);
    return found;
  }

  /** Whether the run's owner is gone: none, or another host without a lease. */
  #isAbandoned({ owner }: RunRecord, hostId: string): boolean {
    return owner === undefined || (owner !== hostId && (this.#until.get(owner) ?? 0) <= this.#now());
  }
}

function isDrivenBy(hostId: string): (run: RunRecord) => boolean {
  return ({ owner, status }) => owner === hostId && DRIVEN.has(status);
}

function wakeAt(run: RunRecord): number {
  return run.wakeAt ?? Number.POSITIVE_INFINITY;
}

function claimedBy(owner: string, { wakeAt: _past, ...run }: RunRecord): RunRecord {
  return { ...run, owner, status: "running", fence: run.fence + 1, recoveryAttempts: run.recoveryAttempts + 1 };
}
