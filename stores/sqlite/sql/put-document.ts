/**
 * Pins documents. A version that is here stays as it is: it is the digest of its text. Beside it stands how many runs are
 * pinned to it, and when it was last put, to the minute.
 */
import type { DatabaseSync } from "node:sqlite";
import type { WrittenDocument } from "../write-request.ts";

/** Keeps one document, put at `now`. */
export type PutDocument = (document: WrittenDocument, now: number) => void;

/** Counts runs that are pinned to a version, whether its document is here yet or not. */
export type PinDocument = (version: string, runs: number) => void;

/** Milliseconds by which the time of the last put may be too early: a launch a moment after another writes nothing. */
const PUT_AT_GRAIN_MS = 60_000;

/** Prepares the statements. */
export function putDocument(db: DatabaseSync): PutDocument {
  const insert = db.prepare(
    "INSERT INTO documents (version, bp_id, text) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING",
  );
  const touch = db.prepare(
    `INSERT INTO document_uses (version, runs, put_at) VALUES (?, 0, ?) ON CONFLICT (version)
     DO UPDATE SET put_at = excluded.put_at WHERE put_at < excluded.put_at - ${PUT_AT_GRAIN_MS}`,
  );
  const name = db.prepare(
    `INSERT INTO newest_versions (bp_id, version) VALUES (?, ?) ON CONFLICT (bp_id)
     DO UPDATE SET version = excluded.version WHERE version <> excluded.version`,
  );
  return ({ version, blueprintId, text, newest }, now) => {
    insert.run(version, blueprintId, text);
    touch.run(version, now);
    if (newest === true) name.run(blueprintId, version);
  };
}

/** Prepares the statement. */
export function pinDocument(db: DatabaseSync): PinDocument {
  const pin = db.prepare(
    `INSERT INTO document_uses (version, runs, put_at) VALUES (?, ?, 0)
     ON CONFLICT (version) DO UPDATE SET runs = runs + excluded.runs`,
  );
  return (version, runs) => {
    pin.run(version, runs);
  };
}
