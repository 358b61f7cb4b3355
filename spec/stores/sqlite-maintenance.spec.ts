import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openSqliteStores, type SqliteStores } from "../../stores/sqlite/index.ts";
import { temporaryDirectories } from "./data-directories.ts";
import { anAppend, aRun, rows } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();

/** A data directory that holds a backup and nothing else. */
function restored(backup: string): string {
  const dataDir = temporaryDirectory();
  renameSync(backup, join(dataDir, "swarm-host.db"));
  return dataDir;
}

async function grow(stores: SqliteStores, runId: string, from: number, count: number): Promise<void> {
  for (let seq = from; seq < from + count; seq += 1) {
    const blobs = [{ digest: `sha256:${runId}:${seq}`, text: `blob ${seq}` }];
    await stores.journals.append([anAppend(runId, seq, 1, { blobs })]);
  }
}

describe("a backup", () => {
  it("is a store with all that was acknowledged before it began, position for position", async () => {
    const target = join(temporaryDirectory(), "copy.db");
    await using stores = await openSqliteStores({ dataDir: temporaryDirectory() });
    await stores.runs.create([aRun("a"), aRun("b"), aRun("gone", { status: "done" })]);
    await stores.journals.append([anAppend("a", 1, 2), anAppend("gone", 1, 3), anAppend("b", 1, 1)]);
    await stores.runs.remove(["gone"]);
    await stores.snapshots.put("a", { nextSeq: 3, prev: "p", text: "t" });
    await stores.maintenance.backup(target);
    await grow(stores, "a", 3, 5);

    await using copy = await openSqliteStores({ dataDir: restored(target) });
    expect(await copy.maintenance.integrityCheck()).toEqual([]);
    expect(await copy.journals.read("a", 1, 99)).toEqual(rows(1, 2));
    expect(await copy.snapshots.get("a")).toEqual({ nextSeq: 3, prev: "p", text: "t" });
    const tail = await stores.journals.tail(0, 3);
    expect(await copy.journals.tail(0, 99)).toEqual(tail);
    expect(await copy.journals.end()).toBe(tail.at(-1)!.position);
    expect(await copy.journals.append([anAppend("a", 3, 1)])).toEqual(["appended"]);
  });

  it("is whole while others write: of each journal a prefix, with the blobs it names", async () => {
    const target = join(temporaryDirectory(), "copy.db");
    await using stores = await openSqliteStores({ dataDir: temporaryDirectory() });
    const ids = ["a", "b", "c", "d"];
    await stores.runs.create(ids.map((id) => aRun(id)));
    let isCopying = true;
    const growing = ids.map(async (id) => {
      let seq = 1;
      for (; isCopying || seq < 20; seq += 1) await grow(stores, id, seq, 1);
      return seq - 1;
    });
    await stores.maintenance.backup(target);
    isCopying = false;
    const written = await Promise.all(growing);

    await using copy = await openSqliteStores({ dataDir: restored(target) });
    expect(await copy.maintenance.integrityCheck()).toEqual([]);
    for (const [index, id] of ids.entries()) {
      const journal = await copy.journals.read(id, 1, 100_000);
      expect(journal).toEqual(rows(1, journal.length));
      expect(journal.length).toBeLessThanOrEqual(written[index]!);
      expect(await copy.runs.get(id)).toMatchObject({ nextSeq: journal.length + 1 });
      const digests = journal.map(({ seq }) => `sha256:${id}:${seq}`);
      expect(await copy.blobs.get(digests)).toEqual(journal.map(({ seq }) => `blob ${seq}`));
    }
  });

  it("can be made of a store that is open for reading only", async () => {
    const dataDir = temporaryDirectory();
    const target = join(temporaryDirectory(), "copy.db");
    {
      await using stores = await openSqliteStores({ dataDir });
      await stores.runs.create([aRun("a")]);
    }
    {
      await using stores = await openSqliteStores({ dataDir, mode: "read" });
      await stores.maintenance.backup(target);
    }
    await using copy = await openSqliteStores({ dataDir: restored(target), mode: "read" });
    expect(await copy.runs.get("a")).toEqual(aRun("a"));
  });

  it("is readable by its owner only, and leaves nothing beside it", async () => {
    const directory = temporaryDirectory();
    await using stores = await openSqliteStores({ dataDir: temporaryDirectory() });
    await stores.maintenance.backup(join(directory, "copy.db"));
    expect(readdirSync(directory)).toEqual(["copy.db"]);
    expect(statSync(join(directory, "copy.db")).mode & 0o777).toBe(0o600);
  });

  it.each(["a file", "an empty file", "a directory"])("never replaces what is there: %s", async (what) => {
    const directory = temporaryDirectory();
    const target = join(directory, "copy.db");
    if (what === "a directory") mkdirSync(target);
    else writeFileSync(target, what === "a file" ? "mine" : "");
    const before = statSync(target, { bigint: true });
    await using stores = await openSqliteStores({ dataDir: temporaryDirectory() });
    await expect(stores.maintenance.backup(target)).rejects.toMatchObject({
      name: "StoreError",
      code: "file_exists",
      details: { path: target },
    });
    expect(statSync(target, { bigint: true })).toEqual(before);
    expect(readdirSync(directory)).toEqual(["copy.db"]);
  });

  it("says what stands in the way of an earlier one that was broken off", async () => {
    const directory = temporaryDirectory();
    const target = join(directory, "copy.db");
    writeFileSync(`${target}.partial`, "half");
    await using stores = await openSqliteStores({ dataDir: temporaryDirectory() });
    await expect(stores.maintenance.backup(target)).rejects.toMatchObject({
      code: "file_exists",
      details: { path: `${target}.partial` },
    });
  });

  it("of which nothing can be written leaves nothing, and the store goes on", async () => {
    const directory = temporaryDirectory();
    await using stores = await openSqliteStores({ dataDir: temporaryDirectory() });
    await stores.runs.create([aRun("a")]);
    const failing = stores.maintenance.backup(join(directory, "no such directory", "copy.db"));
    await expect(failing).rejects.toMatchObject({ name: "StoreError", code: "store_io" });
    expect(readdirSync(directory)).toEqual([]);
    expect(await stores.journals.append([anAppend("a", 1)])).toEqual(["appended"]);
    await stores.maintenance.backup(join(directory, "copy.db"));
  });

  it("that was asked for is finished before the store is closed", async () => {
    const target = join(temporaryDirectory(), "copy.db");
    const stores = await openSqliteStores({ dataDir: temporaryDirectory() });
    const backups = [stores.maintenance.backup(target), stores.maintenance.usage()];
    await stores[Symbol.asyncDispose]();
    await Promise.all(backups);
    expect(statSync(target).size).toBeGreaterThan(0);
    await expect(stores.maintenance.backup(target)).rejects.toMatchObject({ code: "store_closed" });
  });
});

describe("usage", () => {
  it("counts runs, entries, blobs and the bytes of the store's files", async () => {
    const dataDir = temporaryDirectory();
    await using stores = await openSqliteStores({ dataDir });
    expect(await stores.maintenance.usage()).toMatchObject({ runs: 0, entries: 0, blobs: 0 });
    await stores.runs.create([aRun("a"), aRun("b", { nextSeq: 5 })]);
    const blobs = [{ digest: "sha256:x", text: "x".repeat(1_000_000) }];
    await stores.journals.append([anAppend("a", 1, 3, { blobs }), anAppend("b", 5, 1, { blobs })]);
    const usage = await stores.maintenance.usage();
    expect(usage).toMatchObject({ runs: 2, entries: 4, blobs: 1 });
    expect(usage.bytes).toBeGreaterThan(1_000_000);
  });
});

describe("the integrity check", () => {
  /** Breaks a closed store by hand. */
  async function brokenBy(sql: string): Promise<readonly string[]> {
    const dataDir = temporaryDirectory();
    {
      await using stores = await openSqliteStores({ dataDir });
      await stores.runs.create([aRun("a"), aRun("b")]);
      const blobs = [{ digest: "sha256:x", text: "x" }];
      await stores.journals.append([anAppend("a", 1, 3, { blobs }), anAppend("b", 1, 2, { blobs })]);
      expect(await stores.maintenance.integrityCheck()).toEqual([]);
    }
    const db = new DatabaseSync(join(dataDir, "swarm-host.db"), { enableForeignKeyConstraints: false });
    db.exec(sql);
    db.close();
    await using stores = await openSqliteStores({ dataDir, mode: "read" });
    return stores.maintenance.integrityCheck();
  }

  it.each([
    ["an entry that is gone", "DELETE FROM journal WHERE seq = 2 AND run_no = 1", /journal of run a has 2 of 3/],
    ["a run that is gone", "DELETE FROM runs WHERE run_id = 'b'", /2 journal entries belong to run number 2/],
    ["a blob that is gone", "DELETE FROM blobs", /the journal of run a names the blob sha256:x, which is not here/],
    [
      "a blob that is named and not kept for the run",
      `UPDATE journal SET text = '{"value":{"blob":"sha256:x"}}'; DELETE FROM blob_refs WHERE run_no = 2`,
      /the journal of run b names the blob sha256:x, which is not kept for it/,
    ],
    ["a blob that nobody counts", "DELETE FROM blob_uses", /nobody counts who uses the blob sha256:x/],
    ["a wrong count", "UPDATE blob_uses SET runs = 5", /sha256:x is used by 2 runs, and 5 are counted/],
  ])("names %s", async (_what, sql, message) => {
    const damage = await brokenBy(sql);
    expect(damage.join("\n")).toMatch(message);
  });
});
