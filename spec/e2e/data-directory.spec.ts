/** Data directories that cannot be used: locked, in the way, full, newer, damaged. */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { lua, oneStep, temporaryDirectory, temporaryFile } from "../cli/temporary.ts";
import { cli } from "../cli/test-surface.ts";
import { childEnvironment, MAIN, start, swarmHost } from "./cli-process.ts";

const blueprint = oneStep(lua("return 1"));

describe("a data directory", () => {
  it("that another swarm-host uses is left alone", async () => {
    const dataDir = await temporaryDirectory();
    const endless = await temporaryFile("a.json", oneStep(lua("while true do end")));
    const first = start(["run", endless, "--data-dir", dataDir, "--verbose"]);
    await first.said(/> worker/u);
    const second = await swarmHost(["run", await temporaryFile("b.json", blueprint), "--data-dir", dataDir]);
    expect(second.code).toBe(1);
    expect(second.stdout).toBe("");
    expect(second.stderr).toMatch(new RegExp(`error: .*in use.*process ${first.child.pid}`, "u"));
    expect(second.stderr).toContain("--ephemeral");
    first.child.kill("SIGINT");
    expect((await first.ended).code).toBe(130);
    const third = await swarmHost(["run", await temporaryFile("b.json", blueprint), "--data-dir", dataDir, "-q"]);
    expect(third.code).toBe(0);
  });

  it("whose name is a file's is refused", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "file"), "kept");
    const file = await temporaryFile("b.json", blueprint);
    for (const dataDir of [join(directory, "file"), join(directory, "file", "below")]) {
      const { exit, stdout, stderr } = await cli(["run", file, "--data-dir", dataDir]);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
      expect(stderr).toMatch(/^error: .*file/mu);
      expect(stderr).toContain("--data-dir");
    }
    expect(await readFile(join(directory, "file"), "utf8")).toBe("kept");
    expect(await readdir(directory)).toEqual(["file"]);
  });

  it("that a newer swarm-host wrote is left alone", async () => {
    const dataDir = await temporaryDirectory();
    const file = await temporaryFile("b.json", blueprint);
    expect((await cli(["run", file, "--data-dir", dataDir, "-q"])).exit).toBe(0);
    const db = new DatabaseSync(join(dataDir, "swarm-host.db"));
    db.exec("PRAGMA user_version = 9999");
    db.close();
    const { exit, stderr } = await cli(["run", file, "--data-dir", dataDir]);
    expect(exit).toBe(1);
    expect(stderr).toContain("newer");
  });

  it("that is damaged is told by run and by doctor", async () => {
    const dataDir = await temporaryDirectory();
    await writeFile(join(dataDir, "swarm-host.db"), "no database ".repeat(1000));
    const ran = await cli(["run", await temporaryFile("b.json", blueprint), "--data-dir", dataDir]);
    expect(ran.exit).toBe(1);
    expect(ran.stderr).toMatch(/^error: /mu);
    expect(ran.stderr).toContain("doctor");
    const doctor = await cli(["doctor", "--data-dir", dataDir, "--json"]);
    expect(doctor.exit).toBe(1);
    expect(JSON.parse(doctor.stdout)).toMatchObject({ healthy: false });
  });
});

/** A small file system of one's own needs a mount namespace, which not every machine grants. */
const mounts = spawnSync("unshare", ["--user", "--map-root-user", "--mount", "true"]).status === 0;

describe.skipIf(!mounts)("a full disk", () => {
  const onSmallDisk = (
    directory: string,
    kilobytes: number,
    command: string,
    ...args: readonly string[]
  ): ReturnType<typeof spawnSync> =>
    spawnSync(
      "unshare",
      [
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        `mount -t tmpfs -o size=${kilobytes}k tmpfs "$1" && shift && ${command}`,
        "sh",
        directory,
        ...args,
      ],
      { encoding: "utf8", env: childEnvironment() },
    );

  it.each([
    ["before the run starts", 64],
    ["while it runs", 600],
  ])("%s ends in one clear error", async (_when, kilobytes) => {
    const directory = await temporaryDirectory();
    const disk = join(directory, "disk");
    await mkdir(disk);
    const large = {
      ...blueprint,
      ...oneStep(lua("local t = {} for i = 1, 60000 do t[i] = 'value ' .. i end return t")),
    };
    const file = await temporaryFile("b.json", large);
    const { status, stdout, stderr } = onSmallDisk(
      disk,
      kilobytes,
      `"$1" "$2" run "$3" --data-dir "$4"`,
      process.execPath,
      MAIN,
      file,
      join(disk, "data"),
    );
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(String(stderr)).toMatch(/^error: .*full/mu);
    expect(String(stderr)).toMatch(/free some space/u);
    expect(String(stderr).match(/^error/gmu)).toHaveLength(1);
  });

  it("leaves no half-written file behind", async () => {
    const directory = await temporaryDirectory();
    const disk = join(directory, "disk");
    await mkdir(disk);
    const file = await temporaryFile("b.json", { ...blueprint, metadata: { description: "x".repeat(200_000) } });
    const { status, stdout, stderr } = onSmallDisk(
      disk,
      16,
      `{ "$1" "$2" bp build "$3" -o "$4"; code=$?; ls -A "$5"; exit $code; }`,
      process.execPath,
      MAIN,
      file,
      join(disk, "out.json"),
      disk,
    );
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(String(stderr)).toMatch(/error: cannot be written: the disk is full\n {2}at: .*out\.json/u);
  });
});
