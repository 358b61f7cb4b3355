/** Reads what is kept under the digest of its text: pinned documents and blobs. */
import type { DatabaseSync } from "node:sqlite";
import type { PinnedDocument } from "../../ports.ts";
import { rowsOf, text } from "./row.ts";

/** Reads documents and blobs. */
export interface SelectContents {
  document(version: string): PinnedDocument | undefined;
  newest(blueprintId: string): string | undefined;
  blob(digest: string): string | undefined;
}

/** Prepares the statements. */
export function selectContents(db: DatabaseSync): SelectContents {
  const document = db.prepare("SELECT version, bp_id, text FROM documents WHERE version = ?");
  const newest = db.prepare(
    "SELECT version FROM newest_versions JOIN documents USING (version) WHERE newest_versions.bp_id = ?",
  );
  const blob = db.prepare("SELECT text FROM blobs WHERE digest = ?");
  return {
    document: (version) =>
      rowsOf(document, [version], (row) => ({
        version: text(row[0]),
        blueprintId: text(row[1]),
        text: text(row[2]),
      }))[0],
    newest: (blueprintId) => rowsOf(newest, [blueprintId], (row) => text(row[0]))[0],
    blob: (digest) => rowsOf(blob, [digest], (row) => text(row[0]))[0],
  };
}
