/** Keeps the blobs of an append, and counts the runs that use each. Must run in the transaction of the append. */
import type { DatabaseSync } from "node:sqlite";
import type { Blob } from "../../ports.ts";

/** Keeps a blob for a run that is here. */
export type KeepBlob = (runId: string, blob: Blob) => void;

/** Prepares the statements. */
export function keepBlob(db: DatabaseSync): KeepBlob {
  const insert = db.prepare(
    "INSERT INTO blobs (digest, size, text) VALUES (?1, octet_length(?2), ?2) ON CONFLICT (digest) DO NOTHING",
  );
  const refer = db.prepare(
    "INSERT INTO blob_refs (run_no, digest) SELECT run_no, ?2 FROM runs WHERE run_id = ?1 ON CONFLICT DO NOTHING",
  );
  const count = db.prepare(
    "INSERT INTO blob_uses (digest, runs) VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET runs = runs + 1",
  );
  return (runId, { digest, text }) => {
    insert.run(digest, text);
    if (refer.run(runId, digest).changes > 0) count.run(digest);
  };
}
