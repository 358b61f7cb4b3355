import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { startChild } from "./child.ts";
import { snapshot, temporaryDirectories } from "./data-directories.ts";
import { anAppend, aRun, rows } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();

/** A data directory with one run in it, closed. */
async function aStore(): Promise<string> {
  const dataDir = temporaryDirectory();
  await using stores = await openSqliteStores({ dataDir });
  await stores.runs.create([aRun("r")]);
  await stores.journals.append([anAppend("r", 1, 2)]);
  return dataDir;
}

describe("the owner of a data directory", () => {
  it("keeps a second process out, which learns who has it and touches nothing", async () => {
    const dataDir = temporaryDirectory();
    const owner = startChild("hold", dataDir);
    expect(await owner.said).toBe("open");
    const before = snapshot(dataDir);
    await expect(openSqliteStores({ dataDir })).rejects.toMatchObject({
      code: "store_locked",
      message: expect.stringContaining(dataDir),
      details: { dataDir, pid: owner.pid },
    });
    expect(snapshot(dataDir)).toEqual(before);
    owner.process.stdin!.end();
    expect(await owner.ended).toBe(0);
  });

  it("keeps a second store of its own process out, and stays the owner", async () => {
    const dataDir = temporaryDirectory();
    await using _stores = await openSqliteStores({ dataDir });
    await expect(openSqliteStores({ dataDir })).rejects.toMatchObject({
      code: "store_locked",
      details: { pid: process.pid },
    });
    expect(await startChild("hold", dataDir).said).toMatch(/^store_locked .*process \d+/);
  });

  it("is exactly one of many that open an empty directory at once", async () => {
    const dataDir = join(temporaryDirectory(), "new", "deep");
    const contenders = Array.from({ length: 6 }, () => startChild("hold", dataDir));
    const said = await Promise.all(contenders.map((child) => child.said));
    expect(said.filter((line) => line === "open")).toHaveLength(1);
    expect(said.filter((line) => line.startsWith("store_locked "))).toHaveLength(5);
    for (const child of contenders) child.process.stdin!.end();
    await Promise.all(contenders.map((child) => child.ended));
  });

  it("gives it up when it closes", async () => {
    const dataDir = await aStore();
    await using again = await openSqliteStores({ dataDir });
    expect(await again.journals.read("r", 1, 10)).toEqual(rows(1, 2));
  });

  it("gives it up when it is killed, whatever it left behind", async () => {
    const dataDir = temporaryDirectory();
    const owner = startChild("hold", dataDir);
    expect(await owner.said).toBe("open");
    owner.process.kill("SIGKILL");
    expect(await owner.ended).toBe("SIGKILL");
    expect(existsSync(join(dataDir, "swarm-host.pid"))).toBe(true);
    await using stores = await openSqliteStores({ dataDir });
    expect(await stores.runs.list({ limit: 10 })).toHaveLength(1);
  });

  it("does not keep its process alive once everything is written", async () => {
    const child = startChild("hold", temporaryDirectory(), "leave");
    expect(await child.said).toBe("open");
    expect(await child.ended).toBe(0);
  });
});

describe("the files", () => {
  it("are for their owner alone, and only the database and the lock stay after closing", async () => {
    const dataDir = join(temporaryDirectory(), "made", "here");
    await (await openSqliteStores({ dataDir }))[Symbol.asyncDispose]();
    expect(readdirSync(dataDir).sort()).toEqual(["swarm-host.db", "swarm-host.lock"]);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dataDir)) expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600);
  });

  it("include a WAL and an index of it that are for their owner alone too", async () => {
    const dataDir = temporaryDirectory();
    await using stores = await openSqliteStores({ dataDir });
    await stores.runs.create([aRun("r")]);
    for (const name of ["swarm-host.db-wal", "swarm-host.db-shm"])
      expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600);
  });
});

describe("a reader", () => {
  it("sees what the owner wrote, while the owner goes on", async () => {
    const dataDir = temporaryDirectory();
    await using owner = await openSqliteStores({ dataDir });
    await owner.runs.create([aRun("r")]);
    await using reader = await openSqliteStores({ dataDir, mode: "read" });
    for (let seq = 1; seq <= 5; seq += 1) {
      await owner.journals.append([anAppend("r", seq)]);
      expect(await reader.runs.get("r")).toMatchObject({ nextSeq: seq + 1 });
    }
    expect(await reader.journals.read("r", 1, 10)).toEqual(rows(1, 5));
  });

  it("reads without an owner, and does not keep one out", async () => {
    const dataDir = await aStore();
    await using reader = await openSqliteStores({ dataDir, mode: "read" });
    expect(await reader.journals.read("r", 1, 10)).toEqual(rows(1, 2));
    await using owner = await openSqliteStores({ dataDir });
    await owner.journals.append([anAppend("r", 3)]);
    expect(await reader.journals.read("r", 3, 10)).toEqual(rows(3, 1));
  });

  it("cannot write", async () => {
    await using reader = await openSqliteStores({ dataDir: await aStore(), mode: "read" });
    const refused = { code: "store_read_only" };
    await expect(reader.journals.append([anAppend("r", 3)])).rejects.toMatchObject(refused);
    await expect(reader.runs.create([aRun("s")])).rejects.toMatchObject(refused);
    await expect(reader.documents.put({ version: "v", blueprintId: "b", text: "" })).rejects.toMatchObject(refused);
    expect(await reader.runs.get("r")).toMatchObject({ nextSeq: 3 });
  });

  it.each(["no directory", "an empty directory", "a database that was never written"])(
    "says so where there is no store: %s",
    async (what) => {
      const dataDir = join(temporaryDirectory(), "data");
      if (what !== "no directory") mkdirSync(dataDir);
      if (what.startsWith("a database")) writeFileSync(join(dataDir, "swarm-host.db"), "");
      await expect(openSqliteStores({ dataDir, mode: "read" })).rejects.toMatchObject({
        code: "store_missing",
        details: { dataDir },
      });
      expect(existsSync(dataDir)).toBe(what !== "no directory");
    },
  );
});

describe("a data directory that cannot be used", () => {
  it("is refused where a part of its path is a file", async () => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "mine");
    await expect(openSqliteStores({ dataDir: join(file, "data") })).rejects.toMatchObject({
      code: "store_io",
      message: expect.stringContaining(join(file, "data")),
    });
  });

  it("is refused where it cannot be written, and stays as it is", async () => {
    const dataDir = temporaryDirectory();
    chmodSync(dataDir, 0o555);
    const said = await startChild("open-unprivileged", dataDir).said;
    expect(said).toMatch(/^store_io could not lock .*check the disk and the permissions/);
    expect(said).toContain(dataDir);
    chmodSync(dataDir, 0o755);
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it("is refused where its database is no database, and stays as it is", async () => {
    const dataDir = temporaryDirectory();
    writeFileSync(join(dataDir, "swarm-host.db"), "this is not a database, but a letter of some length ".repeat(40));
    const before = snapshot(dataDir)["swarm-host.db"];
    for (const mode of ["write", "read"] as const) {
      await expect(openSqliteStores({ dataDir, mode })).rejects.toMatchObject({ code: "store_corrupt" });
    }
    expect(snapshot(dataDir)["swarm-host.db"]).toEqual(before);
  });

  it("is refused where its database is another program's, and stays as it is", async () => {
    const dataDir = temporaryDirectory();
    const other = new DatabaseSync(join(dataDir, "swarm-host.db"));
    other.exec("CREATE TABLE theirs (a); PRAGMA user_version = 1");
    other.close();
    const before = snapshot(dataDir)["swarm-host.db"];
    await expect(openSqliteStores({ dataDir })).rejects.toMatchObject({
      code: "store_corrupt",
      message: expect.stringContaining("not a swarm-host store"),
    });
    expect(snapshot(dataDir)["swarm-host.db"]).toEqual(before);
  });

  it("is free again after every refusal", async () => {
    const dataDir = temporaryDirectory();
    const database = join(dataDir, "swarm-host.db");
    writeFileSync(database, "no database".repeat(100));
    await expect(openSqliteStores({ dataDir })).rejects.toMatchObject({ code: "store_corrupt" });
    writeFileSync(database, "");
    await using stores = await openSqliteStores({ dataDir });
    expect(await stores.runs.list({ limit: 1 })).toEqual([]);
  });
});

describe("the integrity check", () => {
  const inDatabase = <T>(dataDir: string, use: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(join(dataDir, "swarm-host.db"), { enableForeignKeyConstraints: false });
    try {
      return use(db);
    } finally {
      db.close();
    }
  };
  const check = async (dataDir: string): Promise<readonly string[]> => {
    await using stores = await openSqliteStores({ dataDir, mode: "read" });
    return stores.maintenance.integrityCheck();
  };

  it("finds nothing in a sound store", async () => {
    expect(await check(await aStore())).toEqual([]);
  });

  it.each([
    ["a missing last entry", "DELETE FROM journal WHERE seq = 2", /journal of run r .*expects seq 3 next/],
    [
      "a missing entry",
      "UPDATE journal SET seq = 3 WHERE seq = 2; UPDATE runs SET next_seq = 4",
      /journal of run r has 2 of 3 entries/,
    ],
    ["entries of no run", "DELETE FROM runs", /2 journal entries belong to run number 1/],
  ])("names %s", async (_what, sql, finding) => {
    const dataDir = await aStore();
    inDatabase(dataDir, (db) => db.exec(sql));
    expect(await check(dataDir)).toEqual([expect.stringMatching(finding)]);
  });

  it("passes on what SQLite finds in a page that was overwritten", async () => {
    const dataDir = await aStore();
    const page = inDatabase(dataDir, (db) =>
      Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'runs_by_age'").get()!["rootpage"]),
    );
    const file = openSync(join(dataDir, "swarm-host.db"), "r+");
    writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, (page - 1) * 4096);
    closeSync(file);
    expect(await check(dataDir)).not.toEqual([]);
  });
});
