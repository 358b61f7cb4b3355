/** What a store holds, read past the host: to see that a request changed nothing. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What time alone changes: who holds the store until when, and when a session was last seen. */
const PASSING: ReadonlySet<string> = new Set(["leases", "operator_sessions.last_seen_at"]);

/** Every row of every table, as text. */
export function storeContents(dataDir: string): string {
  const db = new DatabaseSync(join(dataDir, "swarm-host.db"), { readOnly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    return tables
      .map(({ name }) => String(name))
      .filter((table) => !PASSING.has(table))
      .map((table) => {
        const rows = db.prepare(`SELECT * FROM "${table}"`).all();
        const kept = rows.map((row) => Object.entries(row).filter(([column]) => !PASSING.has(`${table}.${column}`)));
        return `${table} ${JSON.stringify(kept)}`;
      })
      .join("\n");
  } finally {
    db.close();
  }
}
