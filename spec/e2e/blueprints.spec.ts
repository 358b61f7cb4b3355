/** Every bundled Blueprint through the real command line. */
import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../cli/temporary.ts";
import { cli } from "../cli/test-surface.ts";
import { childEnvironment, type Ended, PROJECT, swarmHost } from "./cli-process.ts";
import { gitRepository } from "./git-repository.ts";

const main = (name: string): string => join(PROJECT, "blueprints", name, "main.bp.lua");

/** Runs a bundled Blueprint in a directory, with a data directory of its own; it must succeed. */
async function run(name: string, cwd: string, ...options: readonly string[]): Promise<Record<string, unknown>> {
  const ended: Ended = await swarmHost(["run", main(name), "--data-dir", await temporaryDirectory(), ...options], {
    cwd,
  });
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout) as Record<string, unknown>;
}

const bundled = (await readdir(join(PROJECT, "blueprints"), { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && entry.name !== "templates")
  .map(({ name }) => name);

describe("the bundled Blueprints", () => {
  it("are these", () => {
    expect(bundled.sort()).toEqual([
      "anthology",
      "hello",
      "race",
      "release-notes",
      "repo-census",
      "review-gate",
      "subprocess-embed",
    ]);
  });

  it.each(bundled)("%s has no finding, and can be shown, explained and built", async (name) => {
    const lint = await cli(["bp", "lint", "--strict", main(name)]);
    expect(lint.exit, lint.stdout).toBe(0);
    for (const command of [
      ["show"],
      ["show", "--format", "mermaid"],
      ["show", "--format", "dot"],
      ["explain"],
      ["build"],
    ]) {
      const [word = "", ...options] = command;
      const ran = await cli(["bp", word, main(name), ...options]);
      expect(ran.exit, ran.stderr).toBe(0);
      expect(ran.stdout).not.toBe("");
    }
  });
});

describe("hello", () => {
  it("greets the world, or whom it is told to", async () => {
    const cwd = await temporaryDirectory();
    expect(await run("hello", cwd)).toEqual({ name: "world", greeting: "Hello, world!" });
    expect(await run("hello", cwd, "--set", "name=Ada")).toEqual({ name: "Ada", greeting: "Hello, Ada!" });
  });
});

describe("anthology", () => {
  it("has each piece written by a child run, and binds them in their order", async () => {
    const cwd = await temporaryDirectory();
    const dataDir = await temporaryDirectory();
    const options = ["--data-dir", dataDir, "--json", "--set", 'topics=["Tea","Rain"]'];
    const { code, stdout, stderr } = await swarmHost(["run", main("anthology"), ...options], { cwd });
    expect(code, stderr).toBe(0);
    const { run_id: runId, ctx } = JSON.parse(stdout);
    expect(ctx.book).toMatch(/^# Anthology\n\n## Tea\n\nTea are kept\.[^#]*## Rain\n/u);
    const children = JSON.parse(
      (await swarmHost(["runs", "list", "--parent", runId, "--json", "--data-dir", dataDir])).stdout,
    ) as { status: string; parent_step: { key: string } }[];
    expect(children.map(({ status }) => status)).toEqual(["done", "done"]);
    expect(new Set(children.map(({ parent_step: { key } }) => key))).toEqual(new Set(["0.@0", "0.@1"]));
  });
});

const history = [
  { subject: "Add the parser", files: { "src/parse.ts": "1", "readme.md": "#" } },
  { subject: "fix(parse): keep [brackets] | pipes", files: { "src/parse.ts": "2" } },
  { subject: "docs: say how", files: { "docs/how to.md": "how" } },
];

describe("release-notes", () => {
  it("writes the notes of a repository's history", async () => {
    const { verdict, notes } = await run("release-notes", await gitRepository(history));
    expect(verdict).toBe("PASS");
    expect(notes).toMatch(/^# Release notes\n/u);
    expect(notes).toContain("Add the parser");
    expect(notes).toContain("brackets");
    expect(notes).toMatch(/3 changes/u);
    expect(notes).toContain("Ada Lovelace");
  });

  it("takes the range it is told to", async () => {
    const { notes } = await run("release-notes", await gitRepository(history), "--set", "range=HEAD~1..HEAD");
    expect(notes).toContain("how");
    expect(notes).not.toContain("parser");
  });

  it("works where there is one commit", async () => {
    const { notes } = await run("release-notes", await gitRepository(history.slice(0, 1)));
    expect(notes).toContain("Add the parser");
  });

  it("works in another directory than it is started in", async () => {
    const repository = await gitRepository(history);
    const { notes } = await run("release-notes", await temporaryDirectory(), "--work-dir", repository);
    expect(notes).toContain("Add the parser");
  });

  it("fails with one clear error where there is no repository", async () => {
    const cwd = await temporaryDirectory();
    const { code, stdout, stderr } = await swarmHost(["run", main("release-notes"), "--ephemeral"], {
      cwd,
      env: { GIT_CEILING_DIRECTORIES: join(cwd, "..") },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/error: .*git-log.*not a git repository/u);
    expect(stderr).toContain("exit code 128");
    expect(stderr).toMatch(/at: step \S+, .*main\.bp\.lua:\d+/u);
  });
});

describe("repo-census", () => {
  it("counts the files of a repository by directory and extension", async () => {
    const { census, table } = await run("repo-census", await gitRepository(history));
    expect(census).toMatchObject({
      directories: expect.arrayContaining([
        { name: "src", files: 1 },
        { name: "docs", files: 1 },
        { name: ".", files: 1 },
      ]),
      extensions: expect.arrayContaining([
        { name: "md", files: 2 },
        { name: "ts", files: 1 },
      ]),
    });
    expect(table).toMatch(/^3 files\n/u);
  });
});

describe("this repository", () => {
  it("has release notes and a census", async () => {
    const { notes } = await run("release-notes", PROJECT);
    expect(notes).toMatch(/^# Release notes\n/u);
    const { table } = await run("repo-census", PROJECT);
    expect(table).toContain("| src | ");
  });
});

describe("review-gate", () => {
  it("mends a draft until it passes", async () => {
    const ctx = await run("review-gate", await temporaryDirectory());
    expect(ctx).toMatchObject({ verdict: "PASS", rounds: 2 });
    expect(ctx["published"]).toContain("Durable runs");
    expect(ctx).not.toHaveProperty("halted_at");
  });

  it("halts where it may not mend often enough", async () => {
    const ctx = await run("review-gate", await temporaryDirectory(), "--set", "rounds_allowed=1");
    expect(ctx).toMatchObject({ verdict: "BLOCKED", halted_at: "review" });
    expect(ctx).not.toHaveProperty("published");
  });
});

describe("subprocess-embed", () => {
  it("runs two programs, the second on the first's result", async () => {
    expect(await run("subprocess-embed", await temporaryDirectory(), "--set", "text=one two")).toMatchObject({
      shout: "LOUD: ONE TWO",
      count: "3 words: LOUD: ONE TWO",
      complete: true,
    });
  });
});

describe("race", () => {
  it("takes the fast lanes and stops the slow ones", async () => {
    const { code, stdout } = await swarmHost(["run", main("race"), "--ephemeral", "--json"]);
    expect(code).toBe(0);
    const { ctx, steps } = JSON.parse(stdout) as { ctx: object; steps: { key: string; outcome: string }[] };
    expect(ctx).toEqual({ first: "hare", mirror: "near-mirror" });
    const outcomes = Object.fromEntries(steps.map(({ key, outcome }) => [key, outcome]));
    expect(outcomes).toMatchObject({
      "0.@0": "cancelled",
      "0.@1": "pass",
      "1.@0": "blocked",
      "1.@1": "cancelled",
      "1.@2": "pass",
    });
  });
});

describe("the built executable", () => {
  it("runs hello", () => {
    const bin = join(PROJECT, "bin", "swarm-host.js");
    const stdout = execFileSync(process.execPath, [bin, "run", main("hello"), "--ephemeral", "--quiet"], {
      encoding: "utf8",
      env: childEnvironment(),
    });
    expect(JSON.parse(stdout)).toEqual({ name: "world", greeting: "Hello, world!" });
  });
});
