import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { runChecks } from "../../src/cli/doctor/check.ts";
import {
  checkDatabase,
  checkDataDirectory,
  checkGit,
  checkNode,
  checkTerminal,
} from "../../src/cli/doctor/machine-checks.ts";
import { temporaryDirectory } from "./temporary.ts";
import { TextOutput } from "./test-surface.ts";

describe("doctor's checks", () => {
  it("take what a check throws for a failure, and go on", async () => {
    const reports = await runChecks([
      {
        name: "broken",
        run: async () => {
          throw new Error("no luck");
        },
      },
      { name: "fine", run: async () => ({ status: "ok", detail: "yes" }) },
    ]);
    expect(reports).toEqual([
      { name: "broken", status: "fail", detail: "no luck" },
      { name: "fine", status: "ok", detail: "yes" },
    ]);
  });

  it.each([
    ["24.0.0", "ok"],
    ["101.2.3", "ok"],
    ["22.19.0", "fail"],
  ])("of Node.js %s: %s", (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });

  it("miss git without failing", async () => {
    expect(await checkGit({ PATH: await temporaryDirectory() })).toMatchObject({ status: "warn" });
  });

  it("tell the terminal", () => {
    const stderr = new TextOutput({ columns: 90, rows: 30 });
    expect(checkTerminal({ stderr, env: { TERM: "xterm" } }).detail).toBe("xterm, 90x30, colours");
    expect(checkTerminal({ stderr: new TextOutput(), env: {} }).detail).toContain("plain lines");
  });

  it("see whether a data directory can be made or written", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "file"), "");
    expect(await checkDataDirectory(directory)).toMatchObject({ status: "ok", detail: `${directory} can be written` });
    expect(await checkDataDirectory(join(directory, "a", "b"))).toMatchObject({ status: "ok" });
    expect(await checkDataDirectory(join(directory, "file"))).toMatchObject({ status: "fail" });
    expect(await checkDataDirectory(join(directory, "file", "below"))).toMatchObject({ status: "fail" });
  });

  it("see a database that is missing, sound or damaged", async () => {
    const directory = await temporaryDirectory();
    expect(await checkDatabase(directory)).toMatchObject({ status: "skip" });
    const sound = join(directory, "sound");
    await mkdir(sound);
    const db = new DatabaseSync(join(sound, "swarm-host.db"));
    db.exec("CREATE TABLE runs (id TEXT); INSERT INTO runs VALUES ('R-1')");
    db.close();
    expect(await checkDatabase(sound)).toEqual({ status: "ok", detail: "sound, 1 run" });
    const damaged = join(directory, "damaged");
    await mkdir(damaged);
    await writeFile(join(damaged, "swarm-host.db"), "x".repeat(8192));
    expect(await checkDatabase(damaged)).toMatchObject({ status: "fail" });
  });
});
