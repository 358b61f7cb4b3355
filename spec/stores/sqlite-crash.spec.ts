import { describe, expect, it } from "vitest";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { startChild } from "./child.ts";
import { temporaryDirectories } from "./data-directories.ts";
import { rows } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();

/** How many acknowledgements each round sees before it kills: early, late, and in between. */
const ROUNDS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 4, 40, 400, 1, 1500];

describe("a process killed while it appends", () => {
  it("leaves every acknowledged append, and of each journal a prefix, round after round on one store", async () => {
    const dataDir = temporaryDirectory();
    let acknowledgedRows = 0;
    for (const [round, killAfter] of ROUNDS.entries()) {
      const acknowledged = await appendAndKill(dataDir, `round-${round}`, killAfter);
      await using stores = await openSqliteStores({ dataDir });
      expect(await stores.maintenance.integrityCheck()).toEqual([]);
      for (const [runId, last] of acknowledged) {
        acknowledgedRows += last;
        const run = await stores.runs.get(runId);
        const journal = await stores.journals.read(runId, 1, 1_000_000);
        expect(journal.length).toBeGreaterThanOrEqual(last);
        expect(journal).toEqual(rows(1, journal.length, runId));
        expect(run).toMatchObject({ nextSeq: journal.length + 1 });
        expect(await stores.blobs.get([`${runId}:1`])).toEqual([`blob of ${runId}:1`]);
      }
    }
    expect(acknowledgedRows).toBeGreaterThan(ROUNDS.reduce((sum, count) => sum + count));
  }, 120_000);
});

/** The last acknowledged seq of each run, of a child that was killed when it had acknowledged `killAfter` appends. */
async function appendAndKill(dataDir: string, prefix: string, killAfter: number): Promise<Map<string, number>> {
  const child = startChild("append-until-killed", dataDir, prefix);
  const acknowledged = new Map<string, number>();
  let seen = 0;
  for await (const line of child.lines) {
    const [runId = "", last] = line.split(" ");
    acknowledged.set(runId, Math.max(acknowledged.get(runId) ?? 0, Number(last)));
    seen += 1;
    if (seen === killAfter) child.process.kill("SIGKILL");
  }
  expect(await child.ended).toBe("SIGKILL");
  expect(seen).toBeGreaterThanOrEqual(killAfter);
  return acknowledged;
}
