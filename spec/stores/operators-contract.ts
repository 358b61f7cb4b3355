/** Sessions, seats and requests, as every backend must keep them. */
import { expect, it } from "vitest";
import {
  MAX_DEGRADATIONS,
  MAX_PART_CHARACTERS,
  MAX_PARTS,
  MAX_SEATS,
  type NewRequest,
  type RequestChange,
  type RunRecord,
  type SessionRecord,
  type Stores,
  type Submission,
} from "../../stores/ports.ts";
import { anAppend, aRow, aRun, type OpenStores } from "./samples.ts";

/** A session; `over` replaces fields. */
export function aSession(sessionId: string, over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    sessionId,
    secretDigest: "d".repeat(64),
    description: "é someone",
    createdAt: 1000,
    lastSeenAt: 1000,
    ...over,
  };
}

/** A step's request of run `r`; `over` replaces fields. */
export function aRequest(requestId: string, over: Partial<NewRequest> = {}): NewRequest {
  return {
    requestId,
    kind: "step",
    runId: "r",
    key: "1",
    attempt: 1,
    stepId: "ST-1",
    agent: "writer",
    fence: 1,
    seat: "main",
    name: "",
    body: '{"directive":"é"}',
    openedAt: 5000,
    ...over,
  };
}

/** A worker's passing answer, known by its digest. */
export function aSubmission(digest: string, over: Partial<Submission> = {}): Submission {
  return { form: "final", verdict: "pass", digest, value: '"é"', at: 6000, ...over };
}

async function openWith(open: OpenStores, ...runs: readonly RunRecord[]): Promise<Stores> {
  const stores = await open();
  await stores.runs.create(runs.length === 0 ? [aRun("r")] : runs);
  await stores.operators.sessions.create(aSession("S-1"));
  await stores.operators.sessions.create(aSession("S-2"));
  return stores;
}

const acquisition = (holder: string, seat = "main", runId = "r") => ({
  runId,
  seat,
  holder,
  description: "to work",
  at: 2000,
});

export function describeSessions(open: OpenStores): void {
  it("keeps sessions as they are, and lists them by age", async () => {
    await using stores = await open();
    const { sessions } = stores.operators;
    const full = aSession("S-b", { manifest: '{"m":1}' });
    for (const one of [full, aSession("S-a"), aSession("S-c", { createdAt: 500 })]) {
      expect(await sessions.create(one)).toBe("created");
    }
    expect(await sessions.get("S-b")).toEqual(full);
    expect(await sessions.get("__proto__")).toBeUndefined();
    const ids = async (query: Parameters<typeof sessions.list>[0]) =>
      (await sessions.list(query)).map(({ sessionId }) => sessionId);
    expect(await ids({ limit: 9 })).toEqual(["S-c", "S-a", "S-b"]);
    expect(await ids({ limit: 1, after: "S-c" })).toEqual(["S-a"]);
    expect(await ids({ limit: 9, after: "nobody" })).toEqual([]);
    await sessions.touch(["S-a", "gone"], 9000);
    expect(await ids({ limit: 9, over: { seenBefore: 9000, end: 0 } })).toEqual(["S-c", "S-b"]);
    expect(await sessions.get("S-a")).toMatchObject({ lastSeenAt: 9000 });
  });

  it("vacates what a removed session held, each under a new generation", async () => {
    await using stores = await openWith(open);
    const { sessions, seats } = stores.operators;
    await seats.acquire(acquisition("S-1", "a"));
    await seats.acquire(acquisition("S-1", "b"));
    await seats.acquire(acquisition("S-2", "c"));
    const vacated = await sessions.remove(["S-1", "unknown"], 7000);
    expect(vacated.map(({ seat }) => seat).sort()).toEqual(["a", "b"]);
    expect(new Set(vacated.map(({ generation }) => generation))).toEqual(new Set([4, 5]));
    expect(await sessions.get("S-1")).toBeUndefined();
    expect(await seats.heldBy("S-1", 9)).toEqual([]);
    expect(await seats.ofRun("r")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ seat: "c", holder: "S-2", generation: 3 }),
        expect.not.objectContaining({ holder: "S-1" }),
      ]),
    );
    expect(await sessions.remove(["S-1"], 8000)).toEqual([]);
  });
}

export function describeSeats(open: OpenStores): void {
  it("counts generations over all seats of a run, with every acquisition and release (W3)", async () => {
    await using stores = await openWith(open, aRun("r"), aRun("other"));
    const { seats } = stores.operators;
    const first = await seats.acquire(acquisition("S-1"));
    expect(first).toEqual({
      kind: "acquired",
      seat: { runId: "r", seat: "main", generation: 1, holder: "S-1", description: "to work", since: 2000 },
    });
    expect(await seats.acquire(acquisition("S-2"))).toMatchObject({
      seat: { generation: 2, holder: "S-2" },
      previous: { generation: 1, holder: "S-1" },
    });
    expect(await seats.acquire(acquisition("S-1", "second"))).toMatchObject({ seat: { generation: 3 } });
    expect(await seats.acquire(acquisition("S-1", "main", "other"))).toMatchObject({ seat: { generation: 1 } });
    const released = await seats.release({ runId: "r", seat: "main", generation: 2, at: 3000 });
    expect(released).toEqual({
      kind: "released",
      seat: { runId: "r", seat: "main", generation: 4, since: 3000 },
      previous: { runId: "r", seat: "main", generation: 2, holder: "S-2", description: "to work", since: 2000 },
    });
    expect(await seats.acquire(acquisition("S-1"))).toMatchObject({ seat: { generation: 5 } });
    expect((await seats.ofRun("r")).map(({ seat, generation }) => [seat, generation])).toEqual([
      ["main", 5],
      ["second", 3],
    ]);
    expect((await seats.heldBy("S-1", 9)).length).toBe(3);
    expect((await seats.heldBy("S-1", 2)).length).toBe(2);
  });

  it("releases only what still has the generation", async () => {
    await using stores = await openWith(open);
    const { seats } = stores.operators;
    expect(await seats.release({ runId: "r", seat: "main", generation: 1, at: 1 })).toEqual({ kind: "stale" });
    await seats.acquire(acquisition("S-1"));
    await seats.acquire(acquisition("S-2"));
    const before = await seats.ofRun("r");
    expect(await seats.release({ runId: "r", seat: "main", generation: 1, at: 1 })).toEqual({
      kind: "stale",
      seat: before[0],
    });
    expect(await seats.ofRun("r")).toEqual(before);
    await seats.release({ runId: "r", seat: "main", generation: 2, at: 1 });
    expect(await seats.release({ runId: "r", seat: "main", generation: 3, at: 1 })).toMatchObject({ kind: "stale" });
  });

  it("refuses what cannot be held, or by whom, and changes nothing", async () => {
    await using stores = await openWith(open, aRun("r"), aRun("ended", { status: "done" }));
    const { seats } = stores.operators;
    expect(await seats.acquire(acquisition("S-1", "main", "none"))).toEqual({ kind: "unknown_run" });
    expect(await seats.acquire(acquisition("S-1", "main", "ended"))).toEqual({ kind: "run_ended" });
    expect(await seats.acquire(acquisition("S-9"))).toEqual({ kind: "unknown_session" });
    for (let seat = 0; seat < MAX_SEATS; seat += 1) await seats.acquire(acquisition("S-1", `seat ${seat}`));
    expect(await seats.acquire(acquisition("S-1", "one more"))).toEqual({ kind: "full" });
    expect(await seats.acquire(acquisition("S-2", "seat 3"))).toMatchObject({ kind: "acquired" });
    expect(await seats.ofRun("r")).toHaveLength(MAX_SEATS);
  });
}

export function describeRequests(open: OpenStores): void {
  const submit = (requestId: string, digest: string, generation?: number): RequestChange => ({
    kind: "submit",
    requestId,
    submission: aSubmission(digest),
    ...(generation === undefined ? {} : { generation }),
  });

  it("opens a request once: again it is found as it stands", async () => {
    await using stores = await openWith(open);
    const { requests } = stores.operators;
    const order = aRequest("Q-1", { terms: '{"t":1}', deadline: 9000 });
    const opened = { ...order, state: "open", deliveries: 0 };
    expect(await requests.open([order, { ...order, body: "other" }])).toEqual([opened, opened]);
    await requests.change([submit("Q-1", "x")]);
    expect(await requests.open([order])).toEqual([{ ...opened, state: "submitted", submission: aSubmission("x") }]);
    expect(await requests.get("Q-1")).toMatchObject({ state: "submitted" });
    expect(await requests.get("__proto__")).toBeUndefined();
  });

  it("opens none for a run that is not here or has ended", async () => {
    await using stores = await openWith(open, aRun("r", { status: "failed" }));
    const { requests } = stores.operators;
    expect(await requests.open([aRequest("Q-1"), aRequest("Q-2", { runId: "none" })])).toEqual([undefined, undefined]);
    expect(await requests.open([])).toEqual([]);
    expect(await requests.change([submit("Q-1", "x")])).toEqual(["unknown"]);
  });

  it("keeps a delivery's generation, count and handle, and who works on it", async () => {
    await using stores = await openWith(open);
    const { requests, seats } = stores.operators;
    await requests.open([aRequest("Q-1")]);
    await seats.acquire(acquisition("S-1"));
    const deliver = { kind: "deliver", requestId: "Q-1", generation: 1, handleDigest: "h1" } as const;
    const work = { kind: "work", requestId: "Q-1", generation: 1, sessionId: "S-1", at: 7000 } as const;
    expect(await requests.change([deliver, deliver, { ...work, note: "é" }])).toEqual(["done", "done", "done"]);
    expect(await requests.get("Q-1")).toMatchObject({
      deliveries: 2,
      generation: 1,
      working: { sessionId: "S-1", at: 7000, note: "é" },
    });
    await requests.change([work]);
    expect((await requests.get("Q-1"))?.working).toEqual({ sessionId: "S-1", at: 7000 });
    await seats.acquire(acquisition("S-2"));
    await requests.change([{ ...deliver, generation: 2, handleDigest: "h2" }]);
    expect(await requests.byHandle("h1")).toEqual({ requestId: "Q-1", generation: 1 });
    expect(await requests.standing("Q-1")).toMatchObject({ state: "open", seatGeneration: 2 });
    expect((await requests.standing("Q-1"))?.fence).toBe((await requests.get("Q-1"))?.fence);
    expect(await requests.standing("Q-0")).toBeUndefined();
    expect(await requests.byHandle("h2")).toEqual({ requestId: "Q-1", generation: 2 });
    expect(await requests.byHandle("h3")).toBeUndefined();
  });

  it("takes one submission: the same again is the same, another is refused, none after the end (W1)", async () => {
    await using stores = await openWith(open);
    const { requests } = stores.operators;
    await requests.open([aRequest("Q-1"), aRequest("Q-2", { key: "2" })]);
    expect(await requests.change([submit("Q-1", "x"), submit("Q-1", "x"), submit("Q-1", "y")])).toEqual([
      "done",
      "same",
      "conflict",
    ]);
    await requests.change([{ kind: "close", requestId: "Q-1", reason: "completed", at: 8000 }]);
    expect(await requests.change([submit("Q-1", "x"), submit("Q-1", "y")])).toEqual(["same", "conflict"]);
    expect(await requests.standing("Q-1")).toMatchObject({ state: "closed", closedReason: "completed", digest: "x" });
    await requests.change([{ kind: "close", requestId: "Q-2", reason: "cancelled", at: 8000 }]);
    expect(await requests.change([submit("Q-2", "x"), submit("none", "x")])).toEqual(["closed", "unknown"]);
    expect(await requests.change([{ kind: "close", requestId: "Q-2", reason: "expired", at: 1 }])).toEqual(["same"]);
    expect(await requests.get("Q-2")).toMatchObject({ state: "closed", closed: { reason: "cancelled", at: 8000 } });
  });

  it("refuses every change under a generation that is no longer the seat's, and nothing changes (W3)", async () => {
    await using stores = await openWith(open);
    const { requests, seats } = stores.operators;
    await requests.open([aRequest("Q-1")]);
    await seats.acquire(acquisition("S-1"));
    await seats.acquire(acquisition("S-2"));
    const before = await requests.get("Q-1");
    const late: readonly RequestChange[] = [
      submit("Q-1", "x", 1),
      { kind: "deliver", requestId: "Q-1", generation: 1, handleDigest: "h" },
      { kind: "work", requestId: "Q-1", generation: 1, sessionId: "S-1", at: 1 },
      { kind: "stage", requestId: "Q-1", generation: 1, material: { kind: "stats", text: "{}" }, at: 1 },
    ];
    expect(await requests.change(late)).toEqual(["moved", "moved", "moved", "moved"]);
    expect(await requests.get("Q-1")).toEqual(before);
    expect(await requests.byHandle("h")).toBeUndefined();
    expect(await requests.change([submit("Q-1", "x", 2)])).toEqual(["done"]);
    expect(await requests.change([submit("Q-1", "x", 1)])).toEqual(["same"]);
  });

  it("takes a submission by leave of the host where the seat is vacant, and none by a generation", async () => {
    await using stores = await openWith(open);
    const { requests } = stores.operators;
    await requests.open([aRequest("Q-1")]);
    expect(await requests.change([submit("Q-1", "x", 1), submit("Q-1", "x")])).toEqual(["moved", "done"]);
  });

  it("stages material in order: a name is replaced, the same degradation is one", async () => {
    await using stores = await openWith(open);
    const { requests } = stores.operators;
    await requests.open([aRequest("Q-1"), aRequest("Q-2", { key: "2" })]);
    const stage = (material: Extract<RequestChange, { kind: "stage" }>["material"]): RequestChange => ({
      kind: "stage",
      requestId: "Q-1",
      material,
      at: 1,
    });
    const part = (name: string, text: string) => stage({ kind: "part", name, text });
    await requests.change([
      part("a", "1"),
      part("__proto__", "2"),
      stage({ kind: "stats", text: "{}" }),
      stage({ kind: "degradation", text: "slow" }),
      stage({ kind: "degradation", text: "slow" }),
      part("a", "3"),
      stage({ kind: "stats", text: '{"n":1}' }),
    ]);
    expect(await requests.material("Q-1")).toEqual([
      { kind: "part", name: "__proto__", text: "2" },
      { kind: "degradation", text: "slow" },
      { kind: "part", name: "a", text: "3" },
      { kind: "stats", text: '{"n":1}' },
    ]);
    expect(await requests.material("Q-2")).toEqual([]);
    expect(await requests.list({ of: { runId: "r" }, limit: 2 })).toMatchObject([{ staged: true }, { deliveries: 0 }]);
    expect(await requests.get("Q-2")).not.toHaveProperty("staged");
    await requests.change([submit("Q-1", "x")]);
    expect(await requests.change([part("b", "1")])).toEqual(["conflict"]);
    await requests.change([{ kind: "close", requestId: "Q-1", reason: "cancelled", at: 1 }]);
    expect(await requests.get("Q-1")).not.toHaveProperty("staged");
  });

  it("bounds what is staged", async () => {
    await using stores = await openWith(open);
    const { requests } = stores.operators;
    await requests.open([aRequest("Q-1"), aRequest("Q-2", { key: "2" })]);
    const stage = (
      requestId: string,
      kind: "part" | "degradation",
      index: number,
      text = `${index}`,
    ): RequestChange => ({
      kind: "stage",
      requestId,
      material: kind === "part" ? { kind, name: `p${index}`, text } : { kind, text },
      at: 1,
    });
    const parts = Array.from({ length: MAX_PARTS }, (_, index) => stage("Q-1", "part", index));
    const notes = Array.from({ length: MAX_DEGRADATIONS }, (_, index) => stage("Q-1", "degradation", index));
    expect(new Set(await requests.change([...parts, ...notes]))).toEqual(new Set(["done"]));
    const more = [stage("Q-1", "part", 999), stage("Q-1", "degradation", 999), stage("Q-1", "part", 0, "again")];
    expect(await requests.change(more)).toEqual(["full", "full", "done"]);
    const half = "x".repeat(MAX_PART_CHARACTERS / 2);
    const large = [stage("Q-2", "part", 1, half), stage("Q-2", "part", 2, half), stage("Q-2", "part", 3, "x")];
    expect(await requests.change(large)).toEqual(["done", "done", "full"]);
  });

  it("lists what a session's seats are asked for, a seat's, and a run's, oldest first and in pages", async () => {
    await using stores = await openWith(open, aRun("r"), aRun("s"));
    const { requests, seats } = stores.operators;
    await requests.open([
      aRequest("Q-1"),
      aRequest("Q-2", { runId: "s", key: "2" }),
      aRequest("Q-3", { seat: "other", key: "3" }),
      aRequest("Q-4", { key: "4" }),
      aRequest("Q-5", { key: "5" }),
    ]);
    await requests.change([submit("Q-4", "x"), { kind: "close", requestId: "Q-5", reason: "expired", at: 1 }]);
    await seats.acquire(acquisition("S-1"));
    await seats.acquire(acquisition("S-1", "main", "s"));
    const ids = async (query: Parameters<typeof requests.list>[0]) =>
      (await requests.list(query)).map(({ requestId }) => requestId);
    expect(await ids({ of: { holder: "S-1" }, limit: 9 })).toEqual(["Q-1", "Q-2"]);
    expect(await ids({ of: { holder: "S-1" }, limit: 1 })).toEqual(["Q-1"]);
    expect(await ids({ of: { holder: "S-1" }, limit: 9, after: "Q-1" })).toEqual(["Q-2"]);
    expect(await ids({ of: { holder: "S-2" }, limit: 9 })).toEqual([]);
    expect(await ids({ of: { runId: "r", seat: "other" }, limit: 9 })).toEqual(["Q-3"]);
    expect(await ids({ of: { runId: "r" }, limit: 9 })).toEqual(["Q-1", "Q-3", "Q-4"]);
    expect(await ids({ of: { runId: "r" }, limit: 9, after: "none" })).toEqual([]);
    expect(await ids({ of: { runId: "r" }, limit: 0 })).toEqual([]);
  });

  it("says which runs have not taken a submission", async () => {
    await using stores = await openWith(open, aRun("a"), aRun("b"), aRun("c"));
    const { requests } = stores.operators;
    const opened = ["c", "a", "b"].map((runId) => aRequest(`Q-${runId}`, { runId }));
    await requests.open([...opened, aRequest("Q-a2", { runId: "a", key: "2" })]);
    expect(await requests.submittedRuns("", 9)).toEqual([]);
    await requests.change([submit("Q-c", "x"), submit("Q-a", "x"), submit("Q-a2", "x")]);
    expect(await requests.submittedRuns("", 9)).toEqual(["a", "c"]);
    expect(await requests.submittedRuns("a", 9)).toEqual(["c"]);
    expect(await requests.submittedRuns("", 1)).toEqual(["a"]);
  });

  it("closes an attempt's requests with the entry that completes it, but what tells of its end (W2)", async () => {
    await using stores = await openWith(open);
    const { requests } = stores.operators;
    await requests.open([
      aRequest("Q-1"),
      aRequest("Q-ask", { kind: "ask", name: "senior" }),
      aRequest("Q-after", { kind: "hook_after" }),
      aRequest("Q-second", { attempt: 2 }),
    ]);
    await requests.change([
      submit("Q-1", "x"),
      { kind: "stage", requestId: "Q-ask", material: { kind: "part", name: "p", text: "1" }, at: 1 },
    ]);
    const completed = aRow(1);
    expect(await stores.journals.append([anAppend("r", 9, 1, { rows: [{ ...completed, seq: 9 }] })])).toEqual([
      "lost_race",
    ]);
    expect(await requests.get("Q-1")).toMatchObject({ state: "submitted" });
    await stores.journals.append([anAppend("r", 1, 1, { rows: [completed], at: 7000 })]);
    expect(await requests.get("Q-1")).toMatchObject({
      state: "closed",
      body: "",
      closed: { reason: "completed", at: 7000 },
      submission: { digest: "x" },
    });
    expect((await requests.get("Q-1"))?.submission?.value).toBeUndefined();
    expect(await requests.get("Q-ask")).toMatchObject({ state: "closed", closed: { reason: "cancelled" } });
    expect(await requests.material("Q-ask")).toEqual([]);
    expect(await requests.get("Q-after")).toMatchObject({ state: "open" });
    expect(await requests.get("Q-second")).toMatchObject({ state: "open" });
    expect(await requests.submittedRuns("", 9)).toEqual([]);
  });

  it("closes a run's requests with the entry that ends it (W2)", async () => {
    await using stores = await openWith(open, aRun("r"), aRun("s"));
    const { requests } = stores.operators;
    await requests.open([
      aRequest("Q-1"),
      aRequest("Q-after", { kind: "hook_after", key: "7" }),
      aRequest("Q-s", { runId: "s" }),
    ]);
    await stores.journals.append([anAppend("r", 1, 0, { patch: { status: "waiting" }, at: 7000 })]);
    expect(await requests.get("Q-1")).toMatchObject({ state: "open" });
    await stores.journals.append([anAppend("r", 1, 0, { patch: { status: "cancelled" }, at: 7000 })]);
    for (const id of ["Q-1", "Q-after"]) {
      expect(await requests.get(id)).toMatchObject({ state: "closed", closed: { reason: "cancelled", at: 7000 } });
    }
    expect(await requests.get("Q-s")).toMatchObject({ state: "open" });
  });

  it("goes with its run (W4)", async () => {
    await using stores = await openWith(open, aRun("r"), aRun("s"));
    const { requests, seats } = stores.operators;
    await requests.open([aRequest("Q-1"), aRequest("Q-s", { runId: "s" })]);
    await seats.acquire(acquisition("S-1"));
    await requests.change([{ kind: "deliver", requestId: "Q-1", generation: 1, handleDigest: "h" }]);
    await stores.journals.append([anAppend("r", 1, 0, { patch: { status: "done" } })]);
    expect(await stores.runs.remove(["r"])).toBe(1);
    expect(await requests.get("Q-1")).toBeUndefined();
    expect(await requests.byHandle("h")).toBeUndefined();
    expect(await seats.ofRun("r")).toEqual([]);
    expect(await seats.heldBy("S-1", 9)).toEqual([]);
    expect(await requests.get("Q-s")).toMatchObject({ state: "open" });
    await stores.runs.create([aRun("r")]);
    expect(await seats.acquire(acquisition("S-1"))).toMatchObject({ seat: { generation: 1 } });
    expect(await requests.open([aRequest("Q-1")])).toMatchObject([{ state: "open", deliveries: 0 }]);
  });
}
