/** What a session may do and how long it lasts: what whoever made it had. Sessions from before have all, and no end. */
export const sessionGrants = `
ALTER TABLE operator_sessions ADD COLUMN verbs TEXT;
ALTER TABLE operator_sessions ADD COLUMN ends_at INTEGER;
`;
