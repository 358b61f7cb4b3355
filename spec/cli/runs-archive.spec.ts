/** `swarm-host runs export` and `runs import`. */
import { existsSync } from "node:fs";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { lua, oneStep, temporaryDirectory } from "./temporary.ts";
import { cli, type Ran } from "./test-surface.ts";

let directory: string;
let archive: string;
let runId: string;

const at = (dataDir: string, ...args: readonly string[]): Promise<Ran> =>
  cli([...args, "--data-dir", join(directory, dataDir)], { cwd: directory });

beforeEach(async () => {
  directory = await temporaryDirectory();
  archive = join(directory, "run.jsonl");
  await writeFile(join(directory, "bp.json"), JSON.stringify(oneStep(lua('return ("x"):rep(20000)'))));
  runId = JSON.parse((await at("a", "run", join(directory, "bp.json"), "--json")).stdout).run_id;
});

describe("runs export and import", () => {
  it("take a run from one directory to another, where it can be verified, shown, watched and forked", async () => {
    const exported = await at("a", "runs", "export", runId, "-o", "run.jsonl");
    expect(exported).toMatchObject({ exit: 0, stdout: "" });
    expect((await at("a", "runs", "export", runId)).stdout).toBe(await readFile(archive, "utf8"));
    expect(await at("b", "runs", "import", "run.jsonl")).toMatchObject({ exit: 0, stdout: `${runId}\n` });
    for (const command of [
      ["verify", runId],
      ["show", runId, "--json"],
      ["watch", runId, "--json"],
    ]) {
      const [here, there] = [await at("a", "runs", ...command), await at("b", "runs", ...command)];
      expect(there).toEqual(here);
      expect(there.exit).toBe(0);
    }
    const fork = await at("b", "runs", "fork", runId, "--from", "root");
    expect(JSON.parse(fork.stdout)).toMatchObject({ answer: "x".repeat(20_000) });
  });

  it("refuse what is not whole or is here already, and change nothing", async () => {
    await at("a", "runs", "export", runId, "-o", archive);
    const again = await at("a", "runs", "import", archive);
    expect(again.exit).toBe(2);
    expect(again.stderr).toContain(`run ${runId} exists already`);
    await truncate(archive, 500);
    const cut = await at("b", "runs", "import", archive);
    expect(cut.exit).toBe(2);
    expect(cut.stderr).toMatch(/error: the archive ends in line \d+/u);
    expect(JSON.parse((await at("b", "runs", "list", "--json")).stdout)).toEqual([]);
    expect((await at("b", "runs", "import", "none.jsonl")).stderr).toContain("there is no such file");
  });

  it("name a run that is not there, and leave no file", async () => {
    const { exit, stderr } = await at("a", "runs", "export", "R-none", "-o", archive);
    expect(exit).toBe(2);
    expect(stderr).toContain("there is no run R-none");
    expect(existsSync(archive)).toBe(false);
  });
});
