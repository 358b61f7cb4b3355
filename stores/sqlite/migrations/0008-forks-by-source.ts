/** Finding the forks of a run. */
export const forksBySource = `
CREATE INDEX runs_by_source ON runs (forked_from) WHERE forked_from IS NOT NULL;
`;
