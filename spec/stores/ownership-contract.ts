/** Who may write which run: leases, claims and wakes, as every backend must do them. */
import { describe, expect, it } from "vitest";
import type { ClaimOrder, RunRecord, RunStatus, Stores } from "../../stores/ports.ts";
import { anAppend, aRun, type OpenStores } from "./samples.ts";

const NOW = 10_000;

/** A store with these runs, and the hand on its clock. */
async function openAt(
  open: OpenStores,
  ...runs: readonly RunRecord[]
): Promise<{ readonly stores: Stores; readonly clock: { time: number } }> {
  const clock = { time: NOW };
  const stores = await open({ now: () => clock.time });
  await stores.runs.create(runs);
  return { stores, clock };
}

async function claimed(
  stores: Stores,
  hostId: string,
  which: ClaimOrder["which"],
  limit = 100,
): Promise<readonly string[]> {
  return (await stores.ownership.claim({ hostId, which, limit })).map(({ runId }) => runId);
}

/** A run with an owner, as old as its place. */
function owned(runId: string, owner: string | undefined, status: RunStatus = "running", over: Partial<RunRecord> = {}) {
  return aRun(runId, { status, ...(owner === undefined ? {} : { owner }), ...over });
}

const STATUSES: readonly RunStatus[] = [
  "pending",
  "running",
  "waiting",
  "suspended",
  "paused",
  "done",
  "failed",
  "cancelled",
  "dead_letter",
];

export function describeOwnership(open: OpenStores): void {
  it("makes the claimer the owner and gives the rows as they are then (O1)", async () => {
    const run = owned("r", "gone", "pending", { fence: 4, recoveryAttempts: 2, wakeAt: 5, idempotencyKey: "k" });
    const { stores } = await openAt(open, run);
    await using _ = stores;
    const { wakeAt: _wakeAt, ...rest } = run;
    const expected = { ...rest, owner: "me", status: "running", fence: 5, recoveryAttempts: 3 };
    expect(await stores.ownership.claim({ hostId: "me", which: "abandoned", limit: 1 })).toEqual([expected]);
    expect(await stores.runs.get("r")).toEqual(expected);
    expect(await stores.runs.list({ status: ["pending"], limit: 9 })).toEqual([]);
  });

  it("refuses appends under the fence from before a claim, and takes those under the new one (O1)", async () => {
    const { stores } = await openAt(open, owned("r", "old"));
    await using _ = stores;
    // Asked in one breath: the claim is in between.
    const [before, rows, after] = await Promise.all([
      stores.journals.append([anAppend("r", 1)]),
      stores.ownership.claim({ hostId: "new", which: { runId: "r" }, limit: 1 }),
      stores.journals.append([anAppend("r", 2)]),
    ]);
    expect([before, after]).toEqual([["appended"], ["fenced"]]);
    expect(rows).toMatchObject([{ owner: "new", fence: 2, nextSeq: 2 }]);
    expect(await stores.journals.append([anAppend("r", 2, 1, { fence: 2 })])).toEqual(["appended"]);
    expect(await stores.journals.read("r", 1, 9)).toHaveLength(2);
  });

  it("counts claims until an append says that there was progress", async () => {
    const { stores } = await openAt(open, owned("r", "me"));
    await using _ = stores;
    for (const expected of [1, 2, 3]) {
      expect(await stores.ownership.claim({ hostId: "me", which: "own", limit: 1 })).toMatchObject([
        { recoveryAttempts: expected, fence: expected + 1 },
      ]);
    }
    await stores.journals.append([anAppend("r", 1, 1, { fence: 4, patch: { recoveryAttempts: 0 } })]);
    expect(await stores.runs.get("r")).toMatchObject({ recoveryAttempts: 0, status: "running" });
  });

  describe("own", () => {
    it("claims the runs of the host that should be running, oldest first, equal ages by id", async () => {
      const { stores } = await openAt(
        open,
        owned("c", "me", "running", { createdAt: 2 }),
        owned("b", "me", "pending", { createdAt: 2 }),
        owned("a", "me", "running", { createdAt: 9 }),
        owned("d", "me", "running", { createdAt: 1 }),
        owned("other", "you"),
        owned("nobody", undefined),
      );
      await using _ = stores;
      expect(await claimed(stores, "me", "own")).toEqual(["d", "b", "c", "a"]);
    });

    it.each(STATUSES)("looks at the status: %s", async (status) => {
      const { stores } = await openAt(open, owned("r", "me", status, { wakeAt: 1 }));
      await using _ = stores;
      const isDriven = status === "pending" || status === "running";
      expect(await claimed(stores, "me", "own")).toEqual(isDriven ? ["r"] : []);
    });

    it("needs no lease, and another host's does not matter", async () => {
      const { stores } = await openAt(open, owned("r", "me"));
      await using _ = stores;
      await stores.ownership.renew({ hostId: "you", leaseMs: 1000 });
      expect(await claimed(stores, "me", "own")).toEqual(["r"]);
    });

    it("goes page by page, each run once, though a claimed run stays own", async () => {
      const ids = Array.from({ length: 25 }, (_, index) => `r${String(index).padStart(2, "0")}`);
      const { stores } = await openAt(
        open,
        ...ids.map((id, index) => owned(id, "me", index % 3 === 0 ? "pending" : "running", { createdAt: index >> 2 })),
      );
      await using _ = stores;
      const seen: string[] = [];
      let which: ClaimOrder["which"] = "own";
      for (;;) {
        const page = await claimed(stores, "me", which, 7);
        seen.push(...page);
        if (page.length < 7) break;
        which = { ownAfter: page.at(-1)! };
      }
      expect(seen).toEqual(ids);
      expect(await claimed(stores, "me", { ownAfter: "nowhere" })).toEqual([]);
      expect((await stores.runs.list({ limit: 99 })).map(({ fence }) => fence)).toEqual(ids.map(() => 2));
    });
  });

  it("leaves out what it is told to, whichever it claims, without counting it", async () => {
    const ids = ["a", "b", "c"];
    const runs = ids.map((id) => owned(id, "me", "running", { createdAt: 1 }));
    const { stores } = await openAt(open, ...runs, owned("w", "me", "waiting", { wakeAt: 1 }));
    await using _ = stores;
    const claim = async (which: ClaimOrder["which"], except: readonly string[]) =>
      (await stores.ownership.claim({ hostId: "me", which, limit: 1, except })).map(({ runId }) => runId);
    expect(await claim("own", ["a", "nobody"])).toEqual(["b"]);
    expect(await claim({ ownAfter: "a" }, ["b", "c"])).toEqual([]);
    expect(await claim("due", ["w"])).toEqual([]);
    expect(await claim({ runId: "w" }, ["w"])).toEqual([]);
    expect(await claim("due", ["a"])).toEqual(["w"]);
  });

  it("sees no run whose create is called after it (O3)", async () => {
    const { stores } = await openAt(open);
    await using _ = stores;
    const claim = stores.ownership.claim({ hostId: "me", which: "own", limit: 9 });
    await stores.runs.create([owned("r", "me")]);
    expect(await claim).toEqual([]);
  });

  describe("abandoned", () => {
    it("claims runs without an owner, and those of a host that never had a lease", async () => {
      const { stores } = await openAt(open, owned("a", undefined), owned("b", "gone"), owned("c", "me"));
      await using _ = stores;
      expect(await claimed(stores, "me", "abandoned")).toEqual(["a", "b"]);
    });

    it.each(STATUSES)("looks at the status: %s", async (status) => {
      const { stores } = await openAt(open, owned("r", "gone", status, { wakeAt: 1 }));
      await using _ = stores;
      const isDriven = status === "pending" || status === "running";
      expect(await claimed(stores, "me", "abandoned")).toEqual(isDriven ? ["r"] : []);
    });

    it("leaves a living host's runs alone until its lease has ended", async () => {
      const { stores, clock } = await openAt(open, owned("r", "you"));
      await using _ = stores;
      await stores.ownership.renew({ hostId: "you", leaseMs: 100 });
      clock.time += 99;
      expect(await claimed(stores, "me", "abandoned")).toEqual([]);
      await stores.ownership.renew({ hostId: "you", leaseMs: 100 });
      clock.time += 99;
      expect(await claimed(stores, "me", "abandoned")).toEqual([]);
      clock.time += 1;
      expect(await claimed(stores, "me", "abandoned")).toEqual(["r"]);
    });

    it("finds the runs of a host that has left at once", async () => {
      const { stores } = await openAt(open, owned("r", "you"));
      await using _ = stores;
      await stores.ownership.renew({ hostId: "you", leaseMs: 1_000_000 });
      await stores.ownership.leave("you");
      await stores.ownership.leave("nobody");
      expect(await claimed(stores, "me", "abandoned")).toEqual(["r"]);
    });

    it("keeps to the latest renewal, also where it is the shorter", async () => {
      const { stores, clock } = await openAt(open, owned("r", "you"));
      await using _ = stores;
      await stores.ownership.renew({ hostId: "you", leaseMs: 1000 });
      await stores.ownership.renew({ hostId: "you", leaseMs: 10 });
      clock.time += 10;
      expect(await claimed(stores, "me", "abandoned")).toEqual(["r"]);
    });
  });

  describe("due", () => {
    const waiting = (runId: string, wakeAt: number | undefined, owner: string | undefined = "me", createdAt = 1000) =>
      owned(runId, owner, "waiting", { createdAt, ...(wakeAt === undefined ? {} : { wakeAt }) });

    it("claims waiting runs whose time has come, the longest overdue first, equal times by id", async () => {
      const { stores, clock } = await openAt(
        open,
        waiting("late", NOW - 5),
        waiting("y", NOW - 9, "me", 1),
        waiting("x", NOW - 9, "me", 2),
        waiting("now", NOW),
        waiting("soon", NOW + 1),
        waiting("signal", undefined),
      );
      await using _ = stores;
      expect(await claimed(stores, "me", "due")).toEqual(["x", "y", "late", "now"]);
      expect(await claimed(stores, "me", "due")).toEqual([]);
      clock.time += 1;
      expect(await claimed(stores, "me", "due")).toEqual(["soon"]);
    });

    it.each(STATUSES)("looks at the status: %s", async (status) => {
      const { stores } = await openAt(open, owned("r", "me", status, { wakeAt: 1 }));
      await using _ = stores;
      expect(await claimed(stores, "me", "due")).toEqual(status === "waiting" ? ["r"] : []);
    });

    it("claims those of hosts that are gone, not those of living ones", async () => {
      const { stores } = await openAt(
        open,
        waiting("mine", 1, "me"),
        waiting("ownerless", 1, undefined),
        waiting("gone", 1, "gone"),
        waiting("theirs", 1, "you"),
      );
      await using _ = stores;
      await stores.ownership.renew({ hostId: "you", leaseMs: 1000 });
      expect(await claimed(stores, "me", "due")).toEqual(["gone", "mine", "ownerless"]);
    });
  });

  describe("a run by its id", () => {
    it.each(STATUSES)("looks at the status: %s", async (status) => {
      const { stores } = await openAt(open, owned("r", "me", status), owned("s", "me", status));
      await using _ = stores;
      const hasEnded = ["done", "failed", "cancelled", "dead_letter"].includes(status);
      expect(await claimed(stores, "me", { runId: "r" })).toEqual(hasEnded ? [] : ["r"]);
      expect(await stores.runs.get("s")).toMatchObject({ status, fence: 1 });
    });

    it("is not taken from a living host, and is from one that is gone", async () => {
      const { stores, clock } = await openAt(open, owned("r", "you", "paused"));
      await using _ = stores;
      await stores.ownership.renew({ hostId: "you", leaseMs: 100 });
      expect(await claimed(stores, "me", { runId: "r" })).toEqual([]);
      expect(await stores.runs.get("r")).toMatchObject({ owner: "you", fence: 1 });
      clock.time += 100;
      expect(await claimed(stores, "me", { runId: "r" })).toEqual(["r"]);
    });

    it("is nothing where there is no such run", async () => {
      const { stores } = await openAt(open);
      await using _ = stores;
      expect(await claimed(stores, "me", { runId: "r" })).toEqual([]);
    });
  });

  it.each(["own", "abandoned", "due"] as const)("claims at most the limit, in pages: %s", async (which) => {
    const ids = ["a", "b", "c", "d", "e"];
    const status = which === "due" ? "waiting" : "running";
    const owner = which === "own" ? "me" : "gone";
    const { stores } = await openAt(open, ...ids.map((id) => owned(id, owner, status, { wakeAt: 1 })));
    await using _ = stores;
    expect(await claimed(stores, "me", which, 0)).toEqual([]);
    expect(await claimed(stores, "me", which, -1)).toEqual([]);
    expect(await claimed(stores, "me", which, 2)).toEqual(["a", "b"]);
    expect(await stores.runs.get("c")).toMatchObject({ fence: 1, owner });
    if (which === "own") return;
    expect(await claimed(stores, "me", which, 2)).toEqual(["c", "d"]);
    expect(await claimed(stores, "me", which, 2)).toEqual(["e"]);
  });

  it("gives each run to one of the hosts that race for it", async () => {
    const ids = Array.from({ length: 120 }, (_, index) => `r${index}`);
    const hosts = ["x", "y", "z"];
    const { stores } = await openAt(open, ...ids.map((id) => owned(id, "gone")));
    await using _ = stores;
    for (const hostId of hosts) await stores.ownership.renew({ hostId, leaseMs: 1000 });
    const races = Array.from({ length: 30 }, (_, index) => hosts[index % 3]!).map((hostId) =>
      claimed(stores, hostId, "abandoned", 7),
    );
    const won = (await Promise.all(races)).flat();
    expect(won.toSorted()).toEqual(ids.toSorted());
    const fences = new Set((await stores.runs.list({ limit: 999 })).map(({ fence }) => fence));
    expect(fences).toEqual(new Set([2]));
  });

  it("gives a run by its id to the first living host that asks", async () => {
    const { stores } = await openAt(open, owned("r", "gone", "waiting"));
    await using _ = stores;
    await stores.ownership.renew({ hostId: "x", leaseMs: 1000 });
    await stores.ownership.renew({ hostId: "y", leaseMs: 1000 });
    const won = await Promise.all(["x", "y", "x"].map((host) => claimed(stores, host, { runId: "r" })));
    expect(won).toEqual([["r"], [], ["r"]]);
    expect(await stores.runs.get("r")).toMatchObject({ owner: "x", fence: 3 });
  });

  describe("the next wake", () => {
    it("is the earliest of the waiting runs, whoever owns them", async () => {
      const { stores } = await openAt(
        open,
        owned("a", "me", "waiting", { wakeAt: NOW + 50 }),
        owned("b", "you", "waiting", { wakeAt: NOW + 20 }),
        owned("c", "me", "running", { wakeAt: 1 }),
        owned("d", "me", "waiting"),
      );
      await using _ = stores;
      expect(await stores.ownership.nextWake()).toBe(NOW + 20);
      await claimed(stores, "me", { runId: "b" });
      expect(await stores.ownership.nextWake()).toBe(NOW + 50);
    });

    it("follows what an append says of its run", async () => {
      const { stores } = await openAt(open, owned("r", "me"));
      await using _ = stores;
      const wakeAfter = async (seq: number, patch: NonNullable<Parameters<typeof anAppend>[3]>["patch"]) => {
        await stores.journals.append([anAppend("r", seq, 0, { patch: patch! })]);
        return stores.ownership.nextWake();
      };
      expect(await stores.ownership.nextWake()).toBeUndefined();
      expect(await wakeAfter(1, { status: "waiting", wakeAt: 0 })).toBe(0);
      expect(await wakeAfter(1, { wakeAt: 700 })).toBe(700);
      expect(await wakeAfter(1, { error: "still the same time" })).toBe(700);
      expect(await wakeAfter(1, { wakeAt: null })).toBeUndefined();
      expect(await stores.runs.get("r")).toEqual(
        owned("r", "me", "waiting", { error: "still the same time", updatedAt: 2001 }),
      );
      expect(await wakeAfter(1, { wakeAt: 900 })).toBe(900);
      expect(await wakeAfter(1, { status: "done" })).toBeUndefined();
    });
  });
}
