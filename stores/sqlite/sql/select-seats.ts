/** Reads operators' sessions and seats. */
import type { DatabaseSync } from "node:sqlite";
import type { SeatRecord, SessionQuery, SessionRecord } from "../../ports.ts";
import { integer, optionalInteger, optionalText, type Row, rowsOf, text } from "./row.ts";

/** Reads sessions and seats; see SessionStore and SeatStore. */
export interface SelectSeats {
  session(sessionId: string): SessionRecord | undefined;
  sessions(query: SessionQuery): readonly SessionRecord[];
  ofRun(runId: string): readonly SeatRecord[];
  heldBy(sessionId: string, limit: number): readonly SeatRecord[];
}

/** For a SELECT over seats and runs whose rows `toSeat` takes. */
export const SEAT_COLUMNS = "run_id, seat, generation, holder, description, since";
/** Of every row of a session, in the order they are written and read in. */
export const SESSION_COLUMNS =
  "session_id, secret_digest, description, manifest, created_at, last_seen_at, verbs, ends_at";

/** Prepares the statements. */
export function selectSeats(db: DatabaseSync): SelectSeats {
  const one = db.prepare(`SELECT ${SESSION_COLUMNS} FROM operator_sessions WHERE session_id = ?`);
  const page = db.prepare(
    `SELECT ${SESSION_COLUMNS} FROM operator_sessions WHERE (created_at, session_id) > (?, ?) AND (last_seen_at < ? OR ends_at <= ?)
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
    sessions({ limit, after, over = { seenBefore: Number.MAX_SAFE_INTEGER, end: 0 } }) {
      const last = after === undefined ? undefined : session(after);
      if (after !== undefined && last === undefined) return [];
      const from = [last?.createdAt ?? Number.MIN_SAFE_INTEGER, last?.sessionId ?? ""];
      return rowsOf(page, [...from, over.seenBefore, over.end, Math.max(limit, 0)], toSession);
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
  const verbs = optionalText(row[6]);
  const endsAt = optionalInteger(row[7]);
  return {
    sessionId: text(row[0]),
    secretDigest: text(row[1]),
    description: text(row[2]),
    ...(manifest === undefined ? {} : { manifest }),
    ...(verbs === undefined ? {} : { verbs: verbs === "" ? [] : verbs.split(" ") }),
    ...(endsAt === undefined ? {} : { endsAt }),
    createdAt: integer(row[4]),
    lastSeenAt: integer(row[5]),
  };
}
