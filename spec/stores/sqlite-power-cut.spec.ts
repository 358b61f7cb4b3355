/**
 * Power cuts: images of the files as they may be on the disk at any moment of writing, opened by another host.
 *
 * The log is what is being written when the power goes: an image is the files of one moment, the log cut off anywhere after
 * what was acknowledged by then, with rubbish where a page was half written.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { temporaryDirectories } from "./data-directories.ts";
import { anAppend, aRun, rows } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();
const FILES = ["swarm-host.db", "swarm-host.db-wal"];
const GROUPS = 40;
const RUNS = ["a", "b", "c"];

/** How far the log had been written, and what of each journal was acknowledged by then. */
interface Moment {
  readonly log: number;
  readonly acknowledged: ReadonlyMap<string, number>;
}

/** A store that is written to, its files as they were at the end, and the moments on the way there. */
async function written(dataDir: string): Promise<{ readonly image: string; readonly moments: readonly Moment[] }> {
  const acknowledged = new Map(RUNS.map((runId) => [runId, 0]));
  const moments: Moment[] = [];
  const image = temporaryDirectory();
  await using stores = await openSqliteStores({ dataDir });
  const log = join(dataDir, "swarm-host.db-wal");
  await stores.runs.create(RUNS.map((runId) => aRun(runId)));
  moments.push({ log: statSync(log).size, acknowledged: new Map(acknowledged) });
  for (let group = 0; group < GROUPS; group += 1) {
    const batch = RUNS.filter((_, index) => (group + index) % 3 !== 0).map((runId, index) => {
      const from = acknowledged.get(runId)! + 1;
      const count = 1 + ((group * 7 + index) % 5);
      acknowledged.set(runId, from + count - 1);
      return anAppend(runId, from, 0, { rows: rows(from, count, runId) });
    });
    await stores.journals.append(batch);
    moments.push({ log: statSync(log).size, acknowledged: new Map(acknowledged) });
  }
  // By another process: closing a file here would drop the locks that SQLite holds on it.
  for (const name of FILES) spawnSync("cp", [join(dataDir, name), join(image, name)]);
  return { image, moments };
}

describe("a power cut at any moment of writing", () => {
  it("leaves every acknowledged append, of each journal a prefix, and a sound store", async () => {
    const { image, moments } = await written(join(temporaryDirectory(), "data"));
    const [first, last] = [moments[0]!, moments.at(-1)!];
    expect(last.log, "nothing was folded into the database meanwhile").toBeGreaterThan(first.log);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: first.log, max: last.log }),
        fc.uint8Array({ maxLength: 5_000 }),
        async (cut, rubbish) => {
          const dataDir = join(temporaryDirectory(), "data");
          mkdirSync(dataDir, { mode: 0o700 });
          for (const name of FILES) copyFileSync(join(image, name), join(dataDir, name));
          const log = join(dataDir, "swarm-host.db-wal");
          truncateSync(log, cut);
          writeFileSync(log, rubbish, { flag: "a" });
          const { acknowledged } = moments.findLast((moment) => moment.log <= cut)!;
          await using stores = await openSqliteStores({ dataDir });
          expect(await stores.maintenance.integrityCheck()).toEqual([]);
          for (const runId of RUNS) {
            const journal = await stores.journals.read(runId, 1, 10_000);
            expect(journal.length).toBeGreaterThanOrEqual(acknowledged.get(runId)!);
            expect(journal).toEqual(rows(1, journal.length, runId));
            expect(await stores.runs.get(runId)).toMatchObject({ nextSeq: journal.length + 1 });
          }
          expect(await stores.journals.append([anAppend("a", (await stores.runs.get("a"))!.nextSeq)])).toEqual([
            "appended",
          ]);
        },
      ),
      { numRuns: 16 },
    );
  }, 120_000);
});
