import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lua, node, oneStep, temporaryDirectory, temporaryFile } from "../cli/temporary.ts";
import { swarmHost } from "./cli-process.ts";

describe("swarm-host run", () => {
  it("exits with 0, the final ctx alone on standard output", async () => {
    const file = await temporaryFile(
      "a.json",
      oneStep(lua("return { n = 6 * 7, list = { 1 } }"), { default_init_ctx: { x: 1 } }),
    );
    const { code, stdout, stderr } = await swarmHost(["run", file, "--ephemeral", "--set", "y.z=[1,2]"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ x: 1, y: { z: [1, 2] }, answer: { n: 42, list: [1] } });
    expect(stderr).toMatch(/^sample R-[0-9a-f]{16,}\n✓ worker {2}root {2}\S+\n1 done {2}\S+\n$/u);
  });

  it("exits with 1 where the run fails, nothing on standard output", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("error('no luck')")));
    const { code, stdout, stderr } = await swarmHost(["run", file, "--ephemeral"]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/error: dispatcher error for ref 'worker': .*no luck/u);
    expect(stderr).toMatch(/ {2}at: step root, .*a\.json:1/u);
    expect(stderr).toMatch(/ {2}try: /u);
    expect(stderr).not.toContain("    at ");
  });

  it("exits with 2 for a Blueprint that does not compile, and makes nothing", async () => {
    const cwd = await temporaryDirectory();
    const file = await temporaryFile("a.json", oneStep({ kind: "lua", spec: { source: "return (" } }));
    const { code, stdout, stderr } = await swarmHost(["run", file], { cwd });
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/error\[[a-z-]+\]/u);
    expect(stderr).toContain("nothing was done");
    expect(await readdir(cwd)).toEqual([]);
  });

  it("exits with 2 for bad usage", async () => {
    const { code, stderr } = await swarmHost(["run", "x.json", "--inptu", "{}"]);
    expect(code).toBe(2);
    expect(stderr).toBe("error: unknown option '--inptu'\n  try: did you mean --input? see `swarm-host run --help`\n");
  });

  it("keeps runs below the current directory, or where SWARM_HOST_DATA_DIR or --data-dir says", async () => {
    const cwd = await temporaryDirectory();
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const [plain, environment, option] = await Promise.all([
      swarmHost(["run", file, "--quiet"], { cwd }),
      swarmHost(["run", file, "--quiet"], { cwd, env: { SWARM_HOST_DATA_DIR: join(cwd, "env") } }),
      swarmHost(["run", file, "--quiet", "--data-dir", "given/below"], { cwd, env: { SWARM_HOST_DATA_DIR: "unused" } }),
    ]);
    expect([plain.code, environment.code, option.code]).toEqual([0, 0, 0]);
    expect([plain.stderr, environment.stderr, option.stderr]).toEqual(["", "", ""]);
    expect((await readdir(cwd)).sort()).toEqual([".swarm-host", "env", "given"]);
    expect(await readdir(join(cwd, "given", "below"))).toContain("swarm-host.db");
  });

  it("says aloud that --relaxed does not wait for the disk, even when quiet", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const dataDir = await temporaryDirectory();
    const { code, stderr } = await swarmHost(["run", file, "--relaxed", "--quiet", "--data-dir", dataDir]);
    expect(code).toBe(0);
    expect(stderr).toContain("relaxed durability");
  });

  it("gives agents --work-dir to work in", async () => {
    const directory = await temporaryDirectory();
    const file = await temporaryFile("a.json", oneStep(node("process.stdout.write(process.cwd())")));
    const { code, stdout } = await swarmHost(["run", file, "--ephemeral", "--work-dir", directory]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).answer.raw).toContain(directory.split("/").at(-1));
  });

  it("reads the input from standard input", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const { code, stdout } = await swarmHost(["run", file, "--ephemeral", "-q", "--input-file", "-"], {
      stdin: '{"from": "stdin"}',
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ from: "stdin", answer: 1 });
  });
});

describe("swarm-host run --json", () => {
  const parse = (lines: string): readonly Record<string, unknown>[] =>
    lines
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("prints one result object, and events as JSON lines on standard error", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const { code, stdout, stderr } = await swarmHost(["run", file, "--ephemeral", "--json"]);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({
      status: "done",
      ctx: { answer: 1 },
      blueprint: { id: "sample" },
      steps: [{ key: "root", agent: "worker", outcome: "pass", attempts: 1 }],
    });
    const events = parse(stderr);
    expect(events.map(({ type }) => type)).toEqual(["run_started", "step_started", "step_completed", "run_finished"]);
    expect(new Set(events.map((event) => event["run_id"]))).toEqual(new Set([result["run_id"]]));
  });

  it("prints the error of a run that failed", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("error('no luck')")));
    const { code, stdout, stderr } = await swarmHost(["run", file, "--ephemeral", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: "failed", error: { kind: "dispatcher_error" } });
    expect(parse(stderr).at(-1)).toMatchObject({ type: "error", code: "dispatcher_error" });
  });

  it("prints the diagnostics of a Blueprint that was refused", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1"), { flow: { kind: "nonsense" } }));
    const { code, stdout, stderr } = await swarmHost(["run", file, "--ephemeral", "--json"]);
    expect(code).toBe(2);
    const { status, error, diagnostics } = JSON.parse(stdout) as {
      status: string;
      error: object;
      diagnostics: { level: string }[];
    };
    expect(status).toBe("refused");
    expect(error).toMatchObject({ code: "bad_blueprint" });
    expect(diagnostics.filter(({ level }) => level === "error").length).toBeGreaterThan(0);
    expect(parse(stderr)).toMatchObject([{ type: "error", code: "bad_blueprint" }]);
  });
});

describe("the package", () => {
  it("is told by --version and --help, on standard output", async () => {
    const [version, help, bare] = await Promise.all([swarmHost(["--version"]), swarmHost(["--help"]), swarmHost([])]);
    const { version: expected } = JSON.parse(
      await readFile(new URL("../../package.json", import.meta.url), "utf8"),
    ) as { version: string };
    expect(version).toMatchObject({ code: 0, stdout: `${expected}\n`, stderr: "" });
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("swarm-host");
    expect(bare).toMatchObject({ code: 2, stdout: "" });
  });
});
