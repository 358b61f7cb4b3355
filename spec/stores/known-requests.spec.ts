/** What the store remembers of requests and seats is what stands in the database, whatever is asked of it at once. */
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestChange, RequestRecord, Stores } from "../../stores/ports.ts";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { KnownRequests } from "../../stores/sqlite/known-requests.ts";
import { temporaryDirectories } from "./data-directories.ts";
import { aRequest, aSession, aSubmission } from "./operators-contract.ts";
import { anAppend, aRow, aRun } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();

const RUNS = ["a", "b"];
/** Two of the first attempt, one of the second. */
const REQUESTS = ["1", "2", "3"];

/** Something asked of the store, and what is waited for before the next thing is. */
interface Act {
  readonly do: string;
  readonly run: string;
  readonly request: string;
  readonly generation: number;
  readonly wait: "nothing" | "microtask" | "turn" | "all";
}

const DEEDS = [
  ...["open", "open", "deliver", "work", "stage", "submit", "submit", "close"],
  ...["acquire", "acquire", "release", "leave", "complete"],
  ...["get", "get", "standing", "standing", "material", "seats", "list"],
];

const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.record({
    // What ends a run ends most of what can happen to it: seldom.
    do: fc.nat({ max: 99 }).map((nth) => (nth < 2 ? "remove" : nth < 4 ? "end" : DEEDS[nth % DEEDS.length]!)),
    run: fc.constantFrom(...RUNS),
    request: fc.constantFrom(...REQUESTS),
    generation: fc.integer({ min: 0, max: 3 }),
    wait: fc.constantFrom("nothing", "nothing", "microtask", "turn", "all"),
  }),
  { minLength: 5, maxLength: 60 },
);

describe("what is remembered of requests", () => {
  it("is what a second reader sees, whatever was asked at once", async () => {
    const dataDir = temporaryDirectory();
    await using stores = await openSqliteStores({ dataDir, durability: "relaxed" });
    await using other = await openSqliteStores({ dataDir, mode: "read" });
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(acts, async (given) => {
        cases += 1;
        const world = new World(stores, `${cases}`);
        await world.begin();
        for (const act of given) await world.carryOut(act);
        await world.settled();
        expect(await world.seen(stores)).toEqual(await world.seen(other));
      }),
      { numRuns: 400 },
    );
  });

  it("is nothing of what a failed write may have changed", async () => {
    const known = new KnownRequests(true);
    const record: RequestRecord = { ...aRequest("Q-1"), state: "open", deliveries: 0 };
    let reads = 0;
    const read = (): RequestRecord => {
      reads += 1;
      return record;
    };
    const get = (): RequestRecord | undefined => known.request("Q-1", read);
    get();
    get();
    expect(reads).toBe(1);
    const change: RequestChange = { kind: "submit", requestId: "Q-1", submission: aSubmission("x") };
    const failed = known.through({ kind: "change-requests", batch: [change] }, () => Promise.reject(new Error("full")));
    await expect(failed).rejects.toThrow("full");
    expect(get()).toEqual(record);
    expect(reads).toBe(2);
  });

  it("is not what was read while a write was under way", async () => {
    const known = new KnownRequests(true);
    const before: RequestRecord = { ...aRequest("Q-1"), state: "open", deliveries: 0 };
    const after: RequestRecord = { ...before, deliveries: 1, generation: 1 };
    const write = Promise.withResolvers<readonly ["done"]>();
    const change: RequestChange = { kind: "deliver", requestId: "Q-1", generation: 1 };
    const written = known.through({ kind: "change-requests", batch: [change] }, () => write.promise);
    // The thread may have committed it or not: what is read now could be either.
    expect(known.request("Q-1", () => after)).toEqual(after);
    expect(known.request("Q-1", () => before)).toEqual(before);
    write.resolve(["done"]);
    await written;
    expect(known.request("Q-1", () => after)).toEqual(after);
    expect(known.request("Q-1", () => undefined)).toEqual(after);
  });

  it("is nothing where somebody else writes", () => {
    const known = new KnownRequests(false);
    const record: RequestRecord = { ...aRequest("Q-1"), state: "open", deliveries: 0 };
    expect(known.request("Q-1", () => record)).toEqual(record);
    expect(known.request("Q-1", () => undefined)).toBeUndefined();
    expect(known.seats("r", () => [{ runId: "r", seat: "main", generation: 1, since: 0 }])).toHaveLength(1);
    expect(known.seats("r", () => [])).toEqual([]);
  });
});

/** Two runs with their requests and a session, and what is under way to them. */
class World {
  readonly #stores: Stores;
  readonly #tag: string;
  readonly #underWay: Promise<unknown>[] = [];
  readonly #nextSeq = new Map<string, number>();

  constructor(stores: Stores, tag: string) {
    this.#stores = stores;
    this.#tag = tag;
  }

  async begin(): Promise<void> {
    await this.#stores.runs.create(RUNS.map((run) => aRun(this.#run(run))));
    await this.#stores.operators.sessions.create(aSession(this.#session));
  }

  async carryOut(act: Act): Promise<void> {
    // What is refused, or was asked of a run that is gone, has changed nothing: the comparison at the end says so.
    this.#underWay.push(this.#ask(act).catch(() => {}));
    if (act.wait === "microtask") await Promise.resolve();
    else if (act.wait === "turn") await turn();
    else if (act.wait === "all") await this.settled();
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underWay.splice(0));
  }

  /** Everything that could be remembered, as a store gives it. */
  async seen(from: Stores): Promise<unknown> {
    const { requests, seats } = from.operators;
    const ids = RUNS.flatMap((run) => REQUESTS.map((request) => this.#id(run, request)));
    return Promise.all([
      ...ids.flatMap((id) => [requests.get(id), requests.standing(id), requests.material(id)]),
      ...RUNS.map((run) => seats.ofRun(this.#run(run))),
    ]);
  }

  get #session(): string {
    return `S-${this.#tag}`;
  }

  #run(run: string): string {
    return `${run}${this.#tag}`;
  }

  #id(run: string, request: string): string {
    return `Q-${this.#run(run)}-${request}`;
  }

  #ask({ do: deed, run, request, generation }: Act): Promise<unknown> {
    const { operators, journals, runs } = this.#stores;
    const { requests, seats, sessions } = operators;
    const runId = this.#run(run);
    const requestId = this.#id(run, request);
    const key = request === "3" ? "2" : "1";
    const under = generation === 0 ? {} : { generation };
    switch (deed) {
      case "open":
        return requests.open([aRequest(requestId, { runId, key, kind: request === "2" ? "ask" : "step" })]);
      case "deliver":
        return requests.change([{ kind: "deliver", requestId, generation }]);
      case "work":
        return requests.change([{ kind: "work", requestId, ...under, sessionId: this.#session, at: 1 }]);
      case "stage":
        return requests.change([
          { kind: "stage", requestId, ...under, material: { kind: "stats", text: "{}" }, at: 1 },
        ]);
      case "submit":
        return requests.change([{ kind: "submit", requestId, ...under, submission: aSubmission(`${generation}`) }]);
      case "close":
        return requests.change([{ kind: "close", requestId, reason: "cancelled", at: 1 }]);
      case "acquire":
        return seats.acquire({ runId, seat: "main", holder: this.#session, description: "d", at: 1 });
      case "release":
        return seats.release({ runId, seat: "main", generation, at: 1 });
      case "leave":
        return Promise.all([sessions.remove([this.#session], 1), sessions.create(aSession(this.#session))]);
      case "complete": {
        const seq = this.#nextSeq.get(runId) ?? 1;
        this.#nextSeq.set(runId, seq + 1);
        return journals.append([anAppend(runId, seq, 1, { rows: [{ ...aRow(seq), key }] })]);
      }
      case "end":
        return journals.append([anAppend(runId, this.#nextSeq.get(runId) ?? 1, 0, { patch: { status: "done" } })]);
      case "remove":
        return Promise.all([this.#ask({ do: "end", run, request, generation, wait: "nothing" }), runs.remove([runId])]);
      case "get":
        return requests.get(requestId);
      case "standing":
        return requests.standing(requestId);
      case "material":
        return requests.material(requestId);
      case "seats":
        return seats.ofRun(runId);
      case "list":
        return requests.list({ of: { runId }, limit: 10 });
    }
    throw new Error(`nobody knows how to ${deed}`);
  }
}
