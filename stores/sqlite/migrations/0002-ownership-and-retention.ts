/**
 * Version 2: leases, wakes, idempotency keys and forks; snapshots; positions in the journal; who uses which blob and
 * document.
 *
 * `journal` is made anew for its positions: a rowid without a name may change when the file is copied. The writer counts
 * them, and `journal_end` remembers where it was when rows are removed; AUTOINCREMENT, which would do the same, writes a
 * page more at every commit. What runs use is counted beside the texts, not in their rows: changing a row means writing
 * its text again.
 */
export const ownershipAndRetention = `
ALTER TABLE runs ADD COLUMN recovery_attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN wake_at INTEGER;
ALTER TABLE runs ADD COLUMN forked_from TEXT;
ALTER TABLE runs ADD COLUMN idempotency_key TEXT;

CREATE INDEX runs_by_wake ON runs (wake_at, run_id) WHERE status = 'waiting' AND wake_at IS NOT NULL;
CREATE UNIQUE INDEX runs_by_key ON runs (idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE leases (
  host_id TEXT NOT NULL PRIMARY KEY,
  lease_until INTEGER NOT NULL
) STRICT;

CREATE TABLE journal_2 (
  position INTEGER PRIMARY KEY,
  run_no INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  step_key TEXT,
  attempt INTEGER,
  text TEXT NOT NULL,
  UNIQUE (run_no, seq)
) STRICT;
INSERT INTO journal_2 (position, run_no, seq, type, step_key, attempt, text)
  SELECT rowid, run_no, seq, type, step_key, attempt, text FROM journal ORDER BY rowid;
DROP TABLE journal;
ALTER TABLE journal_2 RENAME TO journal;

CREATE TABLE journal_end (
  position INTEGER NOT NULL
) STRICT;
INSERT INTO journal_end (position) SELECT coalesce(max(position), 0) FROM journal;

CREATE TABLE snapshots (
  run_no INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  next_seq INTEGER NOT NULL,
  prev TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE blob_refs (
  run_no INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  digest TEXT NOT NULL,
  PRIMARY KEY (run_no, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE blob_uses (
  digest TEXT NOT NULL PRIMARY KEY,
  runs INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_unused ON blob_uses (digest) WHERE runs = 0;

INSERT INTO blob_refs (run_no, digest)
  SELECT DISTINCT run_no, digest
  FROM (SELECT run_no, iif(json_valid(text), text ->> '$.value.blob', NULL) AS digest FROM journal)
  WHERE digest IN (SELECT digest FROM blobs);
INSERT INTO blob_uses (digest, runs) SELECT digest, count(*) FROM blob_refs GROUP BY digest;
INSERT INTO blob_uses (digest, runs) SELECT digest, 0 FROM blobs WHERE true ON CONFLICT (digest) DO NOTHING;

CREATE TABLE document_uses (
  version TEXT NOT NULL PRIMARY KEY,
  runs INTEGER NOT NULL,
  put_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX documents_unused ON document_uses (put_at, version) WHERE runs = 0;

INSERT INTO document_uses (version, runs, put_at) SELECT bp_version, count(*), 0 FROM runs GROUP BY bp_version;
INSERT INTO document_uses (version, runs, put_at) SELECT version, 0, 0 FROM documents WHERE true
  ON CONFLICT (version) DO NOTHING;
`;
