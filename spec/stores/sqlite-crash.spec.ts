import { describe, expect, it } from "vitest";
import type { RunRecord, Stores } from "../../stores/ports.ts";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { startChild } from "./child.ts";
import { temporaryDirectories } from "./data-directories.ts";
import { anAppend, rows } from "./samples.ts";

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

describe("a process killed while it claims", () => {
  it("leaves every acknowledged claim, one entry under each fence, and runs that another host can claim", async () => {
    const dataDir = temporaryDirectory();
    for (const [round, killAfter] of [1, 2, 5, 20, 100, 400].entries()) {
      const acknowledged = await claimAndKill(dataDir, `round-${round}`, killAfter);
      await using stores = await openSqliteStores({ dataDir });
      expect(await stores.maintenance.integrityCheck()).toEqual([]);
      for (const [runId, { fence, seq }] of acknowledged) {
        const run = (await stores.runs.get(runId))!;
        const journal = await stores.journals.read(runId, 1, 1_000_000);
        expect(run.fence).toBeGreaterThanOrEqual(fence);
        expect(run.recoveryAttempts).toBe(run.fence - 1);
        expect(journal.length).toBeGreaterThanOrEqual(seq);
        expect(run.nextSeq).toBe(journal.length + 1);
        // A claim whose entry was not written yet is the last one.
        expect(run.fence - journal.length).toBe(run.status === "running" ? 2 : 1);
        expect(journal).toEqual(journal.flatMap(({ seq }) => rows(seq, 1, `fence ${seq + 1}`)));
        expect(await stores.journals.append([anAppend(runId, run.nextSeq, 1, { fence: run.fence - 1 })])).toEqual([
          "fenced",
        ]);
      }
      for (const host of ["w", "x", "y", "z"]) await stores.ownership.leave(host);
      const abandoned = await stores.ownership.claim({ hostId: "new", which: "abandoned", limit: 100 });
      const due = await stores.ownership.claim({ hostId: "new", which: "due", limit: 100 });
      const claimed = [...abandoned, ...due].map(({ runId }) => runId);
      expect(claimed).toEqual(expect.arrayContaining([...acknowledged.keys()]));
      await finish(stores, [...abandoned, ...due]);
    }
  }, 60_000);
});

describe("a process killed while it removes runs and collects blobs", () => {
  it("leaves every run that was not removed, whole families, and every blob that is named", async () => {
    const dataDir = temporaryDirectory();
    const kept = new Map<string, readonly string[]>();
    for (const [round, killAfter] of [1, 2, 3, 7, 20, 60, 1].entries()) {
      const child = startChild("collect-until-killed", dataDir, `round-${round}`);
      let seen = 0;
      for await (const line of child.lines) {
        const [runId = "", ...digests] = line.split(" ");
        kept.set(runId, digests);
        seen += 1;
        if (seen === killAfter) child.process.kill("SIGKILL");
      }
      expect(await child.ended).toBe("SIGKILL");
      await using stores = await openSqliteStores({ dataDir });
      expect(await stores.maintenance.integrityCheck()).toEqual([]);
      for (const [runId, digests] of kept) {
        expect(await stores.runs.get(runId)).toMatchObject({ status: "done", nextSeq: 3 });
        const texts = await stores.blobs.get(digests);
        expect(texts).toEqual(digests.map((digest) => `text ${digest.slice(7)}`.repeat(100)));
      }
      const all = await stores.runs.list({ limit: 100_000 });
      const ids = new Set(all.map(({ runId }) => runId));
      expect(all.filter(({ parentRunId }) => parentRunId !== undefined && !ids.has(parentRunId))).toEqual([]);
      // Of each lane at most one family that was about to be removed.
      let left = 0;
      for (const { runId, status } of all) {
        if (status === "done" && !runId.endsWith("-child") && !kept.has(`${runId}-child`))
          left += await stores.runs.remove([runId]);
      }
      expect(left).toBeLessThanOrEqual(6);
    }
    expect(kept.size).toBeGreaterThan(90);
  }, 120_000);
});

async function finish(stores: Stores, runs: readonly RunRecord[]): Promise<void> {
  const patch = { status: "done" } as const;
  await stores.journals.append(runs.map(({ runId, fence, nextSeq }) => anAppend(runId, nextSeq, 0, { fence, patch })));
}

/** The newest acknowledged fence and seq of each run, of a child that was killed after `killAfter` acknowledgements. */
async function claimAndKill(
  dataDir: string,
  prefix: string,
  killAfter: number,
): Promise<ReadonlyMap<string, { readonly fence: number; readonly seq: number }>> {
  const child = startChild("claim-until-killed", dataDir, prefix);
  const acknowledged = new Map<string, { fence: number; seq: number }>();
  let seen = 0;
  for await (const line of child.lines) {
    const [runId = "", fence, seq] = line.split(" ");
    acknowledged.set(runId, { fence: Number(fence), seq: Number(seq) });
    seen += 1;
    if (seen === killAfter) child.process.kill("SIGKILL");
  }
  expect(await child.ended).toBe("SIGKILL");
  expect(seen).toBeGreaterThanOrEqual(killAfter);
  return acknowledged;
}

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
