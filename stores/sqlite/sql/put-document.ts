/** Pins a document. A version that is here stays as it is: it is the digest of its text. */
import type { DatabaseSync } from "node:sqlite";
import type { PinnedDocument } from "../../ports.ts";

/** Keeps one document. */
export type PutDocument = (document: PinnedDocument) => void;

/** Prepares the statement. */
export function putDocument(db: DatabaseSync): PutDocument {
  const insert = db.prepare(
    "INSERT INTO documents (version, bp_id, text) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING",
  );
  return ({ version, blueprintId, text }) => {
    insert.run(version, blueprintId, text);
  };
}
