/**
 * Schedules. `text` is the whole record as JSON: a schedule is read and written as one; the columns are for finding it.
 * The document of each is counted in `document_uses`, as a run's is.
 */
export const schedules = `
CREATE TABLE schedules (
  name TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL,
  next_at INTEGER,
  text TEXT NOT NULL
) STRICT;

CREATE INDEX schedules_by_next ON schedules (next_at, name) WHERE next_at IS NOT NULL;
`;
