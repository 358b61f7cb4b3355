/** Runs that are held, and finding the children of a run. */
export const holdsAndChildren = `
ALTER TABLE runs ADD COLUMN held INTEGER NOT NULL DEFAULT 0;

CREATE INDEX runs_by_parent ON runs (parent_run_id, created_at, run_id) WHERE parent_run_id IS NOT NULL;
`;
