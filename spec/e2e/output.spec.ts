/** Standard output and error as pipes that close, disks that are full, and a real terminal. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lua, oneStep, temporaryDirectory, temporaryFile } from "../cli/temporary.ts";
import { childEnvironment, MAIN, start } from "./cli-process.ts";

const big = oneStep(lua("return string.rep('x', 4000000)"));

describe("standard output", () => {
  it("that nobody reads any more ends the writing, not the run", async () => {
    const file = await temporaryFile("a.json", big);
    const running = start(["run", file, "--ephemeral"]);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect(code).toBe(0);
    expect(stderr).toContain("1 done");
    expect(stderr).not.toContain("EPIPE");
  });

  it("cut by head is a whole line and no complaint", async () => {
    const file = await temporaryFile("a.json", big);
    const command = `set -o pipefail; "$1" "$2" run "$3" --ephemeral --quiet | head -n 1`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", command, "bash", process.execPath, MAIN, file], {
      encoding: "utf8",
      env: childEnvironment(),
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "{\n", stderr: "" });
  });

  it.skipIf(!existsSync("/dev/full"))("on a full disk is an error", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const full = await open("/dev/full", "w");
    const { code, stderr } = await start(["run", file, "--ephemeral"], { stdio: ["ignore", full.fd, "pipe"] }).ended;
    await full.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: standard output cannot be written/u);
  });
});

describe("standard error", () => {
  it("that nobody reads any more does not stop the run", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const running = start(["run", file, "--ephemeral"]);
    running.child.stderr?.destroy();
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ answer: 1 });
  });
});

const hasScript = spawnSync("script", ["--version"]).status === 0;

describe.skipIf(!hasScript)("a terminal", () => {
  const ESCAPE = String.fromCharCode(27);

  /** Runs in a terminal of its own, standard output in a file; what the terminal was sent is returned. */
  async function onTerminal(
    file: string,
    env: Readonly<Record<string, string>>,
  ): Promise<{ shown: string; result: string }> {
    const directory = await temporaryDirectory();
    const result = join(directory, "result.json");
    const command = `stty cols 80 rows 24; '${process.execPath}' '${MAIN}' run '${file}' --ephemeral > '${result}'`;
    const { NO_COLOR: _noColour, ...environment } = childEnvironment({
      TERM: "xterm-256color",
      SHELL: "/bin/sh",
      ...env,
    });
    const shown = execFileSync("script", ["-qec", command, "/dev/null"], {
      encoding: "utf8",
      env: { ...environment, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { shown, result: await readFile(result, "utf8") };
  }

  it("gets a live tree, its cursor back, and the result nowhere but on standard output", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const { shown, result } = await onTerminal(file, {});
    expect(JSON.parse(result)).toEqual({ answer: 1 });
    expect(shown).toContain("worker");
    expect(shown).toContain("✓");
    expect(shown).toContain(`${ESCAPE}[32m`);
    expect(shown).not.toContain('"answer"');
    expect(shown.lastIndexOf(`${ESCAPE}[?25h`)).toBeGreaterThanOrEqual(shown.lastIndexOf(`${ESCAPE}[?25l`));
  });

  it("gets no colours with NO_COLOR", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const { shown } = await onTerminal(file, { NO_COLOR: "1" });
    expect(shown).toContain("✓ worker");
    expect(shown).not.toContain(`${ESCAPE}[32m`);
  });

  it("that is dumb gets plain lines", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("return 1")));
    const { shown } = await onTerminal(file, { TERM: "dumb" });
    expect(shown).toContain("✓ worker  root");
    expect(shown).not.toContain(ESCAPE);
  });
});
