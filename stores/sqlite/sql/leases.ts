/** Hosts' leases: one row a host. A lease that has ended and none are the same. */
import type { DatabaseSync } from "node:sqlite";

/** Writes leases. Times are the store's clock's. */
export interface Leases {
  /** Makes a host's lease end at `until`, and forgets those that have ended by `now`. */
  renew(hostId: string, until: number, now: number): void;
  /** Ends a host's lease. */
  end(hostId: string): void;
}

/** Prepares the statements. */
export function leases(db: DatabaseSync): Leases {
  const forget = db.prepare("DELETE FROM leases WHERE lease_until <= ?");
  const renew = db.prepare(
    "INSERT INTO leases (host_id, lease_until) VALUES (?, ?) ON CONFLICT (host_id) DO UPDATE SET lease_until = excluded.lease_until",
  );
  const end = db.prepare("DELETE FROM leases WHERE host_id = ?");
  return {
    renew(hostId, until, now) {
      forget.run(now);
      renew.run(hostId, until);
    },
    end: (hostId) => void end.run(hostId),
  };
}
