/** The crash drill through the real command line. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../cli/temporary.ts";
import { PROJECT, swarmHost } from "./cli-process.ts";

const main = (name: string): string => join(PROJECT, "blueprints", name, "main.bp.lua");

interface Printed {
  readonly seed: number;
  readonly undisturbed: { readonly status: string; readonly ctx: Record<string, unknown>; readonly entries: number };
  readonly runs: readonly {
    readonly crashes: readonly number[];
    readonly verdict: string;
    readonly repeated: number;
  }[];
  readonly reproduce: string;
}

async function simulate(...args: readonly string[]): Promise<Printed> {
  const ended = await swarmHost(["simulate", ...args, "--json"]);
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  return JSON.parse(ended.stdout) as Printed;
}

describe("simulate", () => {
  it.each(["review-gate", "race"])("crashes %s after every entry and finds the same end", async (name) => {
    const { undisturbed, runs } = await simulate(main(name), "--seed", "7");
    expect(undisturbed.status).toBe("done");
    expect(runs.map(({ crashes }) => crashes[0])).toEqual(runs.map((_, index) => index + 1));
    expect(runs).toHaveLength(undisturbed.entries - 1);
    expect(runs.filter(({ verdict }) => verdict === "broken")).toEqual([]);
    expect(runs.every(({ verdict }) => name === "race" || verdict === "same")).toBe(true);
  });

  it("draws the same crashes from the same seed, and prints how to repeat them", async () => {
    const args = [main("review-gate"), "--crash", "random", "--runs", "5", "--seed", "3"];
    const [first, second] = [await simulate(...args), await simulate(...args)];
    expect(first.runs).toHaveLength(5);
    expect(second).toEqual(first);
    expect(first.reproduce).toContain("--seed 3 --crash random --runs 5");
  });

  it("runs the Lua agents' own chunks and takes the other answers from the script", async () => {
    const script = join(await temporaryDirectory(), "script.json");
    await writeFile(script, JSON.stringify({ reviewer: "BLOCKED" }));
    const { undisturbed, runs } = await simulate(main("review-gate"), "--script", script, "--seed", "1");
    expect(undisturbed.ctx).toMatchObject({ verdict: "BLOCKED", rounds: 3, halted_at: "review" });
    expect(runs.every(({ verdict }) => verdict === "same")).toBe(true);
  });

  it("prints a table of positions, the seed, and its summary", async () => {
    const { code, stdout } = await swarmHost(["simulate", main("review-gate"), "--seed", "5"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^crash after {2}entry +repeated {2}end\n1 +run_started +1 +same\n/u);
    expect(stdout).toContain("all ended as the run without one\nseed 5\n");
  });

  it("refuses a seed that is no number and a script that is no object, with exit code 2", async () => {
    const script = join(await temporaryDirectory(), "script.json");
    await writeFile(script, "[]");
    for (const bad of [
      ["--seed", "x"],
      ["--script", script],
    ]) {
      const ended = await swarmHost(["simulate", main("review-gate"), ...bad]);
      expect(ended.code).toBe(2);
      expect(ended.stdout).toBe("");
    }
  });
});
