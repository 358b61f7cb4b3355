/**
 * What runs have to do with one another: holds, children, forks, and which version of each Blueprint is the newest. A store
 * from before knows the newest version as that of the latest run that was no fork.
 */
export const families = `
ALTER TABLE runs ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN parent_key TEXT;
ALTER TABLE runs ADD COLUMN parent_attempt INTEGER;

CREATE INDEX runs_by_parent ON runs (parent_run_id, created_at, run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX runs_live_children ON runs (created_at, run_id)
  WHERE parent_key IS NOT NULL AND status IN ('pending', 'running', 'waiting', 'suspended', 'paused');
CREATE INDEX runs_by_source ON runs (forked_from) WHERE forked_from IS NOT NULL;

CREATE TABLE newest_versions (
  bp_id TEXT NOT NULL PRIMARY KEY,
  version TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO newest_versions (bp_id, version)
  SELECT bp_id, bp_version FROM (
    SELECT bp_id, bp_version, max(created_at) FROM runs WHERE forked_from IS NULL GROUP BY bp_id
  );
`;
