/** `swarm-host gc`, `backup`, `restore`, `runs hold` and `release`, `doctor --full`. */
import { existsSync } from "node:fs";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { type Host, openHost } from "../../src/host.ts";
import { lua, oneStep, temporaryDirectory } from "./temporary.ts";
import { cli, type Ran } from "./test-surface.ts";

let directory: string;
const data = (name: string): string => join(directory, name);
const at = (name: string, ...args: readonly string[]): Promise<Ran> =>
  cli([...args, "--data-dir", data(name)], { cwd: directory });
const json = async (name: string, ...args: readonly string[]) => JSON.parse((await at(name, ...args, "--json")).stdout);

beforeEach(async () => {
  directory = await temporaryDirectory();
  await writeFile(data("bp.json"), JSON.stringify(oneStep(lua('return ("x"):rep(20000)'))));
});

async function aRun(name: string): Promise<string> {
  return (await json(name, "run", data("bp.json"))).run_id;
}
const ids = async (name: string): Promise<readonly string[]> =>
  (await json(name, "runs", "list")).map(({ run_id }: { run_id: string }) => run_id);

describe("gc", () => {
  it("removes what its rules do not keep, but nothing that is held", async () => {
    const [oldest, older, newest] = [await aRun("a"), await aRun("a"), await aRun("a")];
    expect((await at("a", "gc")).stdout).toBe(
      "removed 0 runs, 0 large values and 0 Blueprints that no run uses (0 B)\n",
    );
    expect((await at("a", "runs", "hold", oldest)).exit).toBe(0);
    expect((await at("a", "runs", "show", oldest)).stdout).toMatch(/held +until it is released/u);
    const refused = await at("a", "runs", "rm", oldest);
    expect(refused).toMatchObject({ exit: 2, stderr: expect.stringContaining("runs release") });
    const dry = await at("a", "gc", "--keep-count", "all=1", "--dry-run");
    expect(dry.stdout).toMatch(
      /^run +status +blueprint +changed +size\nR-\S+ +done +sample +\S+ \S+ +4\d\.\d kB\nwould remove 1 run /u,
    );
    expect(dry.stdout).toContain(older);
    expect(await ids("a")).toHaveLength(3);
    expect(await json("a", "gc", "--keep-count", "all=1")).toMatchObject({ runs: 1 });
    expect((await at("a", "gc", "--keep-count", "all=1", "--dry-run")).stdout).toBe("would remove no runs\n");
    expect(await ids("a")).toEqual([newest, oldest]);
    expect((await at("a", "runs", "show", older)).exit).toBe(2);
    expect((await at("a", "runs", "release", oldest)).exit).toBe(0);
    expect(await json("a", "gc", "--keep-count", "done=0")).toMatchObject({ runs: 2, blobs: 2 });
  });

  it("follows the data directory's policy, and refuses one that is none", async () => {
    await aRun("a");
    await writeFile(join(data("a"), "retention.json"), '{"done": {"count": 0}}');
    expect(await json("a", "gc", "--keep-age", "done=1d")).toMatchObject({ runs: 0 });
    await writeFile(join(data("a"), "retention.json"), '{"done": {"counts": 0}}');
    const bad = await at("a", "gc");
    expect(bad.exit).toBe(2);
    expect(bad.stderr).toContain("retention.json: the retention policy is not one: done.counts is no limit");
    await writeFile(join(data("a"), "retention.json"), '{"done": {"count": 0}}');
    expect(await json("a", "gc")).toMatchObject({ runs: 1 });
  });

  it.each(["done", "=3", "all=many", "others=1"])("refuses the rule %j, and makes no directory", async (rule) => {
    expect((await at("none", "gc", "--keep-count", rule)).exit).toBe(2);
    expect(existsSync(data("none"))).toBe(false);
  });

  it("names a run that is not there", async () => {
    await aRun("a");
    for (const command of ["hold", "release"])
      expect((await at("a", "runs", command, "R-none")).stderr).toContain("there is no run R-none");
  });
});

describe("backup and restore", () => {
  it("bring back a store as it was, into an empty directory or in the place of another", async () => {
    const first = await aRun("a");
    expect(await at("a", "backup", "copy.db")).toMatchObject({ exit: 0 });
    const second = await aRun("a");
    expect((await at("b", "restore", "copy.db")).exit).toBe(0);
    expect(await ids("b")).toEqual([first]);
    expect(await json("b", "runs", "show", first)).toEqual(await json("a", "runs", "show", first));
    expect((await at("b", "runs", "verify", "all")).exit).toBe(0);
    const occupied = await at("a", "restore", "copy.db");
    expect(occupied.exit).toBe(2);
    expect(occupied.stderr).toContain("--force");
    expect(await ids("a")).toEqual([second, first]);
    expect((await at("a", "restore", "copy.db", "--force")).exit).toBe(0);
    expect(await ids("a")).toEqual([first]);
    expect(await ids("a")).not.toContain(await aRun("a"));
  });

  it("back up beside a host, but restore over none", async () => {
    const runId = await aRun("a");
    await using host = await openHost({ data: { kind: "directory", path: data("a") } });
    expect((await at("a", "backup", "copy.db")).exit).toBe(0);
    const refused = await at("a", "restore", "copy.db", "--force");
    expect(refused.exit).toBe(1);
    expect(refused.stderr).toContain("is in use");
    expect((await host.run(runId)).status).toBe("done");
  });

  it("bring runs that were under way to another place, where they go on", async () => {
    const step = (ref: string, input: string, at: string): Json => ({
      kind: "step",
      ref,
      in: { op: "lit", value: input },
      out: { op: "path", at },
    });
    const document: Json = {
      schema_version: "0.1.0",
      id: "long",
      agents: [
        { name: "text", kind: "lua", spec: { source: 'return _PROMPT .. (":"):rep(20000)' } },
        { name: "gate", kind: "function", spec: { fn_id: "wait_signal" } },
      ],
      flow: {
        kind: "seq",
        children: [
          ...Array.from({ length: 12 }, (_, index) => step("text", `before ${index}`, `$.b${index}`)),
          step("gate", "go", "$.said"),
          ...Array.from({ length: 3 }, (_, index) => step("text", `after ${index}`, `$.a${index}`)),
        ],
      },
    };
    const ends = async (host: Host, runIds: readonly string[]) => {
      for (const runId of runIds) await host.signal(runId, { name: "go", id: "1", value: runId });
      return Promise.all(runIds.map(async (runId) => (await (await host.attach(runId)).result).ctx));
    };
    await using source = await openHost({ data: { kind: "directory", path: data("a") } });
    const blueprint = await source.workshop.compile(document);
    const runIds: string[] = [];
    for (let index = 0; index < 8; index += 1) runIds.push((await source.launch(blueprint)).runId);
    expect((await at("a", "backup", "copy.db")).exit).toBe(0);
    const expected = await ends(source, runIds);

    expect((await at("b", "restore", "copy.db")).exit).toBe(0);
    expect((await at("b", "runs", "verify", "all")).exit).toBe(0);
    await using restored = await openHost({ data: { kind: "directory", path: data("b") } });
    for (const { status } of await restored.runs({ limit: 99 }))
      expect(["pending", "running", "waiting"]).toContain(status);
    await restored.recover();
    expect(await ends(restored, runIds)).toEqual(expected);
    expect(await json("b", "doctor", "--full")).toMatchObject({ healthy: true });
  });

  it("pass over what a restore that was killed left", async () => {
    const runId = await aRun("a");
    await at("a", "backup", "copy.db");
    for (const suffix of ["", "-wal", "-shm"])
      await writeFile(join(data("a"), `swarm-host.db.restoring${suffix}`), "half");
    expect(await ids("a")).toEqual([runId]);
    expect((await at("a", "restore", "copy.db", "--force")).exit).toBe(0);
    expect(await ids("a")).toEqual([runId]);
    expect(await readdir(data("a"))).not.toContain("swarm-host.db.restoring");
  });

  it("refuse the files of a store in the place of a backup", async () => {
    await aRun("a");
    await using _host = await openHost({ data: { kind: "directory", path: data("a") } });
    await writeFile(data("raw.db"), await readFile(join(data("a"), "swarm-host.db")));
    await writeFile(data("raw.db-wal"), "what was committed last");
    const { exit, stderr } = await at("b", "restore", "raw.db");
    expect(exit).not.toBe(0);
    expect(stderr).toContain("swarm-host backup");
    expect(existsSync(data("b"))).toBe(false);
  });

  it("refuse a backup that is damaged, newer, foreign or missing, and change nothing", async () => {
    const runId = await aRun("a");
    await at("a", "backup", "copy.db");
    const copy = await readFile(data("copy.db"));
    const change = (file: string, sql: string): void => {
      const db = new DatabaseSync(data(file));
      db.exec(sql);
      db.close();
    };
    await writeFile(data("entry.db"), copy);
    change("entry.db", "DELETE FROM journal WHERE seq = 2");
    await writeFile(data("newer.db"), copy);
    change("newer.db", "PRAGMA user_version = 99");
    await writeFile(data("cut.db"), copy);
    await truncate(data("cut.db"), copy.length / 2);
    await writeFile(data("text.db"), "no database at all, but long enough to be read as one ".repeat(20));
    await writeFile(data("empty.db"), "");
    change("other.db", "CREATE TABLE t (a)");
    for (const [file, said] of [
      ["entry.db", "entries"],
      ["newer.db", "newer"],
      ["cut.db", "not a sound backup"],
      ["text.db", "not a sound backup"],
      ["empty.db", "empty"],
      ["other.db", "not a sound backup"],
      ["missing.db", "there is no file"],
    ] as const) {
      for (const [name, flags] of [
        ["a", ["--force"]],
        ["fresh", []],
      ] as const) {
        const { exit, stderr } = await at(name, "restore", file, ...flags);
        expect({ file, failed: exit !== 0 }).toEqual({ file, failed: true });
        expect(stderr).toContain(said);
      }
      expect(await ids("a")).toEqual([runId]);
      expect(existsSync(join(data("fresh"), "swarm-host.db"))).toBe(false);
      expect(existsSync(join(data("fresh"), "swarm-host.db.restoring"))).toBe(false);
    }
  });

  it("refuse to back up over a file, or what is not there", async () => {
    await aRun("a");
    expect((await at("a", "backup", "bp.json")).stderr).toContain("is there already");
    expect((await at("none", "backup", "copy.db")).stderr).toContain("there is no store");
    expect(existsSync(data("none"))).toBe(false);
  });
});

describe("doctor --full", () => {
  it("finds what only reading the whole store shows", async () => {
    await aRun("a");
    const database = async (...flags: readonly string[]) =>
      (await json("a", "doctor", ...flags)).checks.find(({ name }: { name: string }) => name === "database");
    expect(await database("--full")).toMatchObject({ status: "ok", detail: "read whole and sound, 1 run" });
    const db = new DatabaseSync(join(data("a"), "swarm-host.db"));
    db.exec("DELETE FROM journal WHERE seq = 2");
    db.close();
    expect(await database()).toMatchObject({ status: "ok" });
    expect(await database("--full")).toMatchObject({ status: "fail", detail: expect.stringContaining("entries") });
  });

  it("finds a large value that is not what its digest says", async () => {
    const runId = await aRun("a");
    const db = new DatabaseSync(join(data("a"), "swarm-host.db"));
    db.exec("UPDATE blobs SET text = replace(text, 'xxxx', 'xyxx')");
    db.close();
    const { exit, stdout } = await at("a", "doctor", "--full");
    expect(exit).toBe(1);
    expect(stdout).toContain(`run ${runId}: the blob sha256:`);
  });
});
