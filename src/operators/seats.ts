/**
 * Seats: who answers for what on a run.
 *
 * Owns: taking and giving back, and telling the run's journal of it. Does not own: the rule of generations (the store).
 *
 * H1  The store decides; the journal is told afterwards, for the record. A run that cannot be written keeps its seats.
 */
import type { SeatRecord } from "../../stores/ports.ts";
import { EngineError } from "../engine/index.ts";
import { OperatorError } from "./errors.ts";
import type { Acquired, AcquireOrder, SeatView } from "./operator-desk.ts";
import type { DeskPorts } from "./ports.ts";
import { unknownSession } from "./sessions.ts";

const MAX_DESCRIPTION = 1_000;

/** Told of a seat that has changed hands. */
export type SeatObserver = (seat: SeatRecord, previous: SeatRecord | undefined) => void;

/** The seats of the runs of one host. */
export class SeatTable {
  readonly #ports: DeskPorts;
  readonly #changed: SeatObserver;

  constructor(ports: DeskPorts, changed: SeatObserver) {
    this.#ports = ports;
    this.#changed = changed;
  }

  /** See OperatorDesk.seats. */
  async ofRun(runId: string, connected: (sessionId: string) => boolean): Promise<readonly SeatView[]> {
    const { seats } = await this.#ports.declared(runId);
    const held = new Map((await this.#ports.store.seats.ofRun(runId)).map((seat) => [seat.seat, seat]));
    return seats.map((seat) => {
      const record = held.get(seat);
      return {
        seat,
        generation: record?.generation ?? 0,
        holder: record?.holder ?? null,
        description: record?.description ?? null,
        since: record?.since ?? null,
        connected: record?.holder !== undefined && connected(record.holder),
      };
    });
  }

  /** See OperatorDesk.acquire. */
  async acquire({ runId, seat: wanted, sessionId, description }: AcquireOrder): Promise<Acquired> {
    if (description.trim() === "" || description.length > MAX_DESCRIPTION) {
      throw new OperatorError("seat_invalid", `say what the seat is taken for, in 1 to ${MAX_DESCRIPTION} characters`);
    }
    const { seats } = await this.#ports.declared(runId);
    const seat = seatAmong(seats, wanted);
    const at = this.#ports.clock.now();
    const result = await this.#ports.store.seats.acquire({ runId, seat, holder: sessionId, description, at });
    switch (result.kind) {
      case "unknown_run":
        throw new EngineError("run_unknown", `there is no run ${runId}`, { details: { runId } });
      case "run_ended":
        throw new EngineError("run_ended", `run ${runId} has ended: its seats are of no use`, { details: { runId } });
      case "unknown_session":
        throw unknownSession(sessionId);
      case "full":
        throw new OperatorError("seats_full", `as many seats of run ${runId} are held as can be`);
      case "acquired": {
        this.#changed(result.seat, result.previous);
        const isTakeover = result.previous?.holder !== undefined && result.previous.holder !== sessionId;
        await this.#record(result.seat, isTakeover ? "taken_over" : "acquired");
        return { seat: result.seat, ...(result.previous === undefined ? {} : { previous: result.previous }) };
      }
    }
  }

  /** See OperatorDesk.release. */
  async release(order: {
    readonly runId: string;
    readonly seat: string;
    readonly generation: number;
  }): Promise<SeatRecord> {
    const result = await this.#ports.store.seats.release({ ...order, at: this.#ports.clock.now() });
    if (result.kind === "stale") throw movedSeat(order.seat, result.seat);
    this.#changed(result.seat, result.previous);
    await this.#record(result.seat, "released");
    return result.seat;
  }

  /** A session is gone, and these are vacant. */
  async vacated(seats: readonly SeatRecord[], reason: string): Promise<void> {
    await Promise.all(
      seats.map((seat) => {
        this.#changed(seat, undefined);
        return this.#record(seat, reason);
      }),
    );
  }

  /** H1. */
  async #record({ runId, seat, generation, holder }: SeatRecord, reason: string): Promise<void> {
    try {
      const change = { seat, generation, reason, ...(holder === undefined ? {} : { holder }) };
      await this.#ports.seatChanged(runId, change);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
    }
  }
}

/** A reply under a generation that is no longer the seat's. */
export function movedSeat(seat: string, now: SeatRecord | undefined): OperatorError {
  const stands =
    now?.holder === undefined ? "is vacant" : `is held by ${now.holder} under generation ${now.generation} by now`;
  return new OperatorError("seat_moved", `the seat '${seat}' ${stands}: what was meant under another is not taken`, {
    details: { seat, ...(now === undefined ? {} : { generation: now.generation, holder: now.holder ?? null }) },
  });
}

function seatAmong(seats: readonly string[], wanted: string | undefined): string {
  const listed = seats.length === 0 ? "none" : seats.map((seat) => `'${seat}'`).join(", ");
  if (wanted === undefined) {
    if (seats.length === 1) return seats[0]!;
    throw new OperatorError("seat_required", `name the seat; the run's Blueprint declares ${listed}`);
  }
  if (seats.includes(wanted)) return wanted;
  throw new OperatorError("seat_unknown", `the run's Blueprint declares no seat '${wanted}'; it declares ${listed}`);
}
