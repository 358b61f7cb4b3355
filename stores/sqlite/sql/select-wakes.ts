/** When the next waiting run wants attention. */
import type { DatabaseSync } from "node:sqlite";
import { integer, rowsOf } from "./row.ts";

/** See OwnershipStore.nextWake. */
export type SelectNextWake = () => number | undefined;

/** Prepares the statement. */
export function selectNextWake(db: DatabaseSync): SelectNextWake {
  const first = db.prepare(
    "SELECT wake_at FROM runs WHERE status = 'waiting' AND wake_at IS NOT NULL ORDER BY wake_at LIMIT 1",
  );
  return () => rowsOf(first, [], (row) => integer(row[0]))[0];
}
