/** `swarm-host events` and `runs events` on a data directory that no host works on. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { lua, oneStep, temporaryDirectory } from "./temporary.ts";
import { cli, type Ran } from "./test-surface.ts";

let dataDir: string;
const runIds: string[] = [];

const command = (...args: readonly string[]): Promise<Ran> => cli([...args, "--data-dir", dataDir]);

beforeEach(async () => {
  const directory = await temporaryDirectory();
  dataDir = join(directory, "data");
  const blueprint = join(directory, "one.json");
  await writeFile(blueprint, JSON.stringify(oneStep(lua('return "said\\x1b[31m"'))));
  runIds.length = 0;
  for (let runs = 0; runs < 2; runs += 1) {
    const { exit, stdout } = await command("run", blueprint, "--json");
    expect(exit).toBe(0);
    runIds.push(JSON.parse(stdout).run_id);
  }
});

const lines = ({ stdout }: Ran): { offset: number; run_id: string; entry: { seq: number; type: string } }[] =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("events", () => {
  it("shows all runs in one order, and goes on from any offset", async () => {
    const all = lines(await command("events", "--json"));
    expect(all.map(({ offset }) => offset)).toEqual(all.map((_, index) => index + 1));
    const half = all.length / 2;
    expect(all.map(({ run_id }) => run_id)).toEqual([...Array(half).fill(runIds[0]), ...Array(half).fill(runIds[1])]);
    expect(all[0]?.entry).toMatchObject({ seq: 1, type: "run_started" });
    expect(all.at(-1)?.entry).toMatchObject({ type: "run_finished" });
    expect(lines(await command("events", "--json", "--from", String(half)))).toEqual(all.slice(half - 1));
    expect(lines(await command("events", "--json", "--from", "1000"))).toEqual([]);
  });

  it("shows one run, by its seqs", async () => {
    const all = lines(await command("events", "--json"));
    const own = lines(await command("runs", "events", runIds[1] ?? "", "--json"));
    expect(own.map(({ offset }) => offset)).toEqual(own.map(({ entry }) => entry.seq));
    expect(own.map(({ entry }) => entry)).toEqual(
      all.filter(({ run_id }) => run_id === runIds[1]).map(({ entry }) => entry),
    );
    expect(lines(await command("runs", "events", runIds[1] ?? "", "--json", "--from", "2"))).toEqual(own.slice(1));
  });

  it("tells people a line each, without control characters", async () => {
    const { stdout, exit } = await command("events");
    expect(exit).toBe(0);
    expect(stdout.split("\n")[0]).toMatch(/^ {5}1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}R-[0-9a-f]+ {2}run_started$/u);
    expect(stdout).toMatch(/step_completed {2}key=root {2}attempt=1 {2}agent=worker {2}outcome=pass\n/u);
    expect(stdout).not.toContain("\u001b");
  });

  it("names an unknown run, a directory without a store, an offset that is none, and a host that is not there", async () => {
    expect(await command("runs", "events", "R-none")).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("there is no run R-none"),
    });
    expect(await cli(["events", "--data-dir", join(dataDir, "none")])).toMatchObject({
      stdout: "",
      stderr: expect.stringContaining("there is no store"),
    });
    expect((await command("events", "--from", "0")).exit).toBe(2);
    expect(await command("events", "--follow")).toMatchObject({
      exit: 1,
      stdout: "",
      stderr: expect.stringContaining("no host is running"),
    });
  });
});
