/**
 * One queue that steps pass through: how many at once, how many in a time, and who is next.
 *
 * Owns: the places, the rate, the order. Does not own: which queues there are (fair-queues.ts).
 *
 * W1  Never more than `concurrency` steps hold a place but for those that take one back, and never more than the rate's
 *     allowance is let through.
 * W2  Runs take turns: of two runs that wait, neither is let through more than once more often than the other meanwhile.
 * W3  Within a run, and between runs whose turn it equally is, who was scheduled first goes first. That time is journaled:
 *     the same steps wait in the same order after a restart, in whatever order they come back.
 * W4  Nobody is let through while the queue is held.
 */

import type { StepKey } from "../flow/index.ts";
import type { Clock, Timer } from "./clock.ts";
import type { StepCall } from "./dispatch.ts";

/** Who waits, or has passed and holds a place. */
export interface Ticket {
  readonly runId: string;
  readonly key: StepKey;
  readonly attempt: number;
  readonly agent: string;
  /** When the attempt was scheduled, in milliseconds since 1970. */
  readonly scheduledAt: number;
}

/** The ticket of a step. */
export function ticketOf({ runId, key, attempt, agent, scheduledAt }: StepCall): Ticket {
  return { runId, key, attempt, agent, scheduledAt };
}

/** What bounds a queue. */
export interface QueueLimits {
  /** Holders at once; absent: any number. */
  readonly concurrency?: number;
  /** So many in a time; a pause saves up at most `limit`. */
  readonly rate?: { readonly limit: number; readonly perMs: number };
  /** Who may wait at once; absent: any number. */
  readonly maxWaiting?: number;
}

/** Gives the place back. A second call changes nothing. */
export type Leave = () => void;

/** A run that waits. */
interface Lane {
  /** In the order of W3. */
  readonly waiters: Waiter[];
  /** Its next turn. */
  turn: number;
}

interface Waiter {
  readonly ticket: Ticket;
  readonly order: number;
  readonly grant: (leave: Leave) => void;
}

/** Whole allowances; a rest this small is a rounding error. */
const SLACK = 1e-9;

/** Turns of runs that no longer wait are looked through when there are more. */
const MANY_TURNS = 1_000;

/** See the head of the file. */
export class FairQueue {
  #limits: QueueLimits;
  readonly #clock: Pick<Clock, "now" | "timer">;
  readonly #holders = new Set<Ticket>();
  readonly #lanes = new Map<string, Lane>();
  /** The last turn of runs that waited lately, while anybody waits. */
  readonly #turns = new Map<string, number>();
  #turn = 0;
  #waiting = 0;
  #arrivals = 0;
  #allowance: number;
  #countedAt: number;
  #timer: Timer | undefined;
  #isHeld: boolean;

  constructor(limits: QueueLimits, clock: Pick<Clock, "now" | "timer">, isHeld = false) {
    this.#limits = limits;
    this.#clock = clock;
    this.#isHeld = isHeld;
    this.#allowance = limits.rate?.limit ?? 0;
    this.#countedAt = clock.now();
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  get limits(): QueueLimits {
    return this.#limits;
  }

  /** Those that hold a place, in the order they got it. Without `concurrency` nobody does. */
  get holders(): readonly Ticket[] {
    return [...this.#holders];
  }

  /** Whether a queue made anew would be the same. */
  get isIdle(): boolean {
    const { rate } = this.#limits;
    return this.#waiting === 0 && this.#holders.size === 0 && (rate === undefined || this.#saved() >= rate.limit);
  }

  /** The limits from now on: those of the Blueprint whose step came last. */
  adjust(limits: QueueLimits): void {
    const { rate } = limits;
    if (rate !== undefined) this.#allowance = Math.min(this.#saved(), rate.limit);
    this.#countedAt = this.#clock.now();
    this.#limits = limits;
  }

  /** Waits for the step's turn. `full`: too many wait. Undefined: aborted meanwhile; nothing is held then. */
  enter(ticket: Ticket, signal: AbortSignal): Promise<Leave | undefined> | "full" {
    const { maxWaiting = Number.POSITIVE_INFINITY } = this.#limits;
    const waits = !signal.aborted && (this.#waiting > 0 || !this.#isFree());
    return waits && this.#waiting >= maxWaiting ? "full" : this.wait(ticket, signal);
  }

  /** As `enter`, however many wait. */
  wait(ticket: Ticket, signal: AbortSignal): Promise<Leave | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    if (this.#waiting === 0 && this.#isFree()) return Promise.resolve(this.#pass(ticket));
    return new Promise((resolve) => {
      const waiter: Waiter = {
        ticket,
        order: this.#arrivals++,
        grant: (leave) => {
          signal.removeEventListener("abort", giveUp);
          resolve(leave);
        },
      };
      const giveUp = (): void => {
        this.#forget(waiter);
        resolve(undefined);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#join(waiter);
      this.#letThrough();
    });
  }

  /** Takes a place at once, also where none is free: for what had one before and cannot wait again. */
  take(ticket: Ticket): Leave {
    return this.#pass(ticket);
  }

  /** Lets nobody through until `release` (W4). */
  hold(): void {
    this.#isHeld = true;
  }

  /** Ends a hold. */
  release(): void {
    this.#isHeld = false;
    this.#letThrough();
  }

  /** The first who wait, in the order they will be let through if nobody else comes. */
  next(limit: number): readonly Ticket[] {
    const lanes = [...this.#lanes].map(([runId, { waiters, turn }]) => ({ runId, waiters, turn, at: 0 }));
    const shown: Ticket[] = [];
    while (shown.length < limit) {
      let first: (typeof lanes)[number] | undefined;
      for (const lane of lanes) {
        if (lane.at >= lane.waiters.length) continue;
        if (first === undefined || isBefore(headOf(lane), headOf(first))) first = lane;
      }
      if (first === undefined) break;
      shown.push((first.waiters[first.at] as Waiter).ticket);
      first.at += 1;
      first.turn += 1;
    }
    return shown;
  }

  #join(waiter: Waiter): void {
    const { runId } = waiter.ticket;
    let lane = this.#lanes.get(runId);
    if (lane === undefined) {
      lane = { waiters: [], turn: Math.max(this.#turn, this.#turns.get(runId) ?? 0) };
      this.#lanes.set(runId, lane);
    }
    let at = lane.waiters.length;
    while (at > 0 && (lane.waiters[at - 1] as Waiter).ticket.scheduledAt > waiter.ticket.scheduledAt) at -= 1;
    lane.waiters.splice(at, 0, waiter);
    this.#waiting += 1;
  }

  #forget(waiter: Waiter): void {
    const { runId } = waiter.ticket;
    const lane = this.#lanes.get(runId);
    if (lane === undefined) return;
    lane.waiters.splice(lane.waiters.indexOf(waiter), 1);
    this.#left(runId, lane);
  }

  #left(runId: string, lane: Lane): void {
    this.#waiting -= 1;
    if (lane.waiters.length === 0) {
      this.#lanes.delete(runId);
      if (lane.turn > this.#turn) this.#turns.set(runId, lane.turn);
      if (this.#turns.size > MANY_TURNS)
        for (const [former, turn] of this.#turns) if (turn <= this.#turn) this.#turns.delete(former);
    }
    if (this.#waiting > 0) return;
    this.#turns.clear();
    this.#turn = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #letThrough(): void {
    while (this.#waiting > 0 && this.#isFree()) {
      let first: { readonly runId: string; readonly lane: Lane } | undefined;
      for (const [runId, lane] of this.#lanes) {
        if (
          first === undefined ||
          isBefore(headOf({ runId, ...lane, at: 0 }), headOf({ ...first, ...first.lane, at: 0 }))
        )
          first = { runId, lane };
      }
      if (first === undefined) return;
      const { runId, lane } = first;
      const waiter = lane.waiters.shift() as Waiter;
      this.#turn = lane.turn;
      lane.turn += 1;
      const leave = this.#pass(waiter.ticket);
      this.#left(runId, lane);
      waiter.grant(leave);
    }
    this.#awaitAllowance();
  }

  #isFree(): boolean {
    const { concurrency, rate } = this.#limits;
    if (this.#isHeld) return false;
    if (concurrency !== undefined && this.#holders.size >= concurrency) return false;
    return rate === undefined || this.#saved() >= 1 - SLACK;
  }

  /** The allowance as of now. */
  #saved(): number {
    const { rate } = this.#limits;
    if (rate === undefined) return 0;
    const now = this.#clock.now();
    const grown = (Math.max(0, now - this.#countedAt) * rate.limit) / rate.perMs;
    return Math.min(rate.limit, this.#allowance + grown);
  }

  #pass(ticket: Ticket): Leave {
    const { concurrency, rate } = this.#limits;
    if (rate !== undefined) {
      this.#allowance = Math.max(0, this.#saved() - 1);
      this.#countedAt = this.#clock.now();
    }
    if (concurrency === undefined) return () => {};
    this.#holders.add(ticket);
    return () => {
      if (this.#holders.delete(ticket)) this.#letThrough();
    };
  }

  /** Comes back when the rate lets the next one through. */
  #awaitAllowance(): void {
    const { concurrency, rate } = this.#limits;
    if (rate === undefined || this.#isHeld || this.#waiting === 0 || this.#timer !== undefined) return;
    if (concurrency !== undefined && this.#holders.size >= concurrency) return;
    const missing = Math.max(0, 1 - this.#saved());
    const at = this.#clock.now() + Math.max(1, Math.ceil((missing * rate.perMs) / rate.limit));
    this.#timer = this.#clock.timer(at, () => {
      this.#timer = undefined;
      this.#letThrough();
    });
  }
}

interface Head {
  readonly turn: number;
  readonly scheduledAt: number;
  readonly runId: string;
}

function headOf(lane: {
  readonly runId: string;
  readonly waiters: readonly Waiter[];
  readonly turn: number;
  readonly at: number;
}): Head {
  return { turn: lane.turn, scheduledAt: (lane.waiters[lane.at] as Waiter).ticket.scheduledAt, runId: lane.runId };
}

/** W2, then W3, then something that is the same in every life. */
function isBefore(a: Head, b: Head): boolean {
  if (a.turn !== b.turn) return a.turn < b.turn;
  if (a.scheduledAt !== b.scheduledAt) return a.scheduledAt < b.scheduledAt;
  return a.runId < b.runId;
}
