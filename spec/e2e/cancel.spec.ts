import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { lua, oneStep, temporaryDirectory, temporaryFile } from "../cli/temporary.ts";
import { appears } from "./appears.ts";
import { start } from "./cli-process.ts";

/** A program that starts a child of its own, leaves both process ids in a file, whole, and then stays. */
const stayer = `
const { spawn } = require("node:child_process");
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
const { renameSync, writeFileSync } = require("node:fs");
writeFileSync("pids.part", process.pid + " " + child.pid);
renameSync("pids.part", "pids");
setInterval(() => {}, 1e6);
`;

const stubborn = `process.on("SIGTERM", () => {}); process.on("SIGINT", () => {});${stayer}`;

const program = (script: string): object => ({
  kind: "subprocess",
  spec: { program: process.execPath, args: ["-e", script], use_stdin: false, stream_mode: "ndjson_lines" },
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function pids(directory: string): Promise<readonly number[]> {
  return (await readFile(join(directory, "pids"), "utf8")).split(" ").map(Number);
}

describe("Ctrl-C", () => {
  it.each([
    ["SIGINT", 130, stayer],
    ["SIGTERM", 143, stayer],
    ["SIGHUP", 129, stayer],
    ["SIGINT", 130, stubborn],
  ] as const)(
    "%s to the whole terminal group ends the run, its children and theirs, with %d",
    async (signal, expected, script) => {
      const directory = await temporaryDirectory();
      const file = await temporaryFile("a.json", oneStep(program(script)));
      const running = start(
        ["run", file, "--work-dir", directory, "--data-dir", join(directory, "data"), "--verbose"],
        { detached: true },
      );
      await running.said(/> worker/u);
      await appears(join(directory, "pids"));
      const children = await pids(directory);
      expect(children.every(alive)).toBe(true);
      process.kill(-(running.child.pid as number), signal);
      const { code, stdout, stderr } = await running.ended;
      expect(code).toBe(expected);
      expect(stdout).toBe("");
      expect(stderr).toContain("cancelling");
      expect(children.filter(alive)).toEqual([]);
      const db = new DatabaseSync(join(directory, "data", "swarm-host.db"), { readOnly: true });
      expect(db.prepare("SELECT status FROM runs").all()).toMatchObject([{ status: "cancelled" }]);
      db.close();
    },
  );

  it("ends a run in the middle of Lua that never ends", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("while true do end")));
    const running = start(["run", file, "--ephemeral", "--verbose"]);
    await running.said(/> worker/u);
    running.child.kill("SIGINT");
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(stdout).toBe("");
  });

  it("prints the cancelled result with --json", async () => {
    const file = await temporaryFile("a.json", oneStep(lua("while true do end")));
    const running = start(["run", file, "--ephemeral", "--json"]);
    await running.said(/step_started/u);
    running.child.kill("SIGTERM");
    const { code, stdout } = await running.ended;
    expect(code).toBe(143);
    expect(JSON.parse(stdout)).toMatchObject({ status: "cancelled", reason: "received SIGTERM" });
  });

  it("pressed twice leaves at once", async () => {
    const directory = await temporaryDirectory();
    const file = await temporaryFile("a.json", oneStep(program(stubborn)));
    const running = start(["run", file, "--work-dir", directory, "--ephemeral", "--verbose"], { detached: true });
    await running.said(/> worker/u);
    await appears(join(directory, "pids"));
    running.child.kill("SIGINT");
    await running.said(/a second signal/u);
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(130);
  });
});
