import { execFile } from "node:child_process";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { renderScaffold, scaffoldTemplateFile } from "../../src/cli/scaffold.ts";
import { SCAFFOLD_TEMPLATES } from "../../src/cli/scaffold-templates.ts";
import type { Json } from "../../src/flow/index.ts";
import { type Host, openHost } from "../../src/host.ts";

const run = promisify(execFile);
let host: Host;
let directory: string;

beforeAll(async () => {
  host = await openHost({ data: { kind: "ephemeral" } });
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "bundled-spec-")));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const blueprintFile = (name: string) => fileURLToPath(new URL(`../../blueprints/${name}/main.bp.lua`, import.meta.url));

/** Compiles a file without a single warning, runs it in the test's directory, and returns the final ctx. */
async function finalCtx(file: string, input?: Json): Promise<Readonly<Record<string, Json>>> {
  const { compiled, diagnostics } = await host.workshop.check(file);
  expect(diagnostics.filter(({ level }) => level !== "info")).toEqual([]);
  if (compiled === undefined) throw new Error(`${file} does not compile`);
  const handle = await host.launch(compiled, {
    taskInput: { work_dir: directory },
    ...(input === undefined ? {} : { input }),
  });
  const result = await handle.result;
  expect(result).toMatchObject({ status: "done" });
  return (result as unknown as { ctx: Readonly<Record<string, Json>> }).ctx;
}

/** A repository with one empty commit a subject, oldest first, all of one day. */
async function repository(...subjects: string[]): Promise<void> {
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.org",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.org",
    GIT_AUTHOR_DATE: "2026-01-02T03:04:05Z",
    GIT_COMMITTER_DATE: "2026-01-02T03:04:05Z",
  };
  const git = (...args: string[]) => run("git", ["-C", directory, ...args], { env });
  await git("init", "--quiet");
  for (const subject of subjects) await git("commit", "--quiet", "--allow-empty", "--message", subject);
}

describe("the bundled Blueprints", () => {
  it("hello greets", async () => {
    expect(await finalCtx(blueprintFile("hello"))).toEqual({ name: "world", greeting: "Hello, world!" });
    expect(await finalCtx(blueprintFile("hello"), { name: "Ada" })).toMatchObject({ greeting: "Hello, Ada!" });
  });

  it("release-notes writes notes from what git says, whatever the subjects hold", async () => {
    await repository(
      'feat(api)!: drop "v1" *at last*',
      "fix: keep {braces} and \\slashes",
      "Add a page",
      "Something else",
    );
    const { notes, verdict, changes } = await finalCtx(blueprintFile("release-notes"));
    const text = String(notes).replaceAll(/\([0-9a-f]{8}\)/g, "(hash)");
    expect(text).toBe(`# Release notes

4 changes, 2026-01-02.

## Breaking changes

- **api:** drop "v1" \\*at last\\* (hash)

## Added

- Add a page (hash)

## Changed

- Something else (hash)

## Fixed

- keep {braces} and \\\\slashes (hash)

By Ada.
`);
    expect(verdict).toBe("PASS");
    expect(changes).toHaveLength(4);
  });

  it("release-notes takes a repository of one commit and a range that holds none", async () => {
    await repository("Begin");
    expect(await finalCtx(blueprintFile("release-notes"))).toMatchObject({ verdict: "PASS" });
    const empty = await finalCtx(blueprintFile("release-notes"), { range: "HEAD..HEAD" });
    expect(empty).toMatchObject({ verdict: "EMPTY", halted_at: "EMPTY" });
    expect(Object.keys(empty)).not.toContain("notes");
  });

  it("repo-census counts tracked files by directory and extension", async () => {
    await repository("Begin");
    await run("mkdir", ["-p", join(directory, "src/deep")]);
    for (const file of ["README.md", ".hidden", "src/a.ts", "src/deep/b.ts", "src/ä b.lua"]) {
      await writeFile(join(directory, file), "");
    }
    await run("git", ["-C", directory, "add", "."]);
    const { census, table } = await finalCtx(blueprintFile("repo-census"));
    expect(census).toEqual({
      total: 5,
      directories: [
        { name: "src", files: 3 },
        { name: ".", files: 2 },
      ],
      extensions: [
        { name: "ts", files: 2 },
        { name: "(none)", files: 1 },
        { name: "lua", files: 1 },
        { name: "md", files: 1 },
      ],
    });
    expect(table).toContain("| src | 3 |");
  });

  it("review-gate mends until the reviewer passes, and stops where it may not go on", async () => {
    const passed = await finalCtx(blueprintFile("review-gate"), { topic: "Tea cups" });
    expect(passed).toMatchObject({
      verdict: "PASS",
      rounds: 2,
      published: "> Tea cups matter because crashes happen.\n",
    });
    const stopped = await finalCtx(blueprintFile("review-gate"), { rounds_allowed: 1 });
    expect(stopped).toMatchObject({ verdict: "BLOCKED", rounds: 1, halted_at: "review" });
  });

  it("subprocess-embed runs both templates, the second on the first's result", async () => {
    const ctx = await finalCtx(blueprintFile("subprocess-embed"), { text: 'a {prompt} "quoted"' });
    expect(ctx).toMatchObject({
      shout: "LOUD: A {PROMPT} QUOTED",
      count: "4 words: LOUD: A {PROMPT} QUOTED",
      complete: true,
    });
  });

  it("race ends with its fast lanes: the slow ones, a minute long, are stopped", async () => {
    expect(await finalCtx(blueprintFile("race"))).toEqual({ first: "hare", mirror: "near-mirror" });
  });
});

describe("a scaffold as it is written", () => {
  const scaffold = async (template: string) => {
    const source = createRequire(import.meta.url).resolve(`#templates/${scaffoldTemplateFile(template)}`);
    const file = join(directory, "demo.bp.lua");
    await writeFile(file, renderScaffold({ template, name: "demo" }, await readFile(source, "utf8")));
    return file;
  };

  it.each(SCAFFOLD_TEMPLATES.map(({ name }) => name))("%s compiles without a warning", async (template) => {
    const { compiled, diagnostics } = await host.workshop.check(await scaffold(template));
    expect(diagnostics.filter(({ level }) => level !== "info")).toEqual([]);
    expect(compiled).toBeDefined();
  });

  it("lua and subprocess run at once", async () => {
    expect(await finalCtx(await scaffold("lua"))).toMatchObject({ polish: "Hello > draft > polish" });
    expect(await finalCtx(await scaffold("subprocess"))).toMatchObject({ counter: 3 });
  });
});

describe("a diagnostic about a script", () => {
  it("points at the author's line", async () => {
    const file = join(directory, "wrong.bp.lua");
    await writeFile(
      file,
      `local B = require "bp_dsl"
return B.bp {
  id = "wrong",
  agents = {
    B.agent { name = "a", kind = "lua", spec = { source = "return 1" } },
    B.agent { name = "b", kind = "luna", spec = {} },
  },
  flow = B.pipeline {
    B.stage "a" { agent = "a" },
    B.stage "x" { agent = "missing", out = "$.bad..path" },
    B.stage "y" { agent = "a", gaet = true },
  },
}
`,
    );
    const { diagnostics } = await host.workshop.check(file);
    const found = diagnostics.map(({ level, pointer, position }) => `${level} ${position?.line} ${pointer ?? ""}`);
    expect(found).toContainEqual(expect.stringMatching(/^error 6 \/agents\/1\/kind/));
    expect(found).toContainEqual(expect.stringMatching(/^error 10 \/flow\//));
    expect(found).toContainEqual(expect.stringMatching(/^warn 11 /));
  });
});
