/**
 * When a run has come to wait for something from outside: it has left memory, and no child run of it goes on either.
 *
 * A parent leaves memory while its child works; whoever closed the host then would stop the child.
 */
import { MAX_CHILDREN } from "../../child-limits.ts";
import type { Host, RunEvent } from "../../host.ts";

type Parked = Extract<RunEvent, { type: "run_parked" }>;

/** Which waits count: `outside` are those that do not end by themselves at some time. */
export type Waits = "any" | "outside";

/** Watches one run of a host. */
export class IdleWatch {
  readonly #host: Host;
  readonly #counts: Waits;
  readonly #idle = Promise.withResolvers<Parked>();
  #parked: Parked | undefined;
  #runId: string | undefined;
  #stop: () => void = () => {};

  constructor(host: Host, { counts }: { readonly counts: Waits }) {
    this.#host = host;
    this.#counts = counts;
    // Whoever waits for it is told; where nobody does yet, the run itself fares no better.
    this.#idle.promise.catch(() => {});
  }

  /** An event of the run itself. */
  event(event: RunEvent): void {
    this.#parked = event.type === "run_parked" && this.#isCounted(event.wakeAt) ? event : undefined;
    void this.#look();
  }

  /** How it came to wait. Never resolves where it does not. */
  until(runId: string): Promise<Parked> {
    this.#runId = runId;
    this.#stop = this.#host.observeAll((_, { type }) => {
      if (type === "run_parked") void this.#look();
    });
    void this.#look();
    return this.#idle.promise;
  }

  /** Watches no more. */
  close(): void {
    this.#stop();
  }

  async #look(): Promise<void> {
    const parked = this.#parked;
    if (parked === undefined || this.#runId === undefined) return;
    try {
      const isGoing = await this.#isGoing(this.#runId, parked.at);
      if (!isGoing && this.#parked === parked) this.#idle.resolve(parked);
    } catch (error) {
      this.#idle.reject(error);
    }
  }

  #isCounted(wakeAt: number | undefined): boolean {
    return this.#counts === "any" || wakeAt === undefined;
  }

  /** Whether a child run of it, or of one of those, is under way, or has ended since the run left memory: then it is woken. */
  async #isGoing(runId: string, since: number): Promise<boolean> {
    const children = await this.#host.runs({ parentRunId: runId, limit: MAX_CHILDREN });
    for (const { runId: child, status, updatedAt, wakeAt } of children) {
      if (status === "pending" || status === "running") return true;
      if (status === "waiting" && (!this.#isCounted(wakeAt) || (await this.#isGoing(child, updatedAt)))) return true;
      const isOver = status === "done" || status === "failed" || status === "cancelled" || status === "dead_letter";
      if (isOver && updatedAt >= since) return true;
    }
    return false;
  }
}
