/** What is kept and what is removed: snapshots, runs, and the texts they use, as every backend must do them. */
import { describe, expect, it } from "vitest";
import { type Blob, DOCUMENT_GRACE_MS, type RunRecord, type RunStatus, type Stores } from "../../stores/ports.ts";
import { aRequest } from "./operators-contract.ts";
import { anAppend, aRun, type OpenStores } from "./samples.ts";

async function openWith(open: OpenStores, ...runs: readonly RunRecord[]): Promise<Stores> {
  const stores = await open();
  await stores.runs.create(runs);
  return stores;
}

const ended = (runId: string, over: Partial<RunRecord> = {}): RunRecord => aRun(runId, { status: "done", ...over });
const blob = (name: string): Blob => ({ digest: `sha256:${name}`, text: `é ${name}` });

export function describeSnapshots(open: OpenStores): void {
  const at = (nextSeq: number) => ({ nextSeq, prev: `digest ${nextSeq}`, text: `{"kernel":"é ${nextSeq}"}` });

  it("keeps the newest of each run, whatever order they come in", async () => {
    await using stores = await openWith(open, aRun("a"), aRun("b"));
    expect(await stores.snapshots.get("a")).toBeUndefined();
    await stores.snapshots.put("a", at(10));
    await stores.snapshots.put("b", at(3));
    expect(await stores.snapshots.get("a")).toEqual(at(10));
    await Promise.all([stores.snapshots.put("a", at(30)), stores.snapshots.put("a", at(20))]);
    expect(await stores.snapshots.get("a")).toEqual(at(30));
    expect(await stores.snapshots.get("b")).toEqual(at(3));
  });

  it("replaces one that is as new", async () => {
    await using stores = await openWith(open, aRun("a"));
    await stores.snapshots.put("a", at(10));
    await stores.snapshots.put("a", { ...at(10), text: "other" });
    expect(await stores.snapshots.get("a")).toEqual({ ...at(10), text: "other" });
  });

  it("keeps none of a run that is not here", async () => {
    await using stores = await open();
    await stores.snapshots.put("later", at(1));
    await stores.runs.create([aRun("later")]);
    expect(await stores.snapshots.get("later")).toBeUndefined();
  });
}

export function describeRemoval(open: OpenStores): void {
  const statuses: readonly RunStatus[] = ["done", "failed", "cancelled", "dead_letter"];
  it.each(statuses)("removes a run that has ended (%s) with its journal and snapshot", async (status) => {
    await using stores = await openWith(open, aRun("r"), aRun("kept"));
    await stores.journals.append([anAppend("r", 1, 3, { patch: { status } }), anAppend("kept", 1, 2)]);
    await stores.snapshots.put("r", { nextSeq: 4, prev: "p", text: "t" });
    expect(await stores.runs.remove(["r"])).toBe(1);
    expect(await stores.runs.get("r")).toBeUndefined();
    expect(await stores.journals.read("r", 1, 9)).toEqual([]);
    expect(await stores.snapshots.get("r")).toBeUndefined();
    expect(await stores.journals.append([anAppend("r", 4)])).toEqual(["unknown_run"]);
    expect((await stores.runs.list({ limit: 9 })).map(({ runId }) => runId)).toEqual(["kept"]);
    expect(await stores.journals.read("kept", 1, 9)).toHaveLength(2);
  });

  const live: readonly RunStatus[] = ["pending", "running", "waiting", "suspended", "paused"];
  it.each(live)("refuses a run that has not ended (%s), by name, and removes none of the batch", async (status) => {
    await using stores = await openWith(open, ended("a"), aRun("b", { status }), ended("c"));
    await stores.journals.append([anAppend("a", 1, 2, { blobs: [blob("x")] })]);
    const before = await stores.runs.list({ limit: 9 });
    await expect(stores.runs.remove(["a", "b", "c"])).rejects.toMatchObject({
      name: "StoreError",
      code: "run_live",
      details: { runId: "b", status },
    });
    expect(await stores.runs.list({ limit: 9 })).toEqual(before);
    expect(await stores.journals.read("a", 1, 9)).toHaveLength(2);
    expect(await stores.blobs.collect({ limit: 9 })).toEqual({ count: 0, bytes: 0 });
  });

  it("refuses a run that is held, until it is released", async () => {
    await using stores = await openWith(open, ended("a"), ended("b"));
    expect(await stores.runs.hold("b", true)).toBe(true);
    expect(await stores.runs.get("b")).toEqual(ended("b", { held: true }));
    await expect(stores.runs.remove(["a", "b"])).rejects.toMatchObject({ code: "run_held", details: { runId: "b" } });
    expect(await stores.runs.list({ limit: 9 })).toHaveLength(2);
    expect(await stores.runs.hold("b", false)).toBe(true);
    expect(await stores.runs.get("b")).toEqual(ended("b"));
    expect(await stores.runs.remove(["a", "b"])).toBe(2);
    expect(await stores.runs.hold("b", true)).toBe(false);
  });

  it("tells the bytes of runs: their entries and the blobs they name", async () => {
    await using stores = await openWith(open, aRun("a"), aRun("b"));
    const [append] = [anAppend("a", 1, 2, { blobs: [blob("x"), blob("y")] })];
    await stores.journals.append([append, anAppend("b", 1, 0, { blobs: [blob("x")] })]);
    const bytes = (texts: readonly { readonly text: string }[]): number =>
      texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    expect(await stores.runs.sizes(["b", "none", "a"])).toEqual([
      { runs: 1, bytes: bytes([blob("x")]) },
      { runs: 0, bytes: 0 },
      { runs: 1, bytes: bytes([...append.rows, blob("x"), blob("y")]) },
    ]);
  });

  describe("of a family", () => {
    const begun = { nextSeq: 2 } as const;
    const parent = ended("parent", begun);
    const child = ended("child", { parentRunId: "parent", createdAt: 1001, ...begun });
    const grandchild = ended("grandchild", { parentRunId: "child", createdAt: 1002, ...begun });
    const other = ended("other", begun);
    const ids = async (stores: Stores) => (await stores.runs.list({ limit: 9 })).map(({ runId }) => runId).sort();

    it("removes with a run what it has started, with journals, blobs and requests", async () => {
      const live = { status: "running" } as const;
      await using stores = await openWith(open, parent, child, { ...grandchild, ...live }, { ...other, ...live });
      await stores.operators.requests.open([
        aRequest("Q-1", { runId: "grandchild" }),
        aRequest("Q-2", { runId: "other" }),
      ]);
      const end = { patch: { status: "done" } } as const;
      await stores.journals.append([
        anAppend("grandchild", 2, 2, { blobs: [blob("x"), blob("shared")], ...end }),
        anAppend("other", 2, 1, { blobs: [blob("shared")], ...end }),
      ]);
      expect((await stores.runs.sizes(["parent", "child", "grandchild"])).map(({ runs }) => runs)).toEqual([3, 2, 1]);
      expect(await stores.runs.refusals(["parent", "none"])).toEqual([undefined, undefined]);
      expect(await stores.runs.remove(["parent"])).toBe(3);
      expect(await ids(stores)).toEqual(["other"]);
      expect(await stores.journals.read("grandchild", 1, 9)).toEqual([]);
      expect(await stores.blobs.collect({ limit: 9 })).toMatchObject({ count: 1 });
      expect(await stores.blobs.get(["sha256:shared"])).toEqual(["é shared"]);
      expect(await stores.operators.requests.get("Q-1")).toBeUndefined();
      expect(await stores.operators.requests.get("Q-2")).toMatchObject({ runId: "other" });
    });

    it("counts each run once, and stops at a circle", async () => {
      await using stores = await openWith(open, ended("parent", { parentRunId: "grandchild" }), child, grandchild);
      expect(await stores.runs.remove(["child", "parent"])).toBe(3);
    });

    it.each<[string, RunRecord, string, object]>([
      ["a live run below it", aRun("live", { parentRunId: "grandchild" }), "parent", { code: "run_live" }],
      ["a held run below it", ended("kept", { parentRunId: "child", held: true }), "parent", { code: "run_held" }],
      ["a live fork of it", aRun("fork", { forkedFrom: "parent" }), "parent", { code: "run_live" }],
      ["a live fork of a run below it", aRun("fork", { forkedFrom: "grandchild" }), "parent", { code: "run_live" }],
    ])("refuses %s, by name, and changes nothing", async (_what, run, asked, refusal) => {
      await using stores = await openWith(open, parent, child, grandchild, run);
      const expected = { name: "StoreError", ...refusal, details: { runId: run.runId } };
      const before = await ids(stores);
      await expect(stores.runs.remove([asked])).rejects.toMatchObject(expected);
      expect(await stores.runs.refusals([asked])).toMatchObject([expected]);
      expect(await ids(stores)).toEqual(before);
    });

    it("refuses the child of a run that has not ended, unless it never began", async () => {
      await using stores = await openWith(open, aRun("parent"), child, ended("empty", { parentRunId: "parent" }));
      await expect(stores.runs.remove(["child"])).rejects.toMatchObject({
        code: "run_live",
        message: expect.stringContaining("run parent, which started run child,"),
        details: { runId: "parent", status: "running" },
      });
      expect(await stores.runs.remove(["empty"])).toBe(1);
      await stores.journals.append([anAppend("parent", 1, 1, { patch: { status: "failed" } })]);
      expect(await stores.runs.remove(["child"])).toBe(1);
    });

    it("removes forks that have ended, and the source of one, alone", async () => {
      await using stores = await openWith(open, parent, ended("fork", { forkedFrom: "parent" }));
      expect(await stores.runs.remove(["parent"])).toBe(1);
      expect(await ids(stores)).toEqual(["fork"]);
    });
  });

  it("lets others through when a removal is refused", async () => {
    await using stores = await openWith(open, ended("a"), aRun("b"), ended("c"));
    const outcomes = await Promise.allSettled([
      stores.runs.remove(["a", "b"]),
      stores.runs.remove(["c"]),
      stores.journals.append([anAppend("b", 1)]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect((await stores.runs.list({ limit: 9 })).map(({ runId }) => runId)).toEqual(["b", "a"]);
  });

  it("passes over ids that are not here, and counts an id once", async () => {
    await using stores = await openWith(open, ended("a"));
    expect(await stores.runs.remove([])).toBe(0);
    expect(await stores.runs.remove(["none", "a", "a", "__proto__"])).toBe(1);
    expect(await stores.runs.remove(["a"])).toBe(0);
  });

  it("lets id and idempotency key be used again, for a run that starts anew", async () => {
    await using stores = await openWith(open, ended("r", { idempotencyKey: "k", nextSeq: 8 }));
    await stores.journals.append([anAppend("r", 8, 2)]);
    await stores.snapshots.put("r", { nextSeq: 10, prev: "p", text: "t" });
    await stores.runs.remove(["r"]);
    expect(await stores.runs.byIdempotencyKey("k")).toBeUndefined();
    await stores.runs.create([aRun("r", { idempotencyKey: "k" })]);
    expect(await stores.journals.append([anAppend("r", 1)])).toEqual(["appended"]);
    expect(await stores.journals.read("r", 1, 99)).toHaveLength(1);
    expect(await stores.snapshots.get("r")).toBeUndefined();
  });
}

export function describeCollection(open: OpenStores): void {
  describe("blobs", () => {
    it("are collected when the last run that names them is removed, and say what they held", async () => {
      await using stores = await openWith(open, ended("a"), ended("b"));
      await stores.journals.append([
        anAppend("a", 1, 1, { blobs: [blob("shared"), blob("only a's")] }),
        anAppend("b", 1, 1, { blobs: [blob("shared")] }),
      ]);
      const left = async () => (await stores.blobs.get(["sha256:shared", "sha256:only a's"])).map(Boolean);
      expect(await stores.blobs.collect({ limit: 9 })).toEqual({ count: 0, bytes: 0 });
      await stores.runs.remove(["a"]);
      expect(await left()).toEqual([true, true]);
      expect(await stores.blobs.collect({ limit: 9 })).toEqual({ count: 1, bytes: Buffer.byteLength("é only a's") });
      expect(await left()).toEqual([true, false]);
      await stores.runs.remove(["b"]);
      expect(await stores.blobs.collect({ limit: 9 })).toMatchObject({ count: 1 });
      expect(await left()).toEqual([false, false]);
      expect(await stores.blobs.collect({ limit: 9 })).toEqual({ count: 0, bytes: 0 });
    });

    it("that a run names many times are one use", async () => {
      await using stores = await openWith(open, ended("a"));
      for (const seq of [1, 2, 3]) {
        await stores.journals.append([anAppend("a", seq, 1, { blobs: [blob("x"), blob("x")] })]);
      }
      await stores.runs.remove(["a"]);
      expect(await stores.blobs.collect({ limit: 9 })).toMatchObject({ count: 1 });
    });

    it("that a run names again before they are collected are kept", async () => {
      await using stores = await openWith(open, ended("a"), ended("b"));
      await stores.journals.append([anAppend("a", 1, 1, { blobs: [blob("x")] })]);
      const [, , collected] = await Promise.all([
        stores.runs.remove(["a"]),
        stores.journals.append([anAppend("b", 1, 1, { blobs: [blob("x")] })]),
        stores.blobs.collect({ limit: 9 }),
      ]);
      expect(collected).toEqual({ count: 0, bytes: 0 });
      expect(await stores.blobs.get(["sha256:x"])).toEqual(["é x"]);
    });

    it("come back when they are named after they were collected", async () => {
      await using stores = await openWith(open, ended("a"), ended("b"));
      await stores.journals.append([anAppend("a", 1, 1, { blobs: [blob("x")] })]);
      await stores.runs.remove(["a"]);
      await stores.blobs.collect({ limit: 9 });
      await stores.journals.append([anAppend("b", 1, 1, { blobs: [blob("x")] })]);
      expect(await stores.blobs.get(["sha256:x"])).toEqual(["é x"]);
      expect(await stores.blobs.collect({ limit: 9 })).toEqual({ count: 0, bytes: 0 });
    });

    it("are collected at most the limit at a time", async () => {
      await using stores = await openWith(open, ended("a"));
      const blobs = Array.from({ length: 7 }, (_, index) => blob(`${index}`));
      await stores.journals.append([anAppend("a", 1, 1, { blobs })]);
      await stores.runs.remove(["a"]);
      const counts: number[] = [];
      for (const limit of [0, 3, 3, 3, 3]) counts.push((await stores.blobs.collect({ limit })).count);
      expect(counts).toEqual([0, 3, 3, 1, 0]);
    });

    it("of a refused append are nobody's and are not kept", async () => {
      await using stores = await openWith(open, ended("a"));
      await stores.journals.append([anAppend("a", 5, 1, { blobs: [blob("x")] })]);
      expect(await stores.blobs.get(["sha256:x"])).toEqual([undefined]);
      expect(await stores.blobs.collect({ limit: 9 })).toEqual({ count: 0, bytes: 0 });
    });
  });

  describe("documents", () => {
    const document = (version: string) => ({ version, blueprintId: "demo", text: `é ${version}` });
    const openAt = async () => {
      const clock = { time: 1_000_000 };
      return { clock, stores: await open({ now: () => clock.time }) };
    };
    const kept = async (stores: Stores, ...versions: readonly string[]) => {
      const found = await Promise.all(versions.map((version) => stores.documents.get(version)));
      return versions.filter((_, index) => found[index] !== undefined);
    };

    it("are kept as long as a run is pinned to them", async () => {
      const { stores, clock } = await openAt();
      await using _ = stores;
      for (const version of ["v1", "v2"]) await stores.documents.put(document(version));
      await stores.runs.create([
        ended("a", { blueprintVersion: "v1" }),
        ended("b", { blueprintVersion: "v1" }),
        ended("c", { blueprintVersion: "v2" }),
      ]);
      clock.time += 10 * DOCUMENT_GRACE_MS;
      expect(await stores.documents.collect({ limit: 9 })).toEqual({ count: 0, bytes: 0 });
      await stores.runs.remove(["a", "c"]);
      expect(await stores.documents.collect({ limit: 9 })).toEqual({ count: 1, bytes: Buffer.byteLength("é v2") });
      expect(await kept(stores, "v1", "v2")).toEqual(["v1"]);
      await stores.runs.remove(["b"]);
      expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 1 });
      expect(await kept(stores, "v1", "v2")).toEqual([]);
    });

    it("that no run is pinned to are kept for a while since they were last put", async () => {
      const { stores, clock } = await openAt();
      await using _ = stores;
      await stores.documents.put(document("v"));
      clock.time += DOCUMENT_GRACE_MS / 2;
      await stores.documents.put(document("v"));
      clock.time += DOCUMENT_GRACE_MS - 1;
      expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 0 });
      expect(await kept(stores, "v")).toEqual(["v"]);
      clock.time += 1;
      expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 1 });
    });

    it("count runs that came before their document", async () => {
      const { stores, clock } = await openAt();
      await using _ = stores;
      await stores.runs.create([ended("a", { blueprintVersion: "v" }), ended("b", { blueprintVersion: "never put" })]);
      await stores.documents.put(document("v"));
      clock.time += 2 * DOCUMENT_GRACE_MS;
      expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 0 });
      await stores.runs.remove(["a", "b"]);
      expect(await stores.documents.collect({ limit: 1 })).toMatchObject({ count: 1 });
    });

    it("are collected at most the limit at a time", async () => {
      const { stores, clock } = await openAt();
      await using _ = stores;
      for (let index = 0; index < 5; index += 1) await stores.documents.put(document(`v${index}`));
      clock.time += DOCUMENT_GRACE_MS;
      const counts: number[] = [];
      for (const limit of [0, 2, 2, 2]) counts.push((await stores.documents.collect({ limit })).count);
      expect(counts).toEqual([0, 2, 2, 1]);
    });
  });
}
