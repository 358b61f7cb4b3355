/** Collecting by itself, under a clock of the test's own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Clock } from "../../src/engine/index.ts";
import { COLLECT_EVERY_MS, FIRST_COLLECTION_MS, retentionFile, Upkeep } from "../../src/upkeep.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import type { Stores } from "../../stores/ports.ts";
import { aRun } from "../stores/samples.ts";

/** Time that the test moves; at most one timer is set. */
class HandClock implements Clock {
  #now = 0;
  set: { readonly at: number; readonly fire: () => void } | undefined;

  now(): number {
    return this.#now;
  }

  timer(at: number, fire: () => void): { cancel(): void } {
    this.set = { at, fire };
    return {
      cancel: () => {
        this.set = undefined;
      },
    };
  }

  random(): number {
    return 0;
  }

  /** Goes to the timer and fires it. */
  pass(): void {
    const due = this.set;
    if (due === undefined) throw new Error("no timer is set");
    this.set = undefined;
    this.#now = due.at;
    due.fire();
  }
}

let clock: HandClock;
let stores: Stores;
let dataDir: string;
let defects: unknown[];

beforeEach(() => {
  clock = new HandClock();
  stores = openMemoryStores({ now: () => clock.now() });
  defects = [];
  dataDir = mkdtempSync(join(tmpdir(), "swarm-host-upkeep-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
});

const upkeep = (): Upkeep => new Upkeep({ stores, clock, dataDir, onDefect: (error) => defects.push(error) });
const policy = (text: string): void => writeFileSync(retentionFile(dataDir), text);
const ended = (...runIds: readonly string[]): Promise<void> =>
  stores.runs.create(runIds.map((runId) => aRun(runId, { status: "done" })));

describe("upkeep", () => {
  it("collects a minute after its start, and then every hour, by the policy as it is then", async () => {
    await using kept = upkeep();
    const reports: number[] = [];
    await ended("a", "b");
    await kept.start(({ runs }) => reports.push(runs));
    expect(clock.set?.at).toBe(FIRST_COLLECTION_MS);
    clock.pass();
    await expect.poll(() => clock.set?.at).toBe(FIRST_COLLECTION_MS + COLLECT_EVERY_MS);
    expect(reports).toEqual([]);
    policy('{"done": {"count": 0}}');
    clock.pass();
    await expect.poll(() => clock.set?.at).toBe(FIRST_COLLECTION_MS + 2 * COLLECT_EVERY_MS);
    expect(reports).toEqual([2]);
    expect(await stores.runs.list({ limit: 9 })).toEqual([]);
    expect(defects).toEqual([]);
  });

  it("refuses to start by what is no policy, and tells of one that came later and goes on", async () => {
    await using kept = upkeep();
    policy("{");
    await expect(kept.start()).rejects.toMatchObject({ name: "RetentionError", code: "retention_invalid" });
    expect(clock.set).toBeUndefined();
    policy("{}");
    await kept.start();
    policy('{"done": 5}');
    clock.pass();
    await expect.poll(() => clock.set?.at).toBe(FIRST_COLLECTION_MS + COLLECT_EVERY_MS);
    expect(defects).toMatchObject([{ code: "retention_invalid" }]);
  });

  it("ends with its host, and collects no more", async () => {
    const kept = upkeep();
    await kept.start();
    await kept[Symbol.asyncDispose]();
    expect(clock.set).toBeUndefined();
  });

  it("collects one after the other, and only says what it would remove", async () => {
    await using kept = upkeep();
    await ended("a", "b");
    const all = { done: { count: 0 } };
    expect((await kept.expired(all)).map(({ run }) => run.runId)).toEqual(["b", "a"]);
    const collections = await Promise.all([kept.collect(all), kept.collect(all)]);
    expect(collections.map(({ runs }) => runs)).toEqual([2, 0]);
  });
});
