/** Removes texts that no run uses. Must run inside a transaction. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Collected } from "../../ports.ts";
import { integer, rowsOf, text } from "./row.ts";

/** Collects at most `limit`. */
export interface CollectContents {
  blobs(limit: number): Collected;
  /** @param newest Documents that were put after this are kept. */
  documents(limit: number, newest: number): Collected;
}

/** Prepares the statements. */
export function collectContents(db: DatabaseSync): CollectContents {
  const unusedBlobs = db.prepare("SELECT digest FROM blob_uses WHERE runs = 0 LIMIT ?");
  const removeBlob = db.prepare("DELETE FROM blobs WHERE digest = ? RETURNING size");
  const forgetBlob = db.prepare("DELETE FROM blob_uses WHERE digest = ?");
  const unusedDocuments = db.prepare(
    `SELECT version FROM document_uses WHERE runs = 0 AND put_at <= ?2
       AND version NOT IN (SELECT version FROM newest_versions) ORDER BY put_at, version LIMIT ?1`,
  );
  const removeDocument = db.prepare("DELETE FROM documents WHERE version = ? RETURNING octet_length(text)");
  const forgetDocument = db.prepare("DELETE FROM document_uses WHERE version = ?");

  const collect = (
    [unused, remove, forget]: readonly [StatementSync, StatementSync, StatementSync],
    bound: readonly SQLInputValue[],
  ): Collected => {
    let count = 0;
    let bytes = 0;
    for (const digest of rowsOf(unused, bound, (row) => text(row[0]))) {
      for (const size of rowsOf(remove, [digest], (row) => integer(row[0]))) {
        count += 1;
        bytes += size;
      }
      forget.run(digest);
    }
    return { count, bytes };
  };

  return {
    blobs: (limit) => collect([unusedBlobs, removeBlob, forgetBlob], [Math.max(limit, 0)]),
    documents: (limit, newest) =>
      collect([unusedDocuments, removeDocument, forgetDocument], [Math.max(limit, 0), newest]),
  };
}
