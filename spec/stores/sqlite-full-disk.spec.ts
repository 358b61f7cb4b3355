import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openForWriting } from "../../stores/sqlite/connection.ts";
import { GroupCommit } from "../../stores/sqlite/group-commit.ts";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { migrate } from "../../stores/sqlite/migrate.ts";
import type { WriteRequest } from "../../stores/sqlite/write-request.ts";
import { type Child, scriptPath, startCommand } from "./child.ts";
import { temporaryDirectories } from "./data-directories.ts";
import { anAppend, aRun } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();

describe("a group that does not fit on the disk", () => {
  /** A group commit whose first connection may not grow the file by more than `pages`; later ones may. */
  function limited(pages: number): { group: GroupCommit; read: <T>(use: (db: DatabaseSync) => T) => T } {
    const path = join(temporaryDirectory(), "small.db");
    const keeper = openForWriting(path, "full");
    migrate(keeper, 0);
    let opened = 0;
    const group = new GroupCommit(path, () => {
      const db = openForWriting(path, "full");
      opened += 1;
      if (opened === 1) {
        const size = Number(db.prepare("PRAGMA page_count").get()!["page_count"]);
        db.exec(`PRAGMA max_page_count = ${size + pages}`);
      }
      return db;
    });
    return { group, read: (use) => use(keeper) };
  }

  const document = (version: string, size: number): WriteRequest => ({
    kind: "document",
    document: { version, blueprintId: "demo", text: "x".repeat(size) },
    now: 0,
  });
  const versions = (db: DatabaseSync) =>
    db
      .prepare("SELECT version FROM documents ORDER BY version")
      .all()
      .map((row) => row["version"]);

  it("is refused whole, each of its requests with store_full, and nothing of it is there (T1)", () => {
    const { group, read } = limited(10);
    expect(group.commit([document("a", 100)])).toEqual(["done"]);
    const full = expect.objectContaining({ code: "store_full", message: expect.stringContaining("make room") });
    expect(group.commit([document("b", 100), document("c", 1_000_000), document("d", 100)])).toEqual([
      full,
      full,
      full,
    ]);
    expect(read(versions)).toEqual(["a"]);
  });

  it("does not stand in the way of the next, once there is room (T3)", () => {
    const { group, read } = limited(10);
    const big = document("big", 1_000_000);
    expect(group.commit([big])).toEqual([expect.objectContaining({ code: "store_full" })]);
    expect(group.commit([big, document("small", 1)])).toEqual(["done", "done"]);
    expect(read(versions)).toEqual(["big", "small"]);
  });

  it("says the same for an append, and the run's row stays with its journal", () => {
    const { group, read } = limited(10);
    group.commit([{ kind: "create", batch: [aRun("r")] }]);
    const append = anAppend("r", 1, 0, { rows: [{ seq: 1, type: "big", text: "x".repeat(1_000_000) }] });
    expect(group.commit([{ kind: "append", batch: [append] }])).toEqual([
      expect.objectContaining({ code: "store_full" }),
    ]);
    expect(read((db) => db.prepare("SELECT next_seq FROM runs").get())).toEqual({ next_seq: 1 });
    expect(read((db) => db.prepare("SELECT count(*) AS n FROM journal").get())).toEqual({ n: 0 });
  });

  it("is told from a database that cannot be opened, which is tried again with the next group", () => {
    const path = join(temporaryDirectory(), "later.db");
    let attempts = 0;
    const group = new GroupCommit(path, () => {
      attempts += 1;
      if (attempts === 1) throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
      const db = openForWriting(path, "full");
      migrate(db, 0);
      return db;
    });
    expect(group.commit([document("a", 1)])).toEqual([expect.objectContaining({ code: "store_io" })]);
    expect(group.commit([document("a", 1)])).toEqual(["done"]);
    group.close();
  });
});

describe("a real disk", () => {
  const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;

  it.skipIf(!canMount)(
    "that is full loses nothing acknowledged, and takes writes again when there is room",
    async () => {
      const script = 'mount -t tmpfs -o size=4m tmpfs "$0" && exec "$1" "$2" "$0" make-room';
      const directory = temporaryDirectory();
      const child = startCommand("unshare", [
        "-rm",
        "sh",
        "-c",
        script,
        directory,
        process.execPath,
        scriptPath("fill-disk"),
      ]);
      expect(await report(child)).toEqual({
        codes: ["store_full"],
        appended: expect.toSatisfy((count: number) => count > 50),
        kept: true,
        resumed: "appended",
        keptAfter: true,
        damage: [],
      });
    },
  );

  it("that refuses a write loses nothing acknowledged", async () => {
    const directory = temporaryDirectory();
    const limit = 'ulimit -f 2048 && exec "$1" "$2" "$0"';
    const child = startCommand("sh", ["-c", limit, directory, process.execPath, scriptPath("fill-disk")]);
    const said = await report(child);
    expect(said).toMatchObject({ codes: ["store_io"], kept: true, keptAfter: true, damage: [] });
    await using stores = await openSqliteStores({ dataDir: join(directory, "data") });
    const runs = await stores.runs.list({ limit: 100 });
    expect(runs.reduce((sum, { nextSeq }) => sum + nextSeq - 1, 0)).toBe(said["appended"]);
    expect(await stores.maintenance.integrityCheck()).toEqual([]);
  });
});

async function report(child: Child): Promise<Record<string, unknown>> {
  const line = await child.said;
  expect(await child.ended).toBe(0);
  return JSON.parse(line) as Record<string, unknown>;
}
