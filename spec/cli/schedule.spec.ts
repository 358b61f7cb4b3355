/** `swarm-host schedule ...` on a data directory that no host works on. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "./temporary.ts";
import { cli, type Ran } from "./test-surface.ts";

const gate = {
  schema_version: "0.1.0",
  id: "gate",
  agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
  flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
};

let dataDir: string;
let blueprint: string;

beforeEach(async () => {
  const directory = await temporaryDirectory();
  dataDir = join(directory, "data");
  blueprint = join(directory, "gate.json");
  await writeFile(blueprint, JSON.stringify(gate));
});

const schedule = (...args: readonly string[]): Promise<Ran> => cli(["schedule", ...args, "--data-dir", dataDir]);

describe("schedule", () => {
  it("adds, lists, shows, pauses, resumes, triggers and removes", async () => {
    const added = await schedule("add", "nightly", blueprint, "--cron", "0 3 * * *", "--input", '{"n":1}');
    expect(added).toMatchObject({ exit: 0, stdout: expect.stringContaining("0 3 * * * (UTC)") });
    await schedule("add", "often", blueprint, "--every", "15m", "--overlap", "allow_all", "--catch-up", "all");
    const listed = JSON.parse((await schedule("list", "--json")).stdout);
    expect(listed).toMatchObject([
      { name: "nightly", cron: "0 3 * * *", input: { n: 1 }, next_at: expect.any(Number) },
      { name: "often", every_ms: 900_000, overlap: "allow_all", catch_up: "all", catch_up_limit: 10 },
    ]);
    expect((await schedule("pause", "nightly")).exit).toBe(0);
    expect((await schedule("list")).stdout).toMatch(/nightly .* paused[\s\S]*often .* every 15m/u);
    expect((await schedule("resume", "nightly")).exit).toBe(0);
    const runId = (await schedule("trigger", "nightly", "--id", "1")).stdout.trim();
    expect((await schedule("trigger", "nightly", "--id", "1")).stdout.trim()).toBe(runId);
    expect((await schedule("show", "nightly")).stdout).toContain(runId);
    expect((await cli(["runs", "show", runId, "--data-dir", dataDir])).stdout).toContain("gate");
    expect((await schedule("rm", "nightly")).exit).toBe(0);
    expect((await schedule("show", "nightly")).exit).toBe(2);
  });

  it.each([
    ["nothing that says when", [], /does not say when/u],
    ["two that do", ["--cron", "* * * * *", "--every", "5m"], /cannot be used with/u],
    ["a duration that is none", ["--every", "soon"], /"soon" is no duration/u],
    ["a time without an offset", ["--at", "2027-01-01T00:00:00"], /is no time/u],
    ["a pattern that is none", ["--cron", "* *"], /five, six, or seven/u],
    ["a policy that is none", ["--every", "5m", "--overlap", "queue"], /Allowed choices are skip/u],
    ["input that is no object", ["--every", "5m", "--input", "[]"], /must be a JSON object/u],
  ])("refuses %s", async (_what, args, message) => {
    const ran = await schedule("add", "s", blueprint, ...args);
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toMatch(message);
  });

  it("refuses a name that is taken", async () => {
    await schedule("add", "s", blueprint, "--every", "5m");
    const again = await schedule("add", "s", blueprint, "--every", "6m");
    expect(again).toMatchObject({ exit: 2, stderr: expect.stringContaining("there is a schedule s already") });
  });
});
