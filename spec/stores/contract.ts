/**
 * What every backend must do: the contract of stores/ports.ts, as tests. A backend's own spec file calls
 * `describeStores` and adds what only it promises.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Append,
  type AppendResult,
  DOCUMENT_GRACE_MS,
  type JournalRow,
  type RunQuery,
  type RunRecord,
  type RunStatus,
  type Stores,
} from "../../stores/ports.ts";
import { describeChildren } from "./children-contract.ts";
import { describeAgainstModel } from "./model-property.ts";
import { describeRequests, describeSeats, describeSessions } from "./operators-contract.ts";
import { describeOwnership } from "./ownership-contract.ts";
import { describeOwnershipAgainstModel } from "./ownership-property.ts";
import { describeRequestsAgainstModel } from "./requests-property.ts";
import { describeCollection, describeRemoval, describeSnapshots } from "./retention-contract.ts";
import { aFullRun, anAppend, aRow, aRun, type OpenStores, rows } from "./samples.ts";
import { describeSchedules } from "./schedule-contract.ts";
import { describeTail } from "./tail-contract.ts";

const FOR_EVER = 1_000_000;

/** @param open Opens an empty store. May be called before a group of tests, or in one. */
export function describeStores(name: string, open: OpenStores): void {
  describe(`${name}: journals`, () => describeJournals(open));
  describe(`${name}: runs`, () => describeRuns(open));
  describe(`${name}: documents and blobs`, () => describeContents(open));
  describe(`${name}: closing and cancelling`, () => describeClosing(open));
  describe(`${name}: the tail`, () => describeTail(open));
  describe(`${name}: schedules`, () => describeSchedules(open));
  describe(`${name}: ownership`, () => describeOwnership(open));
  describe(`${name}: snapshots`, () => describeSnapshots(open));
  describe(`${name}: removing runs`, () => describeRemoval(open));
  describe(`${name}: collecting`, () => describeCollection(open));
  describe(`${name}: operators' sessions`, () => describeSessions(open));
  describe(`${name}: parents and children`, () => describeChildren(open));
  describe(`${name}: seats`, () => describeSeats(open));
  describe(`${name}: requests`, () => describeRequests(open));
  describeAgainstModel(name, open);
  describeOwnershipAgainstModel(name, open);
  describeRequestsAgainstModel(name, open);
}

/** A store with these runs in it. */
async function openWith(open: OpenStores, ...runs: readonly RunRecord[]): Promise<Stores> {
  const stores = await open();
  await stores.runs.create(runs);
  return stores;
}

async function journal(stores: Stores, runId: string): Promise<readonly JournalRow[]> {
  return stores.journals.read(runId, 0, FOR_EVER);
}

function describeJournals(open: OpenStores): void {
  it("appends rows and moves the run's row with them", async () => {
    await using stores = await openWith(open, aRun("r"));
    expect(await stores.journals.append([anAppend("r", 1, 3, { at: 4321 })])).toEqual(["appended"]);
    expect(await journal(stores, "r")).toEqual(rows(1, 3));
    expect(await stores.runs.get("r")).toEqual(aRun("r", { nextSeq: 4, updatedAt: 4321 }));
  });

  it("keeps rows exactly: absent columns stay absent, any text comes back as it was", async () => {
    await using stores = await openWith(open, aRun("r"));
    const odd: JournalRow[] = [
      { seq: 1, type: "run_started", text: "" },
      { seq: 2, type: "step_started", key: "__proto__", text: "tab\tnul\u0000quote'\"\\ é 漢 😀 \u2028" },
      { seq: 3, type: "step_started", attempt: 2, text: "x".repeat(300_000) },
    ];
    await stores.journals.append([anAppend("r", 1, 0, { rows: odd })]);
    expect(await journal(stores, "r")).toEqual(odd);
  });

  it("applies a patch with the rows, and leaves what it does not name", async () => {
    await using stores = await openWith(open, aRun("r"));
    await stores.journals.append([anAppend("r", 1, 1, { patch: { status: "failed", error: "no luck" } })]);
    await stores.journals.append([anAppend("r", 2, 1, { patch: { status: "pending" } })]);
    expect(await stores.runs.get("r")).toMatchObject({ status: "pending", error: "no luck", nextSeq: 3 });
    await stores.journals.append([anAppend("r", 3, 1, { patch: { error: null } })]);
    expect(await stores.runs.get("r")).not.toHaveProperty("error");
  });

  it("takes an append without rows as a patch alone", async () => {
    await using stores = await openWith(open, aRun("r"));
    expect(await stores.journals.append([anAppend("r", 1, 0, { patch: { status: "paused" } })])).toEqual(["appended"]);
    expect(await stores.runs.get("r")).toMatchObject({ status: "paused", nextSeq: 1 });
  });

  it("answers an empty batch with nothing", async () => {
    await using stores = await open();
    expect(await stores.journals.append([])).toEqual([]);
  });

  const refused: readonly (readonly [AppendResult, string, Append])[] = [
    ["fenced", "an older fence", anAppend("r", 3, 1, { fence: 1 })],
    ["fenced", "a fence nobody was given", anAppend("r", 3, 1, { fence: 9 })],
    ["fenced", "an older fence and a taken seq", anAppend("r", 1, 1, { fence: 1 })],
    ["lost_race", "a seq that is taken", anAppend("r", 2, 1, { fence: 2 })],
    ["lost_race", "a seq that would leave a hole", anAppend("r", 4, 1, { fence: 2 })],
    ["unknown_run", "a run that is not here", anAppend("q", 1, 1, { fence: 2 })],
  ];
  it.each(refused)("says %s for %s, and changes nothing (P1)", async (result, _why, append) => {
    await using stores = await openWith(open, aRun("r", { fence: 2 }));
    await stores.journals.append([anAppend("r", 1, 2, { fence: 2 })]);
    const before = await stores.runs.get("r");
    const loaded = {
      ...append,
      patch: { status: "failed", error: "no" },
      blobs: [{ digest: "sha256:b", text: "b" }],
    } as const;
    expect(await stores.journals.append([loaded])).toEqual([result]);
    expect(await stores.runs.get("r")).toEqual(before);
    expect(await journal(stores, "r")).toEqual(rows(1, 2));
    expect(await stores.blobs.get(["sha256:b"])).toEqual([undefined]);
  });

  it("judges each append of a batch by itself, in order, seeing those before it (P1)", async () => {
    await using stores = await openWith(open, aRun("a"), aRun("b", { fence: 5 }), aRun("c"));
    const results = await stores.journals.append([
      anAppend("a", 1, 2),
      anAppend("b", 1, 1),
      anAppend("a", 3, 1),
      anAppend("a", 1, 1),
      anAppend("none", 1, 1),
      anAppend("c", 1, 1),
    ]);
    expect(results).toEqual(["appended", "fenced", "appended", "lost_race", "unknown_run", "appended"]);
    expect(await journal(stores, "a")).toEqual(rows(1, 3));
    expect(await journal(stores, "b")).toEqual([]);
    expect(await journal(stores, "c")).toEqual(rows(1, 1));
  });

  it("refuses rows with a hole or out of order, and writes nothing of the whole batch", async () => {
    await using stores = await openWith(open, aRun("a"), aRun("b"));
    for (const bad of [[aRow(2)], [aRow(1), aRow(3)], [aRow(2), aRow(1)]]) {
      const batch = [anAppend("a", 1), anAppend("b", 1, 0, { rows: bad })];
      await expect(stores.journals.append(batch)).rejects.toMatchObject({
        code: "invalid_append",
        details: { runId: "b" },
      });
    }
    expect(await journal(stores, "a")).toEqual([]);
    expect(await stores.runs.get("a")).toEqual(aRun("a"));
  });

  it("starts a journal at the seq its run was created with", async () => {
    await using stores = await openWith(open, aRun("r", { nextSeq: 8 }));
    expect(await stores.journals.append([anAppend("r", 1)])).toEqual(["lost_race"]);
    expect(await stores.journals.append([anAppend("r", 8, 2)])).toEqual(["appended"]);
    expect(await journal(stores, "r")).toEqual(rows(8, 2));
    expect(await stores.journals.read("r", 9, 5)).toEqual([aRow(9)]);
  });

  it("reads pages: from a seq on, at most the limit, empty past the end and for unknown runs", async () => {
    await using stores = await openWith(open, aRun("r"));
    await stores.journals.append([anAppend("r", 1, 7)]);
    expect(await stores.journals.read("r", 1, 3)).toEqual(rows(1, 3));
    expect(await stores.journals.read("r", 4, 3)).toEqual(rows(4, 3));
    expect(await stores.journals.read("r", 7, 3)).toEqual([aRow(7)]);
    expect(await stores.journals.read("r", 8, 3)).toEqual([]);
    expect(await stores.journals.read("r", 1, 0)).toEqual([]);
    expect(await stores.journals.read("nobody", 1, 3)).toEqual([]);
  });

  it("shows a write as soon as its promise has resolved (P3)", async () => {
    await using stores = await openWith(open, aRun("r"));
    for (let seq = 1; seq <= 50; seq += 1) {
      await stores.journals.append([anAppend("r", seq)]);
      expect(await stores.journals.read("r", seq, 10)).toEqual([aRow(seq)]);
    }
  });

  it("takes writes in the order of the calls, awaited or not", async () => {
    await using stores = await open();
    const writes = [stores.runs.create([aRun("r")]), stores.journals.append([anAppend("r", 1, 2)])];
    for (let seq = 3; seq <= 40; seq += 1) writes.push(stores.journals.append([anAppend("r", seq)]));
    await Promise.all(writes);
    expect(await journal(stores, "r")).toEqual(rows(1, 40));
  });

  it("lets exactly one of many owners have each seq, and never mixes their rows", async () => {
    await using stores = await openWith(open, aRun("r"));
    const owners = Array.from({ length: 16 }, (_, index) => `owner ${index}`);
    let expected = 1;
    for (let round = 0; round < 12; round += 1) {
      const count = 1 + (round % 4);
      const results = await Promise.all(
        owners.map((owner) =>
          stores.journals.append([anAppend("r", expected, 0, { rows: rows(expected, count, owner) })]),
        ),
      );
      const winners = owners.filter((_, index) => results[index]![0] === "appended");
      expect(winners).toHaveLength(1);
      expect(results.flat().filter((result) => result === "lost_race")).toHaveLength(owners.length - 1);
      expect(await stores.journals.read("r", expected, 100)).toEqual(rows(expected, count, winners[0]));
      expected += count;
    }
  });

  it("keeps hundreds of runs that append at once apart", async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `run-${index}`);
    await using stores = await openWith(open, ...ids.map((id) => aRun(id)));
    const grow = async (id: string): Promise<void> => {
      for (let seq = 1; seq <= 9; seq += 3) {
        const append = anAppend(id, seq, 0, { rows: rows(seq, 3, id) });
        expect(await stores.journals.append([append])).toEqual(["appended"]);
      }
    };
    await Promise.all(ids.map(grow));
    for (const id of ids) expect(await journal(stores, id)).toEqual(rows(1, 9, id));
  });
}

function describeRuns(open: OpenStores): void {
  it("gives back what was created, with every optional field or none", async () => {
    const full = aFullRun("full");
    await using stores = await openWith(open, aRun("bare"), full);
    expect(await stores.runs.get("bare")).toEqual(aRun("bare"));
    expect(await stores.runs.get("full")).toEqual(full);
    expect(await stores.runs.get("other")).toBeUndefined();
  });

  it("finds a run by the idempotency key it was created with", async () => {
    await using stores = await openWith(open, aRun("a", { idempotencyKey: "__proto__" }), aFullRun("b"), aRun("c"));
    expect(await stores.runs.byIdempotencyKey("__proto__")).toEqual(aRun("a", { idempotencyKey: "__proto__" }));
    expect(await stores.runs.byIdempotencyKey("key of b")).toEqual(aFullRun("b"));
    expect(await stores.runs.byIdempotencyKey("constructor")).toBeUndefined();
    expect(await stores.runs.byIdempotencyKey("")).toBeUndefined();
  });

  it("refuses a key that a run has, naming that run, and adds none of the batch", async () => {
    await using stores = await openWith(open, aRun("a", { idempotencyKey: "k" }));
    const creating = stores.runs.create([aRun("b", { idempotencyKey: "other" }), aRun("c", { idempotencyKey: "k" })]);
    await expect(creating).rejects.toMatchObject({
      name: "StoreError",
      code: "run_key_taken",
      details: { runId: "a", idempotencyKey: "k" },
    });
    expect((await stores.runs.list({ limit: 9 })).map(({ runId }) => runId)).toEqual(["a"]);
    expect(await stores.runs.byIdempotencyKey("other")).toBeUndefined();
  });

  it("refuses a batch that names one key twice", async () => {
    await using stores = await open();
    const creating = stores.runs.create([aRun("a", { idempotencyKey: "k" }), aRun("b", { idempotencyKey: "k" })]);
    await expect(creating).rejects.toMatchObject({ code: "run_key_taken", details: { runId: "a" } });
    expect(await stores.runs.list({ limit: 9 })).toEqual([]);
  });

  it("gives a key to exactly one of many that ask at once", async () => {
    await using stores = await open();
    const ids = Array.from({ length: 20 }, (_, index) => `r${index}`);
    const creating = ids.map((id) => stores.runs.create([aRun(id, { idempotencyKey: "k" })]));
    const outcomes = await Promise.allSettled(creating);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await stores.runs.list({ limit: 99 })).toHaveLength(1);
  });

  it("treats the names of Object.prototype as plain ids", async () => {
    const ids = ["__proto__", "constructor", "toString"];
    await using stores = await open();
    for (const id of ids) expect(await stores.runs.get(id)).toBeUndefined();
    await stores.runs.create(ids.map((id) => aRun(id)));
    for (const id of ids) expect(await stores.runs.get(id)).toEqual(aRun(id));
  });

  it("refuses an id that exists, by name, and adds none of the batch", async () => {
    await using stores = await openWith(open, aRun("a", { createdAt: 5 }));
    const creating = stores.runs.create([aRun("b"), aRun("a"), aRun("c")]);
    await expect(creating).rejects.toMatchObject({ name: "StoreError", code: "run_exists", details: { runId: "a" } });
    expect(await stores.runs.get("b")).toBeUndefined();
    expect(await stores.runs.list({ limit: 10 })).toEqual([aRun("a", { createdAt: 5 })]);
  });

  it("refuses a batch that names one id twice", async () => {
    await using stores = await open();
    await expect(stores.runs.create([aRun("a"), aRun("a")])).rejects.toMatchObject({ code: "run_exists" });
    expect(await stores.runs.get("a")).toBeUndefined();
  });

  it("lets others through when one creation is refused", async () => {
    await using stores = await openWith(open, aRun("a"));
    const outcomes = await Promise.allSettled([
      stores.runs.create([aRun("b")]),
      stores.runs.create([aRun("c"), aRun("a")]),
      stores.runs.create([aRun("d")]),
      stores.journals.append([anAppend("a", 1)]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect((await stores.runs.list({ limit: 10 })).map(({ runId }) => runId)).toEqual(["d", "b", "a"]);
  });

  describe("list", () => {
    const statuses: readonly RunStatus[] = ["running", "done", "failed"];
    const all = Array.from({ length: 30 }, (_, index) =>
      aRun(`run-${String((index * 7) % 30).padStart(2, "0")}`, {
        createdAt: 100 + Math.floor(index / 3),
        status: statuses[index % 3]!,
        blueprintId: index % 2 === 0 ? "even" : "odd",
      }),
    );
    const newestFirst = all.toSorted((a, b) => b.createdAt - a.createdAt || (a.runId < b.runId ? 1 : -1));

    let stores: Stores;
    beforeAll(async () => {
      stores = await openWith(open, ...all);
    });
    afterAll(() => stores[Symbol.asyncDispose]());

    it("gives the newest first, whatever order they were added in", async () => {
      expect(await stores.runs.list({ limit: 100 })).toEqual(newestFirst);
      expect(await stores.runs.list({ limit: 4 })).toEqual(newestFirst.slice(0, 4));
      expect(await stores.runs.list({ limit: 0 })).toEqual([]);
    });

    it("gives the children of a run alone, also of some statuses or a Blueprint", async () => {
      const child = (runId: string, over: Partial<RunRecord> = {}): RunRecord =>
        aRun(runId, { parentRunId: "p", ...over });
      await using family = await openWith(
        open,
        aRun("p"),
        child("a", { createdAt: 1 }),
        child("b", { createdAt: 2, status: "done", blueprintId: "other" }),
        aRun("c", { parentRunId: "q" }),
      );
      const ids = async (query: Partial<RunQuery>): Promise<readonly string[]> =>
        (await family.runs.list({ parentRunId: "p", limit: 9, ...query })).map(({ runId }) => runId);
      expect(await ids({})).toEqual(["b", "a"]);
      expect(await ids({ status: ["running"] })).toEqual(["a"]);
      expect(await ids({ blueprintId: "other", status: ["done", "running"] })).toEqual(["b"]);
      expect(await ids({ before: "b" })).toEqual(["a"]);
      expect(await ids({ parentRunId: "none" })).toEqual([]);
    });

    const filters: readonly (readonly [string, readonly RunStatus[] | undefined, string | undefined])[] = [
      ["everything", undefined, undefined],
      ["one status", ["done"], undefined],
      ["several statuses", ["failed", "running"], undefined],
      ["a status named twice", ["done", "done"], undefined],
      ["no status", [], undefined],
      ["a status nobody has", ["dead_letter"], undefined],
      ["a blueprint", undefined, "odd"],
      ["an unknown blueprint", undefined, "none"],
      ["statuses of a blueprint", ["done", "failed"], "even"],
    ];
    it.each(filters)("pages through %s without losing or repeating a run", async (_name, status, blueprintId) => {
      const query = {
        ...(status === undefined ? {} : { status }),
        ...(blueprintId === undefined ? {} : { blueprintId }),
      };
      const paged: RunRecord[] = [];
      for (;;) {
        const before = paged.at(-1)?.runId;
        const page = await stores.runs.list({ ...query, limit: 4, ...(before === undefined ? {} : { before }) });
        paged.push(...page);
        if (page.length < 4) break;
      }
      const wanted = newestFirst.filter(
        (run) =>
          (status?.includes(run.status) ?? true) && (blueprintId === undefined || run.blueprintId === blueprintId),
      );
      expect(paged).toEqual(wanted);
    });

    it("gives nothing before a run that is not here", async () => {
      expect(await stores.runs.list({ limit: 10, before: "gone" })).toEqual([]);
    });
  });

  it("lists a run under its new status after a patch", async () => {
    await using stores = await openWith(open, aRun("r"));
    await stores.journals.append([anAppend("r", 1, 1, { patch: { status: "done" } })]);
    expect(await stores.runs.list({ status: ["running"], limit: 10 })).toEqual([]);
    expect(await stores.runs.list({ status: ["done"], limit: 10 })).toHaveLength(1);
  });
}

function describeContents(open: OpenStores): void {
  const document = { version: "sha256:aa", blueprintId: "demo", text: '{"flow":"é"}' };

  it("keeps a document under its version; putting it again is nothing", async () => {
    await using stores = await open();
    expect(await stores.documents.get("sha256:aa")).toBeUndefined();
    await stores.documents.put(document);
    await stores.documents.put(document);
    await Promise.all([stores.documents.put(document), stores.documents.put({ ...document, version: "sha256:bb" })]);
    expect(await stores.documents.get("sha256:aa")).toEqual(document);
    expect(await stores.documents.get("sha256:bb")).toEqual({ ...document, version: "sha256:bb" });
  });

  it("names the version that was last put as the newest of its Blueprint, and keeps it", async () => {
    let time = 1_000_000;
    await using stores = await open({ now: () => time });
    const put = (version: string, newest?: boolean, blueprintId = "demo") =>
      stores.documents.put({ version, blueprintId, text: version, ...(newest === undefined ? {} : { newest }) });
    expect(await stores.documents.newest("demo")).toBeUndefined();
    await put("v1");
    expect(await stores.documents.newest("demo"), "kept, and nothing said of it").toBeUndefined();
    await put("v1", true);
    await put("v2", true);
    await put("other", true, "other");
    await put("v3", false);
    expect(await stores.documents.newest("demo")).toBe("v2");
    expect(await stores.documents.newest("other")).toBe("other");
    await put("v1", true);
    expect(await stores.documents.newest("demo"), "put again").toBe("v1");
    expect(await stores.documents.get("v1")).toEqual({ version: "v1", blueprintId: "demo", text: "v1" });
    time += 2 * DOCUMENT_GRACE_MS;
    expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 2 });
    expect(await stores.documents.newest("demo")).toBe("v1");
    expect(await stores.documents.get("v1")).toBeDefined();
    expect(await stores.documents.get("v2")).toBeUndefined();
    expect(await stores.documents.get("other")).toBeDefined();
  });

  it("keeps the blobs of an append, once each, and gives them in the order asked for", async () => {
    await using stores = await openWith(open, aRun("r"));
    const large = "漢".repeat(200_000);
    const blobs = [
      { digest: "sha256:l", text: large },
      { digest: "sha256:s", text: "small" },
    ];
    await stores.journals.append([anAppend("r", 1, 1, { blobs })]);
    await stores.journals.append([anAppend("r", 2, 1, { blobs: [blobs[1]!] })]);
    expect(await stores.blobs.get(["sha256:s", "sha256:none", "sha256:l", "sha256:s"])).toEqual([
      "small",
      undefined,
      large,
      "small",
    ]);
    expect(await stores.blobs.get([])).toEqual([]);
  });
}

function describeClosing(open: OpenStores): void {
  const calls: readonly (readonly [string, (stores: Stores, signal?: AbortSignal) => Promise<unknown>])[] = [
    ["journals.append", (stores, signal) => stores.journals.append([anAppend("r", 1)], signal && { signal })],
    ["journals.read", (stores, signal) => stores.journals.read("r", 1, 1, signal && { signal })],
    ["runs.create", (stores, signal) => stores.runs.create([aRun("new")], signal && { signal })],
    ["runs.get", (stores, signal) => stores.runs.get("r", signal && { signal })],
    ["runs.list", (stores, signal) => stores.runs.list({ limit: 1 }, signal && { signal })],
    [
      "documents.put",
      (stores, signal) => stores.documents.put({ version: "v", blueprintId: "b", text: "t" }, signal && { signal }),
    ],
    ["journals.tail", (stores, signal) => stores.journals.tail(0, 1, signal && { signal })],
    ["journals.end", (stores, signal) => stores.journals.end(signal && { signal })],
    ["runs.byIdempotencyKey", (stores, signal) => stores.runs.byIdempotencyKey("k", signal && { signal })],
    ["runs.remove", (stores, signal) => stores.runs.remove(["ended"], signal && { signal })],
    ["ownership.renew", (stores, signal) => stores.ownership.renew({ hostId: "h", leaseMs: 1 }, signal && { signal })],
    ["ownership.leave", (stores, signal) => stores.ownership.leave("h", signal && { signal })],
    [
      "ownership.claim",
      (stores, signal) => stores.ownership.claim({ hostId: "h", which: "abandoned", limit: 1 }, signal && { signal }),
    ],
    ["ownership.nextWake", (stores, signal) => stores.ownership.nextWake(signal && { signal })],
    [
      "snapshots.put",
      (stores, signal) => stores.snapshots.put("r", { nextSeq: 1, prev: "p", text: "t" }, signal && { signal }),
    ],
    ["snapshots.get", (stores, signal) => stores.snapshots.get("r", signal && { signal })],
    ["documents.collect", (stores, signal) => stores.documents.collect({ limit: 1 }, signal && { signal })],
    ["blobs.collect", (stores, signal) => stores.blobs.collect({ limit: 1 }, signal && { signal })],
    ["documents.newest", (stores, signal) => stores.documents.newest("b", signal && { signal })],
    ["children.answered", (stores, signal) => stores.children.answered({ limit: 1 }, signal && { signal })],
    ["children.orphaned", (stores, signal) => stores.children.orphaned({ limit: 1 }, signal && { signal })],
    ["documents.get", (stores, signal) => stores.documents.get("v", signal && { signal })],
    ["blobs.get", (stores, signal) => stores.blobs.get(["d"], signal && { signal })],
  ];

  it.each(calls)(
    "%s rejects with the reason of a signal that is aborted already, and does nothing",
    async (_name, call) => {
      await using stores = await openWith(open, aRun("r"), aRun("ended", { status: "done" }));
      const reason = new Error("changed my mind");
      await expect(call(stores, AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(await stores.runs.get("r")).toEqual(aRun("r"));
      expect(await stores.runs.get("new")).toBeUndefined();
      expect(await stores.runs.get("ended")).toBeDefined();
      expect(await stores.snapshots.get("r")).toBeUndefined();
      expect(await stores.documents.get("v")).toBeUndefined();
    },
  );

  it("finishes a write whose signal is aborted after the call (P2)", async () => {
    await using stores = await openWith(open, aRun("r"));
    const controller = new AbortController();
    const appending = stores.journals.append([anAppend("r", 1)], { signal: controller.signal });
    controller.abort();
    expect(await appending).toEqual(["appended"]);
    expect(await journal(stores, "r")).toEqual([aRow(1)]);
  });

  it("refuses every call once it is closed, and closes twice without harm", async () => {
    const stores = await openWith(open, aRun("r"));
    await Promise.all([stores[Symbol.asyncDispose](), stores[Symbol.asyncDispose]()]);
    await stores[Symbol.asyncDispose]();
    for (const [, call] of calls) await expect(call(stores)).rejects.toMatchObject({ code: "store_closed" });
  });

  it("finishes what was asked before it was closed", async () => {
    const stores = await openWith(open, aRun("r"));
    const appending = stores.journals.append([anAppend("r", 1)]);
    await stores[Symbol.asyncDispose]();
    expect(await appending).toEqual(["appended"]);
  });
}
