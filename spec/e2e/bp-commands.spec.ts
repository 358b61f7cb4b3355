import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { SCAFFOLD_TEMPLATES } from "../../src/cli/scaffold-templates.ts";
import { sarifShape } from "../cli/sarif-shape.ts";
import { lua, oneStep, temporaryDirectory, temporaryFile } from "../cli/temporary.ts";
import { cli } from "../cli/test-surface.ts";

const broken = `local B = require "bp_dsl"
local F = require "flow_dsl"
return B.bp {
  schema_version = "0.1.0",
  id = "broken",
  agents = { { name = "writer", kind = "lua", spec = { source = "return (" } } },
  flow = F.seq {
    F.step { agent = "writer", input = F.lit "x", out = F.p "$.draft" },
    F.step { agent = "riter", input = F.p "$.draft", out = F.p "$.text" },
  },
}
`;

describe("bp lint", () => {
  it("shows every finding with its line and a caret, worst first", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "broken.bp.lua"), broken);
    const { exit, stdout, stderr } = await cli(["bp", "lint", join(directory, "broken.bp.lua")]);
    expect(exit).toBe(2);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/error\[unresolved-agent-ref\].*riter/u);
    expect(stdout).toMatch(/> +9 │ .*riter/u);
    expect(stdout).toMatch(/│ +\^+/u);
    expect(stdout).toMatch(/broken\.bp\.lua: errors \(2 errors/u);
  });

  it("is satisfied with good files of every format", async () => {
    const directory = await temporaryDirectory();
    const document = oneStep(lua("return 1"));
    await writeFile(join(directory, "a.json"), JSON.stringify(document));
    await writeFile(join(directory, "b.yaml"), "schema_version: 0.1.0\nid: b\nflow: {kind: seq, children: []}\n");
    await writeFile(
      join(directory, "c.bp.lua"),
      'return require("bp_dsl").bp { id = "c", schema_version = "0.1.0", flow = require("flow_dsl").seq {} }',
    );
    const files = ["a.json", "b.yaml", "c.bp.lua"].map((name) => join(directory, name));
    const { exit, stdout } = await cli(["bp", "lint", ...files]);
    expect(stdout.match(/: ok/gu)).toHaveLength(3);
    expect(exit).toBe(0);
  });

  it("takes warnings for errors only with --strict", async () => {
    const document = oneStep(lua("return 1"), {
      agents: [
        { name: "worker", ...lua("return 1") },
        { name: "idle", ...lua("return 2") },
      ],
    });
    const file = await temporaryFile("a.json", document);
    const loose = await cli(["bp", "lint", file]);
    const strict = await cli(["bp", "lint", file, "--strict"]);
    expect(loose.stdout).toMatch(/warn\[/u);
    expect([loose.exit, strict.exit]).toEqual([0, 2]);
  });

  it("prints JSON", async () => {
    const { exit, stdout } = await cli(["bp", "lint", "--format", "json", await temporaryFile("x.bp.lua", broken)]);
    expect(exit).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "error", counts: { error: 2 }, files: [{ verdict: "error" }] });
  });

  it("prints SARIF", async () => {
    const good = await temporaryFile("good.json", oneStep(lua("return 1")));
    const { exit, stdout } = await cli([
      "bp",
      "lint",
      "--format",
      "sarif",
      await temporaryFile("x.bp.lua", broken),
      good,
    ]);
    expect(exit).toBe(2);
    const log = JSON.parse(stdout) as object;
    const validate = new Ajv({ strict: true, allErrors: true }).compile(sarifShape);
    validate(log);
    expect(validate.errors).toBeNull();
    expect(log).toMatchObject({
      runs: [{ results: expect.arrayContaining([expect.objectContaining({ ruleId: "unresolved-agent-ref" })]) }],
    });
  });

  it("shows what a script printed", async () => {
    const file = await temporaryFile("x.bp.lua", `print("hello from", "here")\n${broken}`);
    expect((await cli(["bp", "lint", file])).stdout).toMatch(/x\.bp\.lua printed: hello from.*here/u);
  });

  it("names every file that is not there", async () => {
    const { exit, stdout } = await cli(["bp", "lint", "gone.json", "lost.json"], { cwd: await temporaryDirectory() });
    expect(exit).toBe(2);
    expect(stdout).toContain("gone.json");
    expect(stdout).toContain("lost.json");
  });
});

describe("bp build", () => {
  async function withRefs(): Promise<string> {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "parts"));
    await writeFile(join(directory, "parts", "work.lua"), "return 42");
    const document = oneStep({ kind: "lua", spec: { source: { $file: "work.lua" } } });
    await writeFile(join(directory, "a.json"), JSON.stringify({ zebra: undefined, ...document }));
    return directory;
  }

  it("embeds what refs name, sorts keys, and comes out the same when built again", async () => {
    const directory = await withRefs();
    const include = ["--include", join(directory, "parts")];
    const first = await cli(["bp", "build", join(directory, "a.json"), ...include, "--strict-embed"]);
    expect(first.exit).toBe(0);
    const document = JSON.parse(first.stdout) as { agents: { spec: { source: string } }[] };
    expect(document.agents[0]?.spec.source).toBe("return 42");
    expect(Object.keys(document)).toEqual(Object.keys(document).toSorted());
    expect(first.stderr).toMatch(/✓ sample sha256:[0-9a-f]{64} \(1 agent, 1 step, 1 ref embedded\)/u);
    await writeFile(join(directory, "built.json"), first.stdout);
    const again = await cli(["bp", "build", join(directory, "built.json"), "-o", join(directory, "out", "again.json")]);
    expect(again).toMatchObject({ exit: 0, stdout: "" });
    expect(await readFile(join(directory, "out", "again.json"), "utf8")).toBe(first.stdout);
    expect(await readdir(join(directory, "out"))).toEqual(["again.json"]);
  });

  it("leaves refs as they are with --check-refs, but checks them", async () => {
    const directory = await withRefs();
    const args = ["bp", "build", join(directory, "a.json"), "--check-refs"];
    const { exit, stdout } = await cli([...args, "--include", join(directory, "parts")]);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ agents: [{ spec: { source: { $file: "work.lua" } } }] });
    const unresolved = await cli(args);
    expect(unresolved).toMatchObject({ exit: 2, stdout: "" });
    expect(unresolved.stderr).toContain("work.lua");
  });

  it("writes nothing for a Blueprint with errors", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "broken.bp.lua"), broken);
    const { exit, stdout } = await cli(
      ["bp", "build", "broken.bp.lua", "-o", "out.json"].map((word) =>
        word.includes(".") && word !== "bp" ? join(directory, word) : word,
      ),
    );
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: "" });
    expect(await readdir(directory)).toEqual(["broken.bp.lua"]);
  });
});

describe("bp show", () => {
  it.each([
    ["tree", /^sample.*\n+worker \(lua\) "" -> \$\.answer\n$/u],
    ["mermaid", /^flowchart TD\n {2}n0/u],
    ["dot", /^digraph "sample" \{\n/u],
  ])("draws a %s", async (format, expected) => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const { exit, stdout } = await cli(["bp", "show", file, "--format", format]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(expected);
  });
});

describe("bp schema", () => {
  it("prints or writes a JSON Schema that good documents satisfy", async () => {
    const { exit, stdout } = await cli(["bp", "schema"]);
    expect(exit).toBe(0);
    const schema = JSON.parse(stdout) as { properties: object };
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(["id", "flow", "agents"]));
    const out = join(await temporaryDirectory(), "schema.json");
    expect((await cli(["bp", "schema", "--out", out])).exit).toBe(0);
    expect(await readFile(out, "utf8")).toBe(stdout);
  });
});

describe("bp explain", () => {
  const document = {
    schema_version: "0.1.0",
    id: "explained",
    agents: [
      { name: "thinker", ...lua("return 1"), policy: { timeout_ms: 1500, retry: { max_attempts: 3 } } },
      { name: "runner", kind: "subprocess", spec: { program: "true", args: [] } },
    ],
    flow: {
      kind: "seq",
      children: ["thinker", "runner", "thinker"].map((ref, index) => ({
        kind: "step",
        ref,
        in: { op: "lit", value: "" },
        out: { op: "path", at: `$.s${index}` },
      })),
    },
  };

  it("tells all agents in short", async () => {
    const { exit, stdout } = await cli(["bp", "explain", await temporaryFile("a.json", document)]);
    expect(exit).toBe(0);
    expect(stdout).toBe(
      "thinker  lua         no runner  pure         steps 0, 2\nrunner   subprocess  no runner  has effects  step 1\n",
    );
  });

  it("tells one agent in full", async () => {
    const file = await temporaryFile("a.json", document);
    const { exit, stdout } = await cli(["bp", "explain", file, "thinker"]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^thinker \(lua\)\n {2}used by +steps 0, 2\n/u);
    expect(stdout).toContain("timeout 1.50s, 3 attempts");
    const json = await cli(["bp", "explain", file, "thinker", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      agent: { name: "thinker", kind: "lua" },
      steps: ["0", "2"],
      pure: true,
    });
  });

  it("names the agents there are for one there is not", async () => {
    const { exit, stderr } = await cli(["bp", "explain", await temporaryFile("a.json", document), "nobody"]);
    expect(exit).toBe(2);
    expect(stderr).toContain("runner, thinker");
  });
});

describe("bp new", () => {
  it.each(SCAFFOLD_TEMPLATES.map(({ name }) => name))("%s gives a Blueprint without a finding", async (template) => {
    const file = join(await temporaryDirectory(), "fresh.bp.lua");
    const made = await cli(["bp", "new", template, "fresh-one", "-o", file]);
    expect(made).toMatchObject({ exit: 0, stdout: "" });
    expect(made.stderr).toContain("swarm-host bp lint");
    const lint = await cli(["bp", "lint", "--format", "json", file]);
    const { counts, files } = JSON.parse(lint.stdout) as { counts: { error: number }; files: unknown[] };
    expect({ exit: lint.exit, errors: counts.error }, JSON.stringify(files)).toEqual({ exit: 0, errors: 0 });
  });

  it.each(["lua", "subprocess"])("%s runs at once", async (template) => {
    const directory = await temporaryDirectory();
    const file = join(directory, "fresh.bp.lua");
    await cli(["bp", "new", template, "fresh-one", "-o", file]);
    const { exit, stdout, stderr } = await cli(["run", file, "--ephemeral"], { cwd: directory });
    expect(exit, stderr).toBe(0);
    expect(Object.keys(JSON.parse(stdout) as object).length).toBeGreaterThan(0);
  });

  it("prints to standard output, with the names that were asked for", async () => {
    const { exit, stdout } = await cli([
      "bp",
      "new",
      "pipeline",
      "mine",
      "--stages",
      "draft,ship",
      "--operator",
      "me",
      "--binding",
      "codex",
    ]);
    expect(exit).toBe(0);
    for (const word of ["mine", "draft", "ship", "me", "codex"]) expect(stdout).toContain(`"${word}"`);
  });

  it.each([
    [["nonsense", "x"], /pipeline, single/u],
    [["lua", "../x"], /not usable/u],
    [["lua", "x", "--stages", "a b"], /not usable/u],
    [["lua", "x", "--stages", "a,a"], /two stages/u],
    [["verdict", "x", "--stages", "fixer"], /itself/u],
  ])("refuses %j", async (args, said) => {
    const { exit, stdout, stderr } = await cli(["bp", "new", ...args]);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: "" });
    expect(stderr).toMatch(said);
  });

  it("does not overwrite what is there", async () => {
    const file = await temporaryFile("mine.bp.lua", "-- mine");
    const { exit, stderr } = await cli(["bp", "new", "lua", "x", "-o", file]);
    expect(exit).toBe(2);
    expect(stderr).toContain("mine.bp.lua");
    expect(await readFile(file, "utf8")).toBe("-- mine");
  });
});

describe("doctor", () => {
  it("finds this machine fit, and counts the runs that are kept", async () => {
    const dataDir = await temporaryDirectory();
    await cli(["run", await temporaryFile("a.json", oneStep(lua("return 1"))), "-q", "--data-dir", dataDir]);
    const { exit, stdout } = await cli(["doctor", "--data-dir", dataDir, "--json"]);
    const { healthy, checks } = JSON.parse(stdout) as {
      healthy: boolean;
      checks: { name: string; status: string; detail: string }[];
    };
    expect({ exit, healthy }, stdout).toEqual({ exit: 0, healthy: true });
    expect(checks.find(({ name }) => name === "database")?.detail).toBe("sound, 1 run");
    expect(checks.find(({ name }) => name === "lua")?.detail).toContain("Lua 5.4");
    expect(checks.find(({ name }) => name === "child processes")?.detail).toContain(
      execFileSync(process.execPath, ["--version"], { encoding: "utf8" }).trim(),
    );
  });
});
