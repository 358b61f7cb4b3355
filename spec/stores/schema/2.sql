PRAGMA application_id = 1398230344;

PRAGMA user_version = 2;

CREATE TABLE runs (
  run_no INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  bp_id TEXT NOT NULL,
  bp_version TEXT NOT NULL,
  fence INTEGER NOT NULL,
  owner TEXT,
  next_seq INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  error TEXT,
  parent_run_id TEXT
, recovery_attempts INTEGER NOT NULL DEFAULT 0, wake_at INTEGER, forked_from TEXT, idempotency_key TEXT) STRICT;

CREATE INDEX runs_by_age ON runs (created_at, run_id);

CREATE INDEX runs_by_status ON runs (status, created_at, run_id);

CREATE INDEX runs_by_blueprint ON runs (bp_id, created_at, run_id);

CREATE TABLE blobs (
  digest TEXT NOT NULL PRIMARY KEY,
  size INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE documents (
  version TEXT NOT NULL PRIMARY KEY,
  bp_id TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;

CREATE INDEX runs_by_wake ON runs (wake_at, run_id) WHERE status = 'waiting' AND wake_at IS NOT NULL;

CREATE UNIQUE INDEX runs_by_key ON runs (idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE leases (
  host_id TEXT NOT NULL PRIMARY KEY,
  lease_until INTEGER NOT NULL
) STRICT;

CREATE TABLE "journal" (
  position INTEGER PRIMARY KEY,
  run_no INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  step_key TEXT,
  attempt INTEGER,
  text TEXT NOT NULL,
  UNIQUE (run_no, seq)
) STRICT;

CREATE TABLE journal_end (
  position INTEGER NOT NULL
) STRICT;

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

CREATE TABLE document_uses (
  version TEXT NOT NULL PRIMARY KEY,
  runs INTEGER NOT NULL,
  put_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX documents_unused ON document_uses (put_at, version) WHERE runs = 0;
