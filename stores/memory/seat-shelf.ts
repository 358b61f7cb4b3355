/** The operators' sessions and the seats of a memory store. */
import {
  type AcquireResult,
  MAX_SEATS,
  MAX_SESSIONS,
  type ReleaseResult,
  type SeatAcquisition,
  type SeatRecord,
  type SeatRelease,
  type SessionQuery,
  type SessionRecord,
} from "../ports.ts";
import { ENDED } from "../run-status.ts";
import type { RunShelf } from "./run-shelf.ts";

/** Sessions by id, seats by run and name. */
export class SeatShelf {
  readonly #runs: Pick<RunShelf, "get">;
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #seats = new Map<string, Map<string, SeatRecord>>();

  constructor(runs: Pick<RunShelf, "get">) {
    this.#runs = runs;
  }

  /** See SessionStore.create. */
  create(session: SessionRecord): "created" | "full" {
    if (this.#sessions.size >= MAX_SESSIONS) return "full";
    this.#sessions.set(session.sessionId, session);
    return "created";
  }

  /** See SessionStore.get. */
  session(sessionId: string): SessionRecord | undefined {
    return this.#sessions.get(sessionId);
  }

  /** See SessionStore.list. */
  sessions({ limit, after, over }: SessionQuery): readonly SessionRecord[] {
    const last = after === undefined ? undefined : this.#sessions.get(after);
    if (after !== undefined && last === undefined) return [];
    return [...this.#sessions.values()]
      .filter((one) => isOver(one, over) && (last === undefined || isOlderSession(last, one)))
      .sort((a, b) => (isOlderSession(a, b) ? -1 : 1))
      .slice(0, Math.max(limit, 0));
  }

  /** See SessionStore.touch. */
  touch(sessionIds: readonly string[], at: number): void {
    for (const sessionId of sessionIds) {
      const session = this.#sessions.get(sessionId);
      if (session !== undefined) this.#sessions.set(sessionId, { ...session, lastSeenAt: at });
    }
  }

  /** See SessionStore.remove. */
  remove(sessionIds: readonly string[], at: number): readonly SeatRecord[] {
    const vacated: SeatRecord[] = [];
    for (const sessionId of sessionIds) {
      if (!this.#sessions.delete(sessionId)) continue;
      for (const { runId, seat } of this.heldBy(sessionId, Number.POSITIVE_INFINITY)) {
        vacated.push(this.#put({ runId, seat, generation: this.#next(runId), since: at }));
      }
    }
    return vacated;
  }

  /** See SeatStore.acquire. */
  acquire({ runId, seat, holder, description, at }: SeatAcquisition): AcquireResult {
    const run = this.#runs.get(runId);
    if (run === undefined) return { kind: "unknown_run" };
    if (ENDED.has(run.status)) return { kind: "run_ended" };
    if (!this.#sessions.has(holder)) return { kind: "unknown_session" };
    const previous = this.get(runId, seat);
    if (previous === undefined && (this.#seats.get(runId)?.size ?? 0) >= MAX_SEATS) return { kind: "full" };
    const taken = this.#put({ runId, seat, generation: this.#next(runId), holder, description, since: at });
    return { kind: "acquired", seat: taken, ...(previous === undefined ? {} : { previous }) };
  }

  /** See SeatStore.release. */
  release({ runId, seat, generation, at }: SeatRelease): ReleaseResult {
    const previous = this.get(runId, seat);
    if (previous === undefined) return { kind: "stale" };
    if (previous.generation !== generation || previous.holder === undefined) return { kind: "stale", seat: previous };
    return {
      kind: "released",
      seat: this.#put({ runId, seat, generation: this.#next(runId), since: at }),
      previous,
    };
  }

  /** See SeatStore.ofRun. */
  ofRun(runId: string): readonly SeatRecord[] {
    return [...(this.#seats.get(runId)?.values() ?? [])].sort((a, b) => (a.seat < b.seat ? -1 : 1));
  }

  /** See SeatStore.heldBy. */
  heldBy(sessionId: string, limit: number): readonly SeatRecord[] {
    const held = [...this.#seats.values()].flatMap((seats) => [...seats.values()].filter(heldIs(sessionId)));
    return held.slice(0, Math.max(limit, 0));
  }

  /** A seat as it stands. */
  get(runId: string, seat: string): SeatRecord | undefined {
    return this.#seats.get(runId)?.get(seat);
  }

  /** Removes the seats of runs. */
  removeRuns(runIds: ReadonlySet<string>): void {
    for (const runId of runIds) this.#seats.delete(runId);
  }

  #put(seat: SeatRecord): SeatRecord {
    const seats = this.#seats.get(seat.runId) ?? new Map();
    this.#seats.set(seat.runId, seats.set(seat.seat, seat));
    return seat;
  }

  /** W3: one more than any seat of the run has. */
  #next(runId: string): number {
    return Math.max(0, ...this.ofRun(runId).map(({ generation }) => generation)) + 1;
  }
}

function heldIs(sessionId: string): (seat: SeatRecord) => boolean {
  return ({ holder }) => holder === sessionId;
}

function isOver({ lastSeenAt, endsAt }: SessionRecord, over: SessionQuery["over"]): boolean {
  return over === undefined || lastSeenAt < over.seenBefore || (endsAt !== undefined && endsAt <= over.end);
}

function isOlderSession(left: SessionRecord, right: SessionRecord): boolean {
  return left.createdAt === right.createdAt ? left.sessionId < right.sessionId : left.createdAt < right.createdAt;
}
