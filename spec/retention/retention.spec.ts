/** Which runs a policy keeps. */
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { type Collection, collect, expiredRuns, parseRetention, type Retention } from "../../src/retention/index.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import { DOCUMENT_GRACE_MS, type RunRecord, type Stores } from "../../stores/ports.ts";
import { anAppend, aRun } from "../stores/samples.ts";

const ended = (runId: string, at: number, over: Partial<RunRecord> = {}): RunRecord =>
  aRun(runId, { status: "done", createdAt: at, updatedAt: at, ...over });

async function left(stores: Stores): Promise<readonly string[]> {
  return (await stores.runs.list({ limit: 10_000 })).map(({ runId }) => runId);
}

const ports = (stores: Stores) => ({ stores, turn: async () => {} });
const collected = (stores: Stores, retention: Retention, now = 1000): Promise<Collection> =>
  collect(ports(stores), { retention, now });

async function leftOf(runs: readonly RunRecord[], retention: Retention, now = 1000): Promise<readonly string[]> {
  await using stores = openMemoryStores();
  await stores.runs.create(runs);
  const expected = await expiredRuns(ports(stores), { retention, now });
  expect(await left(stores)).toHaveLength(runs.length);
  const { runs: removed } = await collected(stores, retention, now);
  const kept = await left(stores);
  expect(kept.length + removed).toBe(runs.length);
  expect(expected.reduce((sum, { size }) => sum + size.runs, 0)).toBe(removed);
  expect(kept.filter((runId) => expected.some(({ run }) => run.runId === runId))).toEqual([]);
  return kept;
}

describe("collecting", () => {
  const runs = [ended("a", 100), ended("b", 200), ended("c", 300), ended("f", 50, { status: "failed" })];

  it("removes nothing without a rule", async () => expect(await leftOf(runs, {})).toEqual(["c", "b", "a", "f"]));

  it("keeps what is young enough, of the class that has the rule", async () =>
    expect(await leftOf(runs, { done: { ageMs: 800 } })).toEqual(["c", "b", "f"]));

  it("keeps the newest so many", async () => {
    expect(await leftOf(runs, { done: { count: 1 }, failed: { count: 0 } })).toEqual(["c"]);
    expect(await leftOf(runs, { done: { count: 2, ageMs: 750 } })).toEqual(["c", "f"]);
  });

  it("keeps the newest that take so many bytes", async () => {
    await using stores = openMemoryStores({ now: () => 0 });
    await stores.runs.create(runs.map((run) => ({ ...run, status: "running" })));
    const big = { digest: "sha256:big", text: "x".repeat(1000) };
    const end = { patch: { status: "done" } } as const;
    await stores.journals.append([
      anAppend("c", 1, 0, { ...end, blobs: [big] }),
      anAppend("b", 1, 0, { ...end, blobs: [{ digest: "sha256:other", text: "é" }] }),
      anAppend("a", 1, 0, end),
    ]);
    const [b, ...others] = await expiredRuns(ports(stores), { retention: { done: { bytes: 1000 } }, now: 0 });
    expect(b).toEqual({ run: await stores.runs.get("b"), size: { runs: 1, bytes: 2 } });
    expect(others.map(({ run }) => run.runId)).toEqual(["a"]);
    expect(await collected(stores, { done: { bytes: 1001 } }, 0)).toEqual({
      runs: 2,
      blobs: { count: 1, bytes: 2 },
      documents: { count: 0, bytes: 0 },
    });
    expect(await left(stores)).toEqual(["c", "f"]);
    expect(await stores.blobs.get([big.digest])).toEqual([big.text]);
  });

  it("passes over runs that are held, and those that a live run needs", async () => {
    const begun = { nextSeq: 2 } as const;
    const family = [
      aRun("live", { forkedFrom: "source", createdAt: 900 }),
      ended("source", 1, begun),
      ended("child", 2, { parentRunId: "live", ...begun }),
      ended("orphan", 3, { parentRunId: "gone" }),
      ended("held", 5, { held: true }),
    ];
    expect(await leftOf(family, { done: { count: 0 } })).toEqual(["live", "held", "child", "source"]);
  });

  it("judges a run with what it has started: both go, or both stay", async () => {
    const family = [
      ended("parent", 10),
      ended("child", 20, { parentRunId: "parent" }),
      ended("grandchild", 30, { parentRunId: "child", status: "failed" }),
      ended("other", 40),
    ];
    const none = { done: { count: 0 }, failed: { count: 0 } };
    expect(await leftOf(family, { done: { count: 2 }, failed: { count: 0 } })).toHaveLength(4);
    expect(await leftOf(family, { done: { count: 1 } })).toEqual(["other"]);
    expect(await leftOf([...family, ended("late", 9, { parentRunId: "child", held: true })], none)).toHaveLength(4);
    expect(await leftOf([...family, aRun("still", { parentRunId: "grandchild" })], none)).toHaveLength(4);
  });

  it("weighs a run with what it has started", async () => {
    await using stores = openMemoryStores();
    await stores.runs.create([aRun("parent"), aRun("child", { parentRunId: "parent", createdAt: 2000 })]);
    const end = { patch: { status: "done" } } as const;
    const blobs = [{ digest: "sha256:big", text: "x".repeat(1000) }];
    await stores.journals.append([anAppend("parent", 1, 0, end), anAppend("child", 1, 0, { ...end, blobs })]);
    expect(await collected(stores, { done: { bytes: 1000 } })).toMatchObject({ runs: 0 });
    expect(await collected(stores, { done: { bytes: 999 } })).toMatchObject({ runs: 2, blobs: { count: 1 } });
  });

  it("does not count what is held", async () =>
    expect(await leftOf([ended("a", 1), ended("b", 2, { held: true })], { done: { count: 1 } })).toEqual(["b", "a"]));

  it("goes through more runs than a page", async () => {
    const many = Array.from({ length: 1003 }, (_, index) => ended(`r${String(index).padStart(4, "0")}`, index));
    expect(await leftOf(many, { done: { count: 3 } })).toEqual(["r1002", "r1001", "r1000"]);
  });

  it("leaves a run that was held meanwhile, and removes the others", async () => {
    await using stores = openMemoryStores();
    await stores.runs.create(runs);
    const refusals: Stores["runs"]["refusals"] = async (runIds) => {
      const found = await stores.runs.refusals(runIds);
      await stores.runs.hold("b", true);
      return found;
    };
    const held = { ...stores, runs: { ...stores.runs, refusals } };
    expect(await collected(held, { done: { count: 0 } }, 0)).toMatchObject({ runs: 2 });
    expect(await left(stores)).toEqual(["b", "f"]);
  });

  it("removes Blueprints that no run is pinned to, after their grace", async () => {
    let now = 0;
    await using stores = openMemoryStores({ now: () => now });
    await stores.documents.put({ version: "v", blueprintId: "b", text: "{}" });
    expect((await collected(stores, {}, now)).documents.count).toBe(0);
    now = DOCUMENT_GRACE_MS;
    expect((await collected(stores, {}, now)).documents).toEqual({ count: 1, bytes: 2 });
  });
});

describe("a policy", () => {
  it("is read with its units", () => {
    const text = { done: { age: "30d", count: 0, bytes: "2GB" }, dead_letter: { age: "90s" }, failed: {} };
    expect(parseRetention(text)).toEqual({
      done: { ageMs: 30 * 86_400_000, count: 0, bytes: 2e9 },
      dead_letter: { ageMs: 90_000 },
      failed: {},
    });
  });

  it("may speak of all classes at once, and of one otherwise", () => {
    const day = 86_400_000;
    expect(parseRetention({ done: { age: "3d" }, all: { age: "9d", count: 5 } })).toEqual({
      done: { ageMs: 3 * day, count: 5 },
      failed: { ageMs: 9 * day, count: 5 },
      cancelled: { ageMs: 9 * day, count: 5 },
      dead_letter: { ageMs: 9 * day, count: 5 },
    });
  });

  it.each<[Json, string]>([
    [[], "no object"],
    [{ running: {} }, '"running" is no class'],
    [{ __proto__x: {} }, "is no class"],
    [{ done: 5 }, "done is no object"],
    [{ done: { age: 30 } }, "done.age is 30"],
    [{ done: { age: "30" } }, "done.age"],
    [{ done: { age: "30d " } }, "done.age"],
    [{ done: { bytes: "1constructor" } }, "done.bytes"],
    [{ done: { count: -1 } }, "done.count is -1"],
    [{ done: { count: 1.5 } }, "not a whole number"],
    [{ done: { days: 3 } }, "done.days is no limit"],
  ])("of %j is refused", (policy, said) => {
    expect(() => parseRetention(policy)).toThrow(said);
  });
});
