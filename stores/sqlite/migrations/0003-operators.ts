/**
 * Operators: sessions, seats, and requests with what was staged for them.
 *
 * Texts stand beside the rows of requests, not in them: a request's row is written at every delivery, and its texts are
 * not. They are removed when it is closed; the row stays as long as its run, to answer whoever comes late. `hook_after`
 * outlives its attempt (W2). A session's `verbs` and `ends_at` are what whoever made it had.
 */
export const operators = `
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
`;
