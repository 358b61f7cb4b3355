/** Writes operators' sessions and seats. Must run inside a transaction of the only writer: it looks first, then writes. */
import type { DatabaseSync } from "node:sqlite";
import {
  type AcquireResult,
  MAX_SEATS,
  MAX_SESSIONS,
  type ReleaseResult,
  type RunStatus,
  type SeatAcquisition,
  type SeatRecord,
  type SeatRelease,
  type SessionRecord,
} from "../../ports.ts";
import { ENDED } from "../../run-status.ts";
import { integer, rowsOf, text } from "./row.ts";
import { SEAT_COLUMNS, SESSION_COLUMNS, toSeat } from "./select-seats.ts";

/** Writes sessions and seats; see SessionStore and SeatStore. */
export interface WriteSeats {
  join(session: SessionRecord): "created" | "full";
  touch(sessionIds: readonly string[], at: number): void;
  leave(sessionIds: readonly string[], at: number): readonly SeatRecord[];
  acquire(order: SeatAcquisition): AcquireResult;
  release(order: SeatRelease): ReleaseResult;
}

/** Prepares the statements. */
export function writeSeats(db: DatabaseSync): WriteSeats {
  const count = db.prepare("SELECT count(*) FROM operator_sessions");
  const insert = db.prepare(`INSERT INTO operator_sessions (${SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const seen = db.prepare("UPDATE operator_sessions SET last_seen_at = ? WHERE session_id = ?");
  const session = db.prepare("SELECT 1 FROM operator_sessions WHERE session_id = ?");
  const remove = db.prepare("DELETE FROM operator_sessions WHERE session_id = ?");
  const run = db.prepare("SELECT run_no, status FROM runs WHERE run_id = ?");
  const one = db.prepare(
    `SELECT ${SEAT_COLUMNS} FROM seats JOIN runs USING (run_no) WHERE run_no = (SELECT run_no FROM runs WHERE run_id = ?) AND seat = ?`,
  );
  const held = db.prepare(`SELECT ${SEAT_COLUMNS} FROM seats JOIN runs USING (run_no) WHERE holder = ?`);
  const seats = db.prepare("SELECT count(*), coalesce(max(generation), 0) FROM seats WHERE run_no = ?");
  const put = db.prepare(
    `INSERT INTO seats (run_no, seat, generation, holder, description, since) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (run_no, seat) DO UPDATE SET generation = excluded.generation, holder = excluded.holder,
       description = excluded.description, since = excluded.since`,
  );

  const find = (runId: string): { readonly runNo: number; readonly status: RunStatus } | undefined =>
    rowsOf(run, [runId], (row) => ({ runNo: integer(row[0]), status: text(row[1]) as RunStatus }))[0];
  const ofRun = (runNo: number): { readonly count: number; readonly last: number } =>
    rowsOf(seats, [runNo], (row) => ({ count: integer(row[0]), last: integer(row[1]) }))[0]!;
  const vacate = ({ runId, seat }: SeatRecord, at: number): SeatRecord => {
    const { runNo } = find(runId)!;
    const generation = ofRun(runNo).last + 1;
    put.run(runNo, seat, generation, null, null, at);
    return { runId, seat, generation, since: at };
  };

  return {
    join({ sessionId, secretDigest, description, manifest, verbs, endsAt, createdAt, lastSeenAt }) {
      if (rowsOf(count, [], (row) => integer(row[0]))[0]! >= MAX_SESSIONS) return "full";
      const granted = [verbs?.join(" ") ?? null, endsAt ?? null];
      insert.run(sessionId, secretDigest, description, manifest ?? null, createdAt, lastSeenAt, ...granted);
      return "created";
    },
    touch(sessionIds, at) {
      for (const sessionId of sessionIds) seen.run(at, sessionId);
    },
    leave(sessionIds, at) {
      return sessionIds.flatMap((sessionId) => {
        if (remove.run(sessionId).changes === 0) return [];
        return rowsOf(held, [sessionId], toSeat).map((seat) => vacate(seat, at));
      });
    },
    acquire({ runId, seat, holder, description, at }) {
      const found = find(runId);
      if (found === undefined) return { kind: "unknown_run" };
      if (ENDED.has(found.status)) return { kind: "run_ended" };
      if (session.get(holder) === undefined) return { kind: "unknown_session" };
      const [previous] = rowsOf(one, [runId, seat], toSeat);
      const { count: taken, last } = ofRun(found.runNo);
      if (previous === undefined && taken >= MAX_SEATS) return { kind: "full" };
      put.run(found.runNo, seat, last + 1, holder, description, at);
      const acquired: SeatRecord = { runId, seat, generation: last + 1, holder, description, since: at };
      return { kind: "acquired", seat: acquired, ...(previous === undefined ? {} : { previous }) };
    },
    release({ runId, seat, generation, at }) {
      const [previous] = rowsOf(one, [runId, seat], toSeat);
      if (previous === undefined) return { kind: "stale" };
      if (previous.generation !== generation || previous.holder === undefined) return { kind: "stale", seat: previous };
      return { kind: "released", seat: vacate(previous, at), previous };
    },
  };
}
