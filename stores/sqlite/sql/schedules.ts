/** Schedules: changed by the writer, in a transaction; read by the reader. */
import type { DatabaseSync } from "node:sqlite";
import type { ScheduleRecord } from "../../ports.ts";
import { scheduleExists } from "../../refusals.ts";
import { pinDocument } from "./put-document.ts";
import { type Row, rowsOf, text } from "./row.ts";

/** See ScheduleStore. `create` throws StoreError `schedule_exists` before it has written. */
export interface ChangeSchedules {
  create(schedule: ScheduleRecord): void;
  replace(schedule: ScheduleRecord): boolean;
  remove(name: string): boolean;
}

/** See ScheduleStore. */
export interface SelectSchedules {
  get(name: string): ScheduleRecord | undefined;
  list(limit: number, after: string | undefined): readonly ScheduleRecord[];
  upcoming(limit: number): readonly ScheduleRecord[];
}

/** Prepares the statements that write. */
export function changeSchedules(db: DatabaseSync): ChangeSchedules {
  const insert = db.prepare(
    "INSERT INTO schedules (name, revision, next_at, text) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
  );
  const update = db.prepare(
    "UPDATE schedules SET revision = ?2, next_at = ?3, text = ?4 WHERE name = ?1 AND revision = ?2 - 1",
  );
  const take = db.prepare("DELETE FROM schedules WHERE name = ? RETURNING text");
  const pin = pinDocument(db);
  return {
    create(schedule) {
      const { name, revision, nextAt, blueprintVersion } = schedule;
      if (insert.run(name, revision, nextAt ?? null, JSON.stringify(schedule)).changes === 0)
        throw scheduleExists(name);
      pin(blueprintVersion, 1);
    },
    replace(schedule) {
      const { name, revision, nextAt } = schedule;
      return update.run(name, revision, nextAt ?? null, JSON.stringify(schedule)).changes > 0;
    },
    remove(name) {
      const [removed] = rowsOf(take, [name], toSchedule);
      if (removed !== undefined) pin(removed.blueprintVersion, -1);
      return removed !== undefined;
    },
  };
}

/** Prepares the statements that read. */
export function selectSchedules(db: DatabaseSync): SelectSchedules {
  const one = db.prepare("SELECT text FROM schedules WHERE name = ?");
  const byName = db.prepare("SELECT text FROM schedules WHERE name > ? ORDER BY name LIMIT ?");
  const byNext = db.prepare("SELECT text FROM schedules WHERE next_at IS NOT NULL ORDER BY next_at, name LIMIT ?");
  return {
    get: (name) => rowsOf(one, [name], toSchedule)[0],
    list: (limit, after = "") => rowsOf(byName, [after, Math.max(limit, 0)], toSchedule),
    upcoming: (limit) => rowsOf(byNext, [Math.max(limit, 0)], toSchedule),
  };
}

function toSchedule(row: Row): ScheduleRecord {
  return JSON.parse(text(row[0])) as ScheduleRecord;
}
