/** Reads operators' sessions and seats. */
import type { DatabaseSync } from "node:sqlite";
import type { SeatRecord, SessionQuery, SessionRecord } from "../../ports.ts";
import { integer, optionalText, type Row, rowsOf, text } from "./row.ts";

/** Reads sessions and seats; see SessionStore and SeatStore. */
export interface SelectSeats {
  session(sessionId: string): SessionRecord | undefined;
  sessions(query: SessionQuery): readonly SessionRecord[];
  ofRun(runId: string): readonly SeatRecord[];
  heldBy(sessionId: string, limit: number): readonly SeatRecord[];
}

/** For a SELECT over seats and runs whose rows `toSeat` takes. */
export const SEAT_COLUMNS = "run_id, seat, generation, holder, description, since";
const SESSION_COLUMNS = "session_id, secret_digest, description, manifest, created_at, last_seen_at";

/** Prepares the statements. */
export function selectSeats(db: DatabaseSync): SelectSeats {
  const one = db.prepare(`SELECT ${SESSION_COLUMNS} FROM operator_sessions WHERE session_id = ?`);
  const page = db.prepare(
    `SELECT ${SESSION_COLUMNS} FROM operator_sessions WHERE (created_at, session_id) > (?, ?) AND last_seen_at < ?
     ORDER BY created_at, session_id LIMIT ?`,
  );
  const ofRun = db.prepare(
    `SELECT ${SEAT_COLUMNS} FROM seats JOIN runs USING (run_no)
     WHERE run_no = (SELECT run_no FROM runs WHERE run_id = ?) ORDER BY seat`,
  );
  const heldBy = db.prepare(`SELECT ${SEAT_COLUMNS} FROM seats JOIN runs USING (run_no) WHERE holder = ? LIMIT ?`);
  const session = (sessionId: string): SessionRecord | undefined => rowsOf(one, [sessionId], toSession)[0];
  return {
    session,
    sessions({ limit, after, seenBefore = Number.MAX_SAFE_INTEGER }) {
      const last = after === undefined ? undefined : session(after);
      if (after !== undefined && last === undefined) return [];
      const from = [last?.createdAt ?? Number.MIN_SAFE_INTEGER, last?.sessionId ?? ""];
      return rowsOf(page, [...from, seenBefore, Math.max(limit, 0)], toSession);
    },
    ofRun: (runId) => rowsOf(ofRun, [runId], toSeat),
    heldBy: (sessionId, limit) => rowsOf(heldBy, [sessionId, Math.max(limit, 0)], toSeat),
  };
}

/** A row of SEAT_COLUMNS. */
export function toSeat(row: Row): SeatRecord {
  const holder = optionalText(row[3]);
  const description = optionalText(row[4]);
  return {
    runId: text(row[0]),
    seat: text(row[1]),
    generation: integer(row[2]),
    ...(holder === undefined ? {} : { holder }),
    ...(description === undefined ? {} : { description }),
    since: integer(row[5]),
  };
}

function toSession(row: Row): SessionRecord {
  const manifest = optionalText(row[3]);
  return {
    sessionId: text(row[0]),
    secretDigest: text(row[1]),
    description: text(row[2]),
    ...(manifest === undefined ? {} : { manifest }),
    createdAt: integer(row[4]),
    lastSeenAt: integer(row[5]),
  };
}
