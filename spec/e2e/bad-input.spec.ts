/** What people get wrong, through the real commands: one clear error with its place, exit code 2, nothing half-written. */
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lua, node, oneStep, temporaryDirectory, temporaryFile } from "../cli/temporary.ts";
import { cli, type Ran } from "../cli/test-surface.ts";

function expectClearRefusal({ exit, stdout, stderr }: Ran): void {
  expect(exit).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^error/mu);
  expect(stderr).not.toMatch(/^\s+at .*\(.*:\d+:\d+\)$/mu);
}

/** Files of a Blueprint, by name; the first is the one that is run. */
type Files = Readonly<Record<string, string>>;

const deep = (open: string, close: string): string => `${open.repeat(10_000)}1${close.repeat(10_000)}`;
const document = (more: object): string => JSON.stringify(oneStep(lua("return 1"), more));

const refused: readonly (readonly [string, Files, RegExp])[] = [
  ["broken Lua", { "a.bp.lua": "local x = = 1\nreturn {}" }, /a\.bp\.lua:1/u],
  ["Lua that fails", { "a.bp.lua": "local t = nil\nreturn t.x.y" }, /a\.bp\.lua:2/u],
  ["Lua that returns no document", { "a.bp.lua": "return 7" }, /error\[/u],
  ["broken JSON", { "a.json": '{\n  "id": "a",\n  "flow": }\n' }, /a\.json:3/u],
  ["broken YAML", { "a.yaml": "id: a\nflow: [1, 2\n" }, /a\.yaml:/u],
  ["an empty file", { "a.json": "" }, /a\.json/u],
  ["what is no text", { "a.json": "\u0000\uFFFD{" }, /a\.json/u],
  ["an unknown key", { "a.json": document({ agnets: [] }) }, /agnets/u],
  ["a wrong type", { "a.json": document({ agents: "none" }) }, /\/agents/u],
  ["an unknown agent", { "a.json": document({ agents: [] }) }, /worker/u],
  ["an unknown format", { "a.toml": "id = 1" }, /a\.toml/u],
  [
    "a cyclic require",
    { "a.bp.lua": 'return require "b"', "b.lua": 'return require "c"', "c.lua": 'return require "b"' },
    /\b[bc]\b/u,
  ],
  ["a require of nothing", { "a.bp.lua": 'return require "nothing"' }, /nothing/u],
  [
    "a ref that climbs out",
    { "a.json": document({ metadata: { description: { $file: "../secret.txt" } } }) },
    /\.\.\/secret\.txt/u,
  ],
  ["a ref to nothing", { "a.json": document({ metadata: { description: { $file: "gone.txt" } } }) }, /gone\.txt/u],
  ["10 000 levels of JSON", { "a.json": `{"id":"a","flow":${deep("[", "]")}}` }, /nested|deep|levels/iu],
  ["10 000 levels of YAML", { "a.yaml": `id: a\nflow: ${deep("[", "]")}\n` }, /nested|deep|levels/iu],
  [
    "10 000 levels of Lua",
    { "a.bp.lua": `local t = {} for i = 1, 10000 do t = { t } end return { id = "a", flow = t }` },
    /nested|deep|levels/iu,
  ],
  [
    "a document of 10 MB",
    { "a.json": document({ metadata: { description: "x".repeat(10 * 1024 * 1024) } }) },
    /bytes|large|MiB|MB/u,
  ],
];

describe("a Blueprint with", () => {
  it.each(refused)("%s is refused with its place", async (_name, files, place) => {
    const directory = await temporaryDirectory();
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    const [main = ""] = Object.keys(files);
    const ran = await cli(["run", join(directory, main)], { cwd: directory });
    expectClearRefusal(ran);
    expect(ran.stderr).toMatch(place);
    expect((await readdir(directory)).sort()).toEqual(Object.keys(files).sort());
  });

  it("a name that is not there, or a directory's, is refused", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "dir.json"));
    for (const name of ["gone.json", "dir.json"]) {
      const ran = await cli(["run", join(directory, name)], { cwd: directory });
      expectClearRefusal(ran);
      expect(ran.stderr).toContain(name === "dir.json" ? "is not a file" : "there is no file");
    }
    expect(await readdir(directory)).toEqual(["dir.json"]);
  });

  it("a ref through a link that leaves its directory is refused", async () => {
    const outside = await temporaryFile("secret.txt", "secret");
    const directory = await temporaryDirectory();
    await symlink(outside, join(directory, "link.txt"));
    await writeFile(join(directory, "a.json"), document({ metadata: { description: { $file: "link.txt" } } }));
    expectClearRefusal(await cli(["run", join(directory, "a.json")], { cwd: directory }));
  });
});

describe("an input that", () => {
  const good = oneStep(lua("return 1"));

  it.each([
    ["is no JSON", ["--input", "{"], /line 1, column 2/u],
    ["is no object", ["--input", "[]"], /an array/u],
    ["is set at no path", ["--set", "a..b=1"], /a\.\.b/u],
    ["is set with no path", ["--set", "nothing"], /path=value/u],
    ["is in a file that is not there", ["--input-file", "gone.json"], /gone\.json/u],
    ["is given twice", ["--input", "{}", "--input-file", "x"], /cannot be used with/u],
    ["is nested too deep", ["--input", `{"a":${deep("[", "]")}}`], /nested|deep|levels/iu],
  ])("%s is refused", async (_name, options, said) => {
    const directory = await temporaryDirectory();
    const file = await temporaryFile("a.json", good);
    const ran = await cli(["run", file, ...options], { cwd: directory });
    expectClearRefusal(ran);
    expect(ran.stderr).toMatch(said);
  });

  it("is for a directory that is not there is refused", async () => {
    const directory = await temporaryDirectory();
    const file = await temporaryFile("a.json", good);
    for (const option of ["--work-dir", "--project-root"]) {
      const ran = await cli(["run", file, option, "gone"], { cwd: directory });
      expectClearRefusal(ran);
      expect(ran.stderr).toContain(option);
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ["--ephemeral", "--data-dir", "x"],
    ["--ephemeral", "--relaxed"],
    ["--quiet", "--verbose"],
  ])("asks for %s with %s is refused", async (...options) => {
    const { exit, stderr } = await cli(["run", "x.json", ...options]);
    expect(exit).toBe(2);
    expect(stderr).toContain("cannot be used with");
  });
});

describe("a run that", () => {
  const run = async (blueprint: object): Promise<Ran> => {
    const file = await temporaryFile("a.json", blueprint);
    return cli(["run", file, "--ephemeral"], { cwd: await temporaryDirectory() });
  };

  it.each([
    [
      "reads a path that is not there",
      { in: { op: "path", at: "$.gone" } },
      lua("return 1"),
      /path not found: .*gone[\s\S]*at: .*a\.json:1/u,
    ],
    ["has a worker that dies", {}, node("process.kill(process.pid, 'SIGKILL')"), /SIGKILL|killed/u],
    ["has a worker that fails", {}, node("process.exit(3)"), /3/u],
    [
      "has a worker that is not there",
      {},
      { kind: "subprocess", spec: { program: "no-such-program" } },
      /no-such-program/u,
    ],
    [
      "has a worker that prints 1 GB",
      {},
      node(
        "const b = Buffer.alloc(1 << 20, 120); const w = () => { while (process.stdout.write(b)); process.stdout.once('drain', w); }; w();",
      ),
      /bytes|limit|MiB/u,
    ],
    [
      "has a worker that never ends",
      {},
      { ...node("setInterval(() => {}, 1e6)"), policy: { timeout_ms: 300 } },
      /timeout|deadline|300/iu,
    ],
    [
      "has Lua that never ends",
      {},
      { ...lua("while true do end"), policy: { timeout_ms: 300 } },
      /timeout|deadline|300|CPU/iu,
    ],
    [
      "has Lua that eats memory",
      {},
      lua("local t = {} while true do t[#t + 1] = string.rep('x', 1000) .. #t end"),
      /memory/u,
    ],
  ])("%s fails with one clear error", async (_name, step, agent, said) => {
    const base = oneStep(agent) as { flow: object };
    const { exit, stdout, stderr } = await run({ ...base, flow: { ...base.flow, ...step } });
    expect(exit).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(said);
    expect(stderr.match(/^error/gmu)).toHaveLength(1);
    expect(stderr).not.toMatch(/^\s+at .*\(.*:\d+:\d+\)$/mu);
  });
});

describe("--verbose", () => {
  it("shows the stack trace", async () => {
    const { stderr } = await cli(["run", "x.json", "--input", "{", "--verbose"]);
    expect(stderr).toMatch(/^\s+at .*:\d+:\d+\)?$/mu);
  });
});
