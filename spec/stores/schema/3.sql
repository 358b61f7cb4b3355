PRAGMA application_id = 1398230344;

PRAGMA user_version = 3;

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
, recovery_attempts INTEGER NOT NULL DEFAULT 0, wake_at INTEGER, forked_from TEXT, idempotency_key TEXT, held INTEGER NOT NULL DEFAULT 0, parent_key TEXT, parent_attempt INTEGER) STRICT;

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

CREATE TABLE operator_sessions (
  session_id TEXT NOT NULL PRIMARY KEY,
  secret_digest TEXT NOT NULL,
  description TEXT NOT NULL,
  manifest TEXT,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  verbs TEXT,
  ends_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX operator_sessions_by_age ON operator_sessions (created_at, session_id);

CREATE TABLE seats (
  run_no INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  seat TEXT NOT NULL,
  generation INTEGER NOT NULL,
  holder TEXT,
  description TEXT,
  since INTEGER NOT NULL,
  PRIMARY KEY (run_no, seat)
) STRICT, WITHOUT ROWID;

CREATE INDEX seats_by_holder ON seats (holder) WHERE holder IS NOT NULL;

CREATE TABLE requests (
  request_no INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  run_no INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  kind TEXT NOT NULL,
  step_key TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  step_id TEXT NOT NULL,
  agent TEXT NOT NULL,
  fence INTEGER NOT NULL,
  seat TEXT NOT NULL,
  name TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  deadline INTEGER,
  state TEXT NOT NULL,
  deliveries INTEGER NOT NULL,
  generation INTEGER,
  working_session TEXT,
  working_at INTEGER,
  working_note TEXT,
  form TEXT,
  verdict TEXT,
  digest TEXT,
  submitted_by TEXT,
  submitted_at INTEGER,
  closed_reason TEXT,
  closed_at INTEGER
) STRICT;

CREATE INDEX requests_of_run ON requests (run_no);

CREATE INDEX requests_open ON requests (run_no, seat, request_no) WHERE state = 'open';

CREATE INDEX requests_submitted ON requests (run_no) WHERE state = 'submitted';

CREATE INDEX requests_of_attempt ON requests (run_no, step_key, attempt) WHERE state <> 'closed';

CREATE TABLE request_texts (
  request_no INTEGER PRIMARY KEY REFERENCES requests ON DELETE CASCADE,
  body TEXT NOT NULL,
  terms TEXT
) STRICT;

CREATE TABLE request_values (
  request_no INTEGER PRIMARY KEY REFERENCES requests ON DELETE CASCADE,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE request_handles (
  handle_digest TEXT NOT NULL PRIMARY KEY,
  request_no INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
  generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX request_handles_by_request ON request_handles (request_no);

CREATE TABLE request_material (
  material_no INTEGER PRIMARY KEY,
  request_no INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  characters INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (request_no, kind, name)
) STRICT;

CREATE TABLE schedules (
  name TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL,
  next_at INTEGER,
  text TEXT NOT NULL
) STRICT;

CREATE INDEX schedules_by_next ON schedules (next_at, name) WHERE next_at IS NOT NULL;

CREATE INDEX runs_by_parent ON runs (parent_run_id, created_at, run_id) WHERE parent_run_id IS NOT NULL;

CREATE INDEX runs_live_children ON runs (created_at, run_id)
  WHERE parent_key IS NOT NULL AND status IN ('pending', 'running', 'waiting', 'suspended', 'paused');

CREATE INDEX runs_by_source ON runs (forked_from) WHERE forked_from IS NOT NULL;

CREATE TABLE newest_versions (
  bp_id TEXT NOT NULL PRIMARY KEY,
  version TEXT NOT NULL
) STRICT, WITHOUT ROWID;
