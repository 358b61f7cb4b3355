/**
 * The schema of each released version is recorded in schema/<version>.sql. A recorded file is never changed: stores with
 * that schema are out there.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { assertReadable, migrate, schemaVersion } from "../../stores/sqlite/migrate.ts";
import { MIGRATIONS } from "../../stores/sqlite/migrations/index.ts";
import { startChild } from "./child.ts";
import { snapshot, temporaryDirectories } from "./data-directories.ts";
import { anAppend, aRun, rows } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();
const LATEST = MIGRATIONS.length;
const VERSIONS = MIGRATIONS.map((_, index) => index + 1);

const recorded = (version: number): string => readFileSync(new URL(`./schema/${version}.sql`, import.meta.url), "utf8");

function inDatabase<T>(dataDir: string, use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(dataDir, "swarm-host.db"));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

/** The schema as SQL that makes the same one again. */
function dump(db: DatabaseSync): string {
  const pragmas = ["application_id", "user_version"].map(
    (name) => `PRAGMA ${name} = ${db.prepare(`PRAGMA ${name}`).get()![name]}`,
  );
  const objects = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").all();
  return [...pragmas, ...objects.map(({ sql }) => String(sql))].map((statement) => `${statement};\n`).join("\n");
}

describe("the schema", () => {
  it("is what is recorded for the latest version", async () => {
    const dataDir = temporaryDirectory();
    await (await openSqliteStores({ dataDir }))[Symbol.asyncDispose]();
    expect(inDatabase(dataDir, dump)).toBe(recorded(LATEST));
  });

  it("is kept in WAL mode", async () => {
    const dataDir = temporaryDirectory();
    await (await openSqliteStores({ dataDir }))[Symbol.asyncDispose]();
    expect(inDatabase(dataDir, (db) => db.prepare("PRAGMA journal_mode").get())).toEqual({ journal_mode: "wal" });
  });

  it.each(VERSIONS)("is reached from version %i, with everything that was in the store", async (version) => {
    const dataDir = temporaryDirectory();
    inDatabase(dataDir, (db) => {
      db.exec(recorded(version));
      if (version > 1) db.exec("INSERT INTO journal_end (position) VALUES (0)");
      db.exec(`INSERT INTO runs (run_no, run_id, status, bp_id, bp_version, fence, next_seq, created_at, updated_at)
        VALUES (1, 'r', 'running', 'demo', 'sha256:00', 1, 2, 1000, 1000)`);
      db.exec(`INSERT INTO journal (run_no, seq, type, step_key, attempt, text)
        VALUES (1, 1, 'step_completed', '1', 1, '${rows(1, 1)[0]!.text}')`);
    });
    {
      await using stores = await openSqliteStores({ dataDir });
      expect(await stores.runs.get("r")).toEqual(aRun("r", { nextSeq: 2 }));
      expect(await stores.journals.append([anAppend("r", 2)])).toEqual(["appended"]);
      expect(await stores.journals.read("r", 1, 10)).toEqual(rows(1, 2));
    }
    expect(inDatabase(dataDir, dump)).toBe(recorded(LATEST));
  });

  it("is reached from version 1 with what runs use of its texts counted, and a place in the tail for each row", async () => {
    const dataDir = temporaryDirectory();
    const entry = (seq: number, name: string) => `{"seq":${seq},"value":{"blob":"sha256:${name}","bytes":1}}`;
    inDatabase(dataDir, (db) => {
      db.exec(recorded(1));
      db.exec(`INSERT INTO runs (run_no, run_id, status, bp_id, bp_version, fence, next_seq, created_at, updated_at)
        VALUES (1, 'a', 'done', 'demo', 'v1', 1, 4, 1, 1), (2, 'b', 'done', 'demo', 'v1', 1, 2, 1, 1)`);
      const insert = db.prepare("INSERT INTO journal (run_no, seq, type, text) VALUES (?, ?, 'step_completed', ?)");
      insert.run(1, 1, entry(1, "shared"));
      insert.run(2, 1, entry(1, "shared"));
      insert.run(1, 2, entry(2, "own"));
      insert.run(1, 3, "");
      for (const name of ["shared", "own", "nobody's"]) {
        db.prepare("INSERT INTO blobs (digest, size, text) VALUES (?, 1, 'x')").run(`sha256:${name}`);
      }
      db.exec("INSERT INTO documents (version, bp_id, text) VALUES ('v1', 'demo', '{}'), ('v2', 'demo', '{}')");
    });
    await using stores = await openSqliteStores({ dataDir });
    expect((await stores.journals.tail(0, 9)).map(({ runId, seq }) => `${runId}${seq}`)).toEqual([
      "a1",
      "b1",
      "a2",
      "a3",
    ]);
    expect(await stores.blobs.collect({ limit: 9 })).toEqual({ count: 1, bytes: 1 });
    expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 1 });
    await stores.runs.remove(["a"]);
    expect(await stores.blobs.collect({ limit: 9 })).toMatchObject({ count: 1 });
    expect(await stores.blobs.get(["sha256:shared", "sha256:own"])).toEqual(["x", undefined]);
    expect(await stores.documents.get("v1")).toBeDefined();
    await stores.runs.remove(["b"]);
    expect(await stores.blobs.collect({ limit: 9 })).toMatchObject({ count: 1 });
    // The newest version of a Blueprint stays, though no run uses it.
    expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 0 });
    expect(await stores.maintenance.integrityCheck()).toEqual([]);
  });

  it("is applied a version at a time: one that fails leaves the version before it, whole (G1)", () => {
    const dataDir = temporaryDirectory();
    const next = [
      ...MIGRATIONS,
      "CREATE TABLE later (a) STRICT",
      "CREATE TABLE half (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)",
    ];
    inDatabase(dataDir, (db) => {
      expect(() => migrate(db, 0, next.with(LATEST, "CREATE TABLE later (a INTEGER) STRICT"))).toThrow(/nowhere/);
    });
    inDatabase(dataDir, (db) => {
      expect(schemaVersion(db, dataDir, next.length)).toBe(LATEST + 1);
      const tables = db.prepare("SELECT name FROM sqlite_schema WHERE name IN ('later', 'half')").all();
      expect(tables).toEqual([{ name: "later" }]);
    });
  });
});

describe("a store from a newer version", () => {
  it("is refused for writing and for reading, and its file is not changed", async () => {
    const dataDir = temporaryDirectory();
    await (await openSqliteStores({ dataDir }))[Symbol.asyncDispose]();
    inDatabase(dataDir, (db) => db.exec("PRAGMA user_version = 99"));
    const before = snapshot(dataDir)["swarm-host.db"];
    for (const mode of ["write", "read"] as const) {
      await expect(openSqliteStores({ dataDir, mode })).rejects.toMatchObject({
        code: "store_newer",
        details: { version: 99, latest: LATEST },
      });
    }
    expect(snapshot(dataDir)["swarm-host.db"]).toEqual(before);
  });

  it("is left alone with its WAL, too, where its host was killed", async () => {
    const dataDir = temporaryDirectory();
    const host = startChild("hold", dataDir);
    expect(await host.said).toBe("open");
    // From within the same store, as its own next version would: the new number is in the WAL only.
    inDatabase(dataDir, (db) => db.exec("PRAGMA user_version = 99"));
    host.process.kill("SIGKILL");
    await host.ended;
    const files = ["swarm-host.db", "swarm-host.db-wal"];
    const before = snapshot(dataDir);
    await expect(openSqliteStores({ dataDir })).rejects.toMatchObject({ code: "store_newer" });
    const after = snapshot(dataDir);
    for (const file of files) expect(after[file]).toEqual(before[file]);
  });
});

describe("a store from an older version", () => {
  it("is not read as it is; the refusal names the way out", () => {
    const older = expect.objectContaining({
      code: "store_older",
      message: expect.stringContaining("open it for writing once"),
    });
    expect(() => assertReadable("store.db", 1, 2)).toThrow(older);
    expect(() => assertReadable("store.db", 2, 2)).not.toThrow();
  });
});
