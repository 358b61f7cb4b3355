/**
 * Queues by key: those that a host's layers name, and those of the engine for places that agents' policies bound.
 *
 * Owns: which queues there are, and what people see of them. Does not own: a queue's order (fair-queue.ts).
 */
import type { Clock } from "./clock.ts";
import { FairQueue, type QueueLimits, type Ticket } from "./fair-queue.ts";

/** A queue as people see it. */
export interface QueueView {
  readonly key: string;
  readonly limits: QueueLimits;
  /** How many hold a place, and the first of them. */
  readonly holding: number;
  readonly holders: readonly Ticket[];
  /** How many wait, and the first of them in the order they will be let through. */
  readonly waiting: number;
  readonly waiters: readonly Ticket[];
}

/** Idle queues are dropped when there are more than so many. */
const MANY_QUEUES = 10_000;
/** Tickets a view shows of each kind. */
const SHOWN = 100;

/** See the head of the file. */
export class FairQueues {
  readonly #clock: Pick<Clock, "now" | "timer">;
  readonly #queues = new Map<string, FairQueue>();
  #isHeld = false;

  constructor(clock: Pick<Clock, "now" | "timer">) {
    this.#clock = clock;
  }

  /** The queue of a key, under these limits from now on. */
  queue(key: string, limits: QueueLimits): FairQueue {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      if (this.#queues.size >= MANY_QUEUES) this.#dropIdle();
      queue = new FairQueue(limits, this.#clock, this.#isHeld);
      this.#queues.set(key, queue);
    } else if (!sameLimits(queue.limits, limits)) queue.adjust(limits);
    return queue;
  }

  /** Lets nobody through: while runs come back after a restart, those who have waited longest may be the last to. */
  hold(): void {
    this.#isHeld = true;
    for (const queue of this.#queues.values()) queue.hold();
  }

  /** Ends a hold. */
  release(): void {
    this.#isHeld = false;
    for (const queue of this.#queues.values()) queue.release();
  }

  /** The queues in which somebody waits or holds a place, by key. */
  view(): readonly QueueView[] {
    return [...this.#queues]
      .filter(([, queue]) => queue.waiting > 0 || queue.holders.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, queue]) => {
        const { limits, holders, waiting } = queue;
        const shown = holders.slice(0, SHOWN);
        return { key, limits, holding: holders.length, holders: shown, waiting, waiters: queue.next(SHOWN) };
      });
  }

  #dropIdle(): void {
    for (const [key, queue] of this.#queues) if (queue.isIdle) this.#queues.delete(key);
  }
}

function sameLimits(a: QueueLimits, b: QueueLimits): boolean {
  return (
    a.concurrency === b.concurrency &&
    a.maxWaiting === b.maxWaiting &&
    a.rate?.limit === b.rate?.limit &&
    a.rate?.perMs === b.rate?.perMs
  );
}
