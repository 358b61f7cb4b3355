/** Counts what the store holds. Reads an index of every table. */
import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Usage } from "../../ports.ts";
import { integer, rowsOf } from "./row.ts";

/** @param path The database's, to see the sizes of its files. */
export function measureUsage(db: DatabaseSync, path: string): Usage {
  const count = (table: "runs" | "journal" | "blobs"): number =>
    rowsOf(db.prepare(`SELECT count(*) FROM ${table}`), [], (row) => integer(row[0]))[0] ?? 0;
  const files = [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return {
    runs: count("runs"),
    entries: count("journal"),
    blobs: count("blobs"),
    bytes: files.reduce((sum, size) => sum + size),
  };
}
