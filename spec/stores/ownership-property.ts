/**
 * Whatever hosts do with runs, leases and time: they own and wake what a naive model says. Calls of a wave are not awaited
 * one by one, so that a backend which groups them has something to group; the model takes them one after the other.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Append, ClaimOrder, RunPatch, RunRecord, RunStatus, Stores } from "../../stores/ports.ts";
import { aRun, type OpenStores, rows } from "./samples.ts";

const ENDED: readonly RunStatus[] = ["done", "failed", "cancelled", "dead_letter"];

/** Who owns what, as simply as it can be said. */
class Model {
  readonly runs = new Map<string, RunRecord>();
  readonly #leases = new Map<string, number>();

  create(run: RunRecord): "created" | "run_exists" {
    if (this.runs.has(run.runId)) return "run_exists";
    this.runs.set(run.runId, run);
    return "created";
  }

  append({ runId, fence, rows, patch, at }: Append): "appended" | "fenced" | "unknown_run" {
    const run = this.runs.get(runId);
    if (run === undefined) return "unknown_run";
    if (run.fence !== fence) return "fenced";
    const { wakeAt, error: _error, ...rest } = { wakeAt: run.wakeAt, ...patch };
    const { wakeAt: _former, ...awake } = run;
    const woken = wakeAt === null || wakeAt === undefined ? awake : { ...awake, wakeAt };
    this.runs.set(runId, { ...woken, ...rest, nextSeq: run.nextSeq + rows.length, updatedAt: at });
    return "appended";
  }

  renew(hostId: string, until: number): void {
    this.#leases.set(hostId, until);
  }

  leave(hostId: string): void {
    this.#leases.delete(hostId);
  }

  claim({ hostId, which, limit, except = [] }: ClaimOrder, now: number): readonly RunRecord[] {
    const isDriven = ({ status }: RunRecord) => status === "running" || status === "pending";
    const isMine = ({ owner }: RunRecord) => owner === hostId;
    const isFree = ({ owner }: RunRecord) =>
      owner === undefined || (owner !== hostId && (this.#leases.get(owner) ?? 0) <= now);
    const age = (run: RunRecord) => [run.createdAt, run.runId] as const;
    const due = (run: RunRecord) => [run.wakeAt ?? Number.MAX_VALUE, run.runId] as const;
    let order: (run: RunRecord) => readonly [number, string] = age;
    let test: (run: RunRecord) => boolean;
    if (which === "own") test = (run) => isDriven(run) && isMine(run);
    else if (which === "abandoned") test = (run) => isDriven(run) && isFree(run);
    else if (which === "due") {
      order = due;
      test = (run) => run.status === "waiting" && due(run)[0] <= now && (isMine(run) || isFree(run));
    } else if ("runId" in which) {
      test = (run) => run.runId === which.runId && !ENDED.includes(run.status) && (isMine(run) || isFree(run));
    } else {
      const last = this.runs.get(which.ownAfter);
      test = (run) => last !== undefined && isDriven(run) && isMine(run) && compare(age(last), age(run)) < 0;
    }
    const wanted = [...this.runs.values()].filter(({ runId }) => !except.includes(runId));
    const found = wanted.filter(test).sort((a, b) => compare(order(a), order(b)));
    return found.slice(0, limit).map(({ wakeAt: _wakeAt, ...run }) => {
      const claimed: RunRecord = {
        ...run,
        owner: hostId,
        status: "running",
        fence: run.fence + 1,
        recoveryAttempts: run.recoveryAttempts + 1,
      };
      this.runs.set(run.runId, claimed);
      return claimed;
    });
  }

  remove(runId: string): number | "run_live" {
    const run = this.runs.get(runId);
    if (run === undefined) return 0;
    if (!ENDED.includes(run.status)) return "run_live";
    this.runs.delete(runId);
    return 1;
  }

  get nextWake(): number | undefined {
    const wakes = [...this.runs.values()].filter(({ status }) => status === "waiting").map(({ wakeAt }) => wakeAt);
    return wakes.filter((at) => at !== undefined).sort((a, b) => a - b)[0];
  }
}

function compare([a, x]: readonly [number, string], [b, y]: readonly [number, string]): number {
  return a - b || (x < y ? -1 : x > y ? 1 : 0);
}

const WHICH = ["own", "abandoned", "due", "own after", "run"] as const;

type Patch = "none" | "progress" | "park" | "sleep" | "pause" | "finish";

type Step =
  | {
      readonly kind: "create";
      readonly run: number;
      readonly owner: string | undefined;
      readonly status: RunStatus;
      readonly age: number;
      readonly wakeIn: number;
    }
  | {
      readonly kind: "append";
      readonly run: number;
      readonly stale: boolean;
      readonly count: number;
      readonly patch: Patch;
      readonly wakeIn: number;
    }
  | {
      readonly kind: "claim";
      readonly host: string;
      readonly which: (typeof WHICH)[number];
      readonly run: number;
      readonly limit: number;
      readonly except: readonly number[];
    }
  | { readonly kind: "renew"; readonly host: string; readonly leaseMs: number }
  | { readonly kind: "leave"; readonly host: string }
  | { readonly kind: "remove"; readonly run: number }
  | { readonly kind: "wait"; readonly ms: number };

const someRun = fc.integer({ min: 0, max: 4 });
const someHost = fc.constantFrom("x", "y");
const someTime = fc.integer({ min: 0, max: 4 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("create" as const),
      run: someRun,
      owner: fc.option(someHost, { nil: undefined }),
      status: fc.constantFrom<RunStatus>("running", "pending", "waiting", "waiting", "paused", "suspended"),
      age: fc.integer({ min: 0, max: 2 }),
      wakeIn: someTime,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      run: someRun,
      stale: fc.constantFrom(false, false, false, true),
      count: fc.integer({ min: 0, max: 2 }),
      patch: fc.constantFrom<Patch>("none", "progress", "park", "park", "sleep", "pause", "finish"),
      wakeIn: someTime,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("claim" as const),
      host: someHost,
      which: fc.constantFrom(...WHICH, "due", "due"),
      run: someRun,
      limit: fc.integer({ min: 0, max: 4 }),
      except: fc.oneof(fc.constant([]), fc.array(someRun, { maxLength: 2 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("renew" as const), host: someHost, leaseMs: someTime }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), host: someHost }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), run: someRun }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3 }) }) },
);

const waves = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 });

export function describeOwnershipAgainstModel(name: string, open: OpenStores): void {
  describe(`${name}: ownership against a model`, () => {
    it("gives runs, wakes and refusals like the model, whatever the hosts do", async () => {
      const clock = { time: 1_000 };
      await using stores = await open({ now: () => clock.time });
      let cases = 0;
      await fc.assert(
        fc.asyncProperty(waves, async (plan) => {
          cases += 1;
          await follow(plan, stores, clock, `case-${cases}`);
        }),
        { numRuns: 150 },
      );
    });
  });
}

async function follow(
  plan: readonly (readonly Step[])[],
  stores: Stores,
  clock: { time: number },
  prefix: string,
): Promise<void> {
  try {
    await compareWith(new Model(), plan, stores, clock, prefix);
  } finally {
    await clear(stores);
  }
}

async function compareWith(
  model: Model,
  plan: readonly (readonly Step[])[],
  stores: Stores,
  clock: { time: number },
  prefix: string,
): Promise<void> {
  for (const wave of plan) {
    const asked: Promise<unknown>[] = [];
    const expected: unknown[] = [];
    for (const one of wave) {
      if (one.kind === "wait") {
        clock.time += one.ms;
        continue;
      }
      const [answer, ask] = carryOut(one, model, stores, clock.time, prefix);
      expected.push(answer);
      asked.push(ask.catch(codeOf));
    }
    expect(await Promise.all(asked)).toEqual(expected);
    expect(await stores.ownership.nextWake()).toEqual(model.nextWake);
  }
  for (const [runId, record] of model.runs) expect(await stores.runs.get(runId)).toEqual(record);
}

/** What the model answers, and the same asked of the stores. */
function carryOut(
  one: Exclude<Step, { kind: "wait" }>,
  model: Model,
  stores: Stores,
  now: number,
  prefix: string,
): readonly [unknown, Promise<unknown>] {
  const id = (run: number): string => `${prefix}/${run}`;
  const hostId = "host" in one ? `${prefix}/${one.host}` : "";
  switch (one.kind) {
    case "create": {
      const run = aRun(id(one.run), {
        status: one.status,
        createdAt: one.age,
        ...(one.owner === undefined ? {} : { owner: `${prefix}/${one.owner}` }),
        ...(one.wakeIn === 0 ? {} : { wakeAt: now + one.wakeIn }),
      });
      return [model.create(run), stores.runs.create([run]).then(() => "created")];
    }
    case "append": {
      const run = model.runs.get(id(one.run));
      const expectedSeq = run?.nextSeq ?? 1;
      const append: Append = {
        runId: id(one.run),
        fence: (run?.fence ?? 1) - (one.stale ? 1 : 0),
        expectedSeq,
        rows: rows(expectedSeq, one.count),
        patch: toPatch(one.patch, now + one.wakeIn),
        at: now,
      };
      return [[model.append(append)], stores.journals.append([append])];
    }
    case "claim": {
      const { limit } = one;
      const except = one.except.map(id);
      const which =
        one.which === "own after"
          ? { ownAfter: id(one.run) }
          : one.which === "run"
            ? { runId: id(one.run) }
            : one.which;
      const order: ClaimOrder = { hostId, which, limit, except };
      return [model.claim(order, now), stores.ownership.claim(order)];
    }
    case "renew":
      return [model.renew(hostId, now + one.leaseMs), stores.ownership.renew({ hostId, leaseMs: one.leaseMs })];
    case "leave":
      return [model.leave(hostId), stores.ownership.leave(hostId)];
    case "remove":
      return [model.remove(id(one.run)), stores.runs.remove([id(one.run)])];
  }
}

function toPatch(patch: Patch, wakeAt: number): RunPatch {
  switch (patch) {
    case "none":
      return {};
    case "progress":
      return { recoveryAttempts: 0 };
    case "park":
      return { status: "waiting", wakeAt };
    case "sleep":
      return { status: "waiting", wakeAt: null };
    case "pause":
      return { status: "paused" };
    case "finish":
      return { status: "done" };
  }
}

/** Takes all runs away: one store serves all cases, and claims look at all runs. */
async function clear(stores: Stores): Promise<void> {
  const left = await stores.runs.list({ limit: 1000 });
  const ends = left.map(
    ({ runId, fence, nextSeq }): Append => ({
      runId,
      fence,
      expectedSeq: nextSeq,
      rows: [],
      patch: { status: "done" },
      at: 0,
    }),
  );
  await stores.journals.append(ends);
  await stores.runs.remove(left.map(({ runId }) => runId));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}
