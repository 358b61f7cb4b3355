/**
 * A host that is killed again and again, at drawn moments, by SIGKILL. `KILLS=n` kills more often, `SEED=n` at others.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { openHost } from "../../src/index.ts";
import { SeededRandom } from "../../src/simulation/seeded-random.ts";
import { temporaryDirectory } from "../cli/temporary.ts";
import { childEnvironment } from "./cli-process.ts";

const KILLS = Number(process.env["KILLS"] ?? 200);
const SEED = Number(process.env["SEED"] ?? 1);
/** Directories that are worked on side by side. */
const HOSTS = 2;
/** One after the other. */
const RUNS = 5;
const LANES = 3;
const TURNS = 25;

/** A host's life until so many effects have been begun. True where it ended by itself. */
async function live(directory: string, effects: number): Promise<boolean> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("./killed-host.ts", import.meta.url)), directory, `${RUNS}`],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: childEnvironment(),
    },
  );
  const ended = once(child, "exit");
  let seen = 0;
  for await (const _line of createInterface({ input: child.stdout })) {
    seen += 1;
    if (seen === effects) child.kill("SIGKILL");
  }
  const [code, signal] = await ended;
  if (signal === null) expect(code).toBe(0);
  return signal === null;
}

/**
 * Kills hosts on one directory until all their runs have ended or the kills are used up, then lets one finish. Each sees an
 * effect more than there are lanes, so that each brings its run on: a run that does not come on is put aside.
 */
async function killAgainAndAgain(directory: string, kills: number, seed: number): Promise<number> {
  const random = new SeededRandom(seed);
  for (let killed = 0; killed < kills; killed += 1) {
    if (await live(directory, 1 + LANES + random.below(6))) return killed;
  }
  await live(directory, Number.POSITIVE_INFINITY);
  return kills;
}

/** What must hold of a directory whose host was killed so often. */
async function check(directory: string, kills: number): Promise<void> {
  const begun = (await readFile(join(directory, "effects"), "utf8")).trimEnd().split("\n");
  expect(new Set(begun).size, "an attempt is handed out once").toBe(begun.length);
  await using host = await openHost({ data: { kind: "directory", path: join(directory, "data") } });
  const records = await host.runs({ limit: 100 });
  expect(records.map(({ status }) => status)).toEqual(Array(RUNS).fill("done"));
  let completed = 0;
  for (const { runId } of records) {
    const entries = (await host.journal(runId)).map(({ entry, value }) => ({ ...entry, value }));
    expect(entries.at(-1)).toMatchObject({
      type: "run_finished",
      value: { n: TURNS, effect: TURNS - 1, count: TURNS - 1, lanes: null },
    });
    const accepted = entries.flatMap((entry) => (entry.type === "step_completed" && entry.accepted ? [entry] : []));
    expect(new Set(accepted.map(({ key }) => key)).size, "a step completes once").toBe(accepted.length);
    for (const { key, attempt, agent } of accepted) {
      if (agent !== "effect") continue;
      completed += 1;
      const attempts = begun
        .filter((one) => one.startsWith(`${runId}/${key}/`))
        .map((one) => Number(one.slice(one.lastIndexOf("/") + 1)));
      expect(Math.max(...attempts), `${key} is not executed again after its end`).toBe(attempt);
    }
  }
  expect(completed).toBe(RUNS * TURNS * (1 + LANES));
  expect(begun.length - completed, "no more is repeated than was in flight").toBeLessThanOrEqual(kills * LANES);
}

it(
  "does each effect once for each attempt, repeats none that is done, and ends every run the same",
  async () => {
    const killed = await Promise.all(
      Array.from({ length: HOSTS }, async (_, index) => {
        const directory = await temporaryDirectory();
        const kills = await killAgainAndAgain(directory, Math.ceil(KILLS / HOSTS), SEED + index);
        await check(directory, kills);
        return kills;
      }),
    );
    expect(killed.reduce((sum, kills) => sum + kills)).toBeGreaterThanOrEqual(Math.min(KILLS, 80));
  },
  60_000 + KILLS * 10_000,
);
