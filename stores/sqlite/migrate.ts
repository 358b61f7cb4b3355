/**
 * Schema versions: is this file one of ours, is it too new or too old, and what brings it up to date.
 *
 * G1  A migration and the version it leads to are one transaction: a crash leaves the version before or after, whole.
 * G2  Looking at the version writes nothing, so that a store that is refused stays as it was.
 */
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../ports.ts";
import { MIGRATIONS } from "./migrations/index.ts";

const APPLICATION_ID = 0x53574d48;

/**
 * The schema version of an open database; 0 for an empty one (G2).
 * Throws StoreError `store_newer` above `latest`, `store_corrupt` where the file is another program's.
 */
export function schemaVersion(db: DatabaseSync, path: string, latest: number = MIGRATIONS.length): number {
  const version = pragma(db, "user_version");
  const tables = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]);
  if (version === 0 && tables === 0) return 0;
  if (pragma(db, "application_id") !== APPLICATION_ID) {
    throw new StoreError("store_corrupt", `${path} is not a swarm-host store: choose another data directory`, {
      details: { path },
    });
  }
  if (version > latest) {
    throw new StoreError(
      "store_newer",
      `${path} has schema version ${version}, this swarm-host knows versions up to ${latest}: use a newer swarm-host; the store was not changed`,
      { details: { path, version, latest } },
    );
  }
  return version;
}

/** Throws StoreError `store_older` where a store of this version must be migrated before it can be read. */
export function assertReadable(path: string, version: number, latest: number = MIGRATIONS.length): void {
  if (version >= latest) return;
  throw new StoreError(
    "store_older",
    `${path} has schema version ${version}, this swarm-host reads version ${latest}: open it for writing once to bring it up to date`,
    { details: { path, version, latest } },
  );
}

/** Applies the migrations after version `from`, one transaction each (G1). Gives the version reached. */
export function migrate(db: DatabaseSync, from: number, migrations: readonly string[] = MIGRATIONS): number {
  for (let version = from; version < migrations.length; version += 1) {
    db.exec(`BEGIN IMMEDIATE; ${migrations[version]}; PRAGMA user_version = ${version + 1}; COMMIT`);
  }
  return migrations.length;
}

function pragma(db: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
