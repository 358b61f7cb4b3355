import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandShape, flatten } from "../../src/cli/completion/command-shape.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { temporaryDirectory } from "./temporary.ts";
import { cli, testSurface } from "./test-surface.ts";

const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const shape = commandShape(buildProgram(testSurface(), async () => {}));

async function scriptFile(shell: string): Promise<string> {
  const directory = await temporaryDirectory();
  const file = join(directory, `_swarm-host.${shell}`);
  const { exit, stdout } = await cli(["completion", shell]);
  expect(exit).toBe(0);
  await writeFile(file, stdout);
  await mkdir(join(directory, "files"));
  await writeFile(join(directory, "files", "a b.json"), "");
  await writeFile(join(directory, "files", "c.json"), "");
  return file;
}

describe("completion scripts", () => {
  it.each(["bash", "zsh", "fish"])("of %s name every command and option there is", async (shell) => {
    const { stdout } = await cli(["completion", shell]);
    for (const { path, command } of flatten(shape)) {
      if (path.length > 0) expect(stdout).toContain(path.at(-1));
      for (const { flags } of command.options) {
        for (const flag of flags) expect(stdout).toContain(shell === "fish" ? flag.replace(/^-+/u, "") : flag);
      }
    }
  });

  it.each(["bash", "zsh", "fish"].filter(has))("of %s are read by that shell", async (shell) => {
    expect(execFileSync(shell, ["-n", await scriptFile(shell)], { encoding: "utf8" })).toBe("");
  });

  it("refuse other shells", async () => {
    const { exit, stderr } = await cli(["completion", "tcsh"]);
    expect(exit).toBe(2);
    expect(stderr).toContain("bash, zsh, fish");
  });
});

describe.skipIf(!has("bash"))("bash, with the script sourced", () => {
  const complete = async (...words: readonly string[]): Promise<readonly string[]> => {
    const file = await scriptFile("bash");
    const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _swarm_host; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const cwd = join(file, "..", "files");
    const output = execFileSync("bash", ["-c", ask, "bash", file, "swarm-host", ...words], { encoding: "utf8", cwd });
    return output
      .split("\n")
      .filter((line) => line !== "")
      .sort();
  };

  it.each([
    [
      [""],
      [
        "run",
        "serve",
        "runs",
        "events",
        "signal",
        "token",
        "schedule",
        "operator",
        "worker",
        "simulate",
        "gc",
        "backup",
        "restore",
        "bp",
        "doctor",
        "completion",
      ],
    ],
    [
      ["bp", "s"],
      ["show", "schema"],
    ],
    [
      ["bp", "lint", "--format", ""],
      ["pretty", "json", "sarif"],
    ],
    [["bp", "show", "--format", "m"], ["mermaid"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [
      ["run", "--input"],
      ["--input", "--input-file"],
    ],
    [["run", "--input", ""], []],
    [["bp", "new", "--stages", "a,b", "lua", ""], []],
  ])("completes %j with %j", async (words, expected) => {
    expect(await complete(...words)).toEqual([...expected].sort());
  });

  it("completes files, blanks in their names included", async () => {
    expect(await complete("bp", "lint", "--format", "json", "")).toEqual(["a b.json", "c.json"]);
    expect(await complete("run", "--data-dir", "c")).toEqual(["c.json"]);
  });
});

describe.skipIf(!has("fish"))("fish, with the script sourced", () => {
  it("completes commands and values", async () => {
    const file = await scriptFile("fish");
    const complete = (line: string): readonly string[] =>
      execFileSync("fish", ["-c", `source ${file}; complete -C "${line}"`], { encoding: "utf8" })
        .split("\n")
        .map((row) => row.split("\t")[0] as string)
        .filter((word) => word !== "");
    expect(complete("swarm-host bp sh")).toEqual(["show"]);
    expect([...complete("swarm-host bp lint --format ")].sort()).toEqual(["json", "pretty", "sarif"]);
  });
});
