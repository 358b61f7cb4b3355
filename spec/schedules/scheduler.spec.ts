/** Schedules over the memory store with a clock that the test moves and runs that the test ends. */
import { beforeEach, describe, expect, it } from "vitest";
import { EngineError } from "../../src/engine/index.ts";
import { type ScheduleOrder, Scheduler, scheduleOf } from "../../src/schedules/index.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import { type ScheduleRecord, StoreError, type Stores } from "../../stores/ports.ts";
import { ManualClock } from "../engine/manual-clock.ts";

const MINUTE = 60_000;
const START = Date.parse("2026-11-21T12:00:30Z");
const everyMinute = { kind: "cron", pattern: "* * * * *", timeZone: "UTC" } as const;

/** Lets promises settle that need no timer. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Runs that live until the test ends them, and outlive hosts. */
class HeldRuns {
  readonly started: string[] = [];
  readonly cancelled: string[] = [];
  readonly byKey = new Map<string, string>();
  readonly live = new Set<string>();
  readonly listeners = new Set<() => void>();
  refusal: Error | undefined;

  startedWith = async (key: string): Promise<string | undefined> => this.byKey.get(key);
  start = async ({ name }: ScheduleRecord, key: string): Promise<string> => {
    if (this.refusal !== undefined) throw this.refusal;
    const runId = `${name}${this.started.length + 1}`;
    this.started.push(key);
    this.byKey.set(key, runId);
    this.live.add(runId);
    return runId;
  };
  hasEnded = async (runId: string): Promise<boolean> => !this.live.has(runId);
  cancel = async (runId: string): Promise<void> => {
    this.cancelled.push(runId);
    this.live.delete(runId);
  };
  onChange = (_runId: string, listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  end(runId: string): void {
    this.live.delete(runId);
    for (const listener of [...this.listeners]) listener();
  }
}

let clock: ManualClock;
let stores: Stores;
let runs: HeldRuns;
let defects: unknown[];
let scheduler: Scheduler;

/** Another host over the same store. */
const newScheduler = (): Scheduler =>
  new Scheduler({ schedules: stores.schedules, runs, clock, onDefect: (error) => defects.push(error) });

beforeEach(async () => {
  clock = new ManualClock(START);
  stores = openMemoryStores();
  runs = new HeldRuns();
  defects = [];
  scheduler = newScheduler();
  await scheduler.start();
});

async function add(order: Partial<ScheduleOrder> = {}): Promise<void> {
  const whole = { name: "s", times: everyMinute, ...order };
  await scheduler.add(scheduleOf(whole, { id: "demo", version: "sha256:00" }, clock.now()));
  await settle();
}

async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

const record = async (): Promise<ScheduleRecord | undefined> => stores.schedules.get("s");
const firingsOf = (keys: readonly string[]): readonly string[] =>
  keys.map((key) => new Date(Number(key.split("/").at(-1))).toISOString().slice(11, 19));

describe("a schedule", () => {
  it("starts a run at each of its times, and sets one timer", async () => {
    await add({ overlap: "allow_all" });
    await add({ name: "t", times: { kind: "interval", everyMs: 10 * MINUTE, from: START } });
    expect(clock.pending).toBe(1);
    await pass(30_000);
    await pass(MINUTE);
    expect(firingsOf(runs.started)).toEqual(["12:01:00", "12:02:00"]);
    expect(await record()).toMatchObject({ lastRunId: "s2", last: { outcome: "started", runId: "s2" } });
    expect(clock.pending).toBe(1);
  });

  it("costs nothing where there is none", async () => {
    await settle();
    expect(clock.pending).toBe(0);
    await add();
    await scheduler.remove("s");
    await pass(10 * MINUTE);
    expect(runs.started).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("that fires once is over then", async () => {
    await add({ times: { kind: "once", at: START + 5_000 } });
    await pass(5_000);
    await pass(MINUTE);
    expect(firingsOf(runs.started)).toEqual(["12:00:35"]);
    expect((await record())?.nextAt).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it("whose time was over when it was added starts at once", async () => {
    await add({ times: { kind: "once", at: START - 1 } });
    expect(runs.started).toHaveLength(1);
  });

  it("does not fire while it is paused, and passes over what it would have fired", async () => {
    await add({ catchUp: "all" });
    await scheduler.pause("s");
    await pass(5 * MINUTE);
    expect(runs.started).toEqual([]);
    await scheduler.resume("s");
    await pass(MINUTE);
    expect(firingsOf(runs.started)).toEqual(["12:06:00"]);
  });

  it("is triggered by hand, paused or not, the same id once", async () => {
    await add({ paused: true });
    const first = await scheduler.trigger("s", "a");
    expect(await scheduler.trigger("s", "a")).toBe(first);
    expect(await scheduler.trigger("s", "b")).not.toBe(first);
    expect(runs.started).toHaveLength(2);
  });

  it("that is not here is refused by name", async () => {
    for (const act of [scheduler.pause("x"), scheduler.resume("x"), scheduler.remove("x"), scheduler.trigger("x", "1")])
      await expect(act).rejects.toMatchObject({ code: "schedule_unknown", details: { name: "x" } });
  });
});

describe("while the previous run goes on", () => {
  it("skip passes over the firing", async () => {
    await add({ overlap: "skip" });
    await pass(MINUTE);
    await pass(MINUTE);
    expect(runs.started).toHaveLength(1);
    expect(await record()).toMatchObject({ lastRunId: "s1", last: { outcome: "skipped" } });
    runs.end("s1");
    await pass(MINUTE);
    expect(firingsOf(runs.started)).toEqual(["12:01:00", "12:03:00"]);
  });

  it("buffer_one starts one when that has ended, however many were due", async () => {
    await add({ overlap: "buffer_one" });
    await pass(MINUTE);
    await pass(MINUTE);
    await pass(MINUTE);
    expect(runs.started).toHaveLength(1);
    expect(await record()).toMatchObject({ bufferedAt: Date.parse("2026-11-21T12:02:00Z") });
    runs.end("s1");
    await settle();
    expect(firingsOf(runs.started)).toEqual(["12:01:00", "12:02:00"]);
    expect(await record()).not.toHaveProperty("bufferedAt");
    expect(runs.listeners.size).toBe(0);
  });

  it("buffer_one remembers over a restart, even where the run ended meanwhile", async () => {
    await add({ overlap: "buffer_one" });
    await pass(MINUTE);
    await pass(MINUTE);
    await scheduler.close();
    runs.end("s1");
    scheduler = newScheduler();
    await scheduler.start();
    await settle();
    expect(firingsOf(runs.started)).toEqual(["12:01:00", "12:02:00"]);
  });

  it("buffer_one starts nothing while paused", async () => {
    await add({ overlap: "buffer_one" });
    await pass(MINUTE);
    await pass(MINUTE);
    await scheduler.pause("s");
    runs.end("s1");
    await settle();
    expect(runs.started).toHaveLength(1);
    await scheduler.resume("s");
    await settle();
    expect(runs.started).toHaveLength(2);
  });

  it("allow_all starts beside it", async () => {
    await add({ overlap: "allow_all" });
    await pass(MINUTE);
    await pass(MINUTE);
    expect(runs.live.size).toBe(2);
  });

  it("cancel_other cancels it first", async () => {
    await add({ overlap: "cancel_other" });
    await pass(MINUTE);
    await pass(MINUTE);
    expect(runs.cancelled).toEqual(["s1"]);
    expect([...runs.live]).toEqual(["s2"]);
  });
});

describe("firings that passed while no host was there", () => {
  it.each([
    ["none", []],
    ["last", ["12:04:00"]],
    ["all", ["12:02:00", "12:03:00", "12:04:00"]],
  ] as const)("%s makes up for %j", async (catchUp, expected) => {
    await add({ catchUp, catchUpLimit: 3, overlap: "allow_all" });
    await scheduler.close();
    await pass(4 * MINUTE);
    scheduler = newScheduler();
    await scheduler.start();
    await settle();
    expect(firingsOf(runs.started)).toEqual(expected);
    if (catchUp === "none") expect(await record()).toMatchObject({ last: { outcome: "missed" } });
    await pass(30_000);
    expect(firingsOf(runs.started).at(-1)).toBe("12:05:00");
  });

  it("none still takes one that is a moment late", async () => {
    await add({ catchUp: "none" });
    await scheduler.close();
    await pass(32_000);
    scheduler = newScheduler();
    await scheduler.start();
    await settle();
    expect(firingsOf(runs.started)).toEqual(["12:01:00"]);
  });
});

describe("a crash or a failure", () => {
  it("between starting and recording starts nothing twice", async () => {
    await add({ overlap: "cancel_other" });
    const { replace } = stores.schedules;
    stores.schedules.replace = () => new Promise(() => {});
    await pass(MINUTE);
    expect(runs.started).toHaveLength(1);
    stores.schedules.replace = replace;
    scheduler = newScheduler();
    await scheduler.start();
    await settle();
    expect(runs.started).toHaveLength(1);
    expect(runs.cancelled).toEqual([]);
    expect(await record()).toMatchObject({ lastRunId: "s1", last: { outcome: "started" } });
  });

  it("of the store is tried again until it works, without a hot loop", async () => {
    await add();
    runs.refusal = new StoreError("store_full", "no room");
    await pass(30_000);
    expect(defects).toEqual([runs.refusal]);
    await pass(1_000);
    expect(defects).toHaveLength(1);
    runs.refusal = undefined;
    await pass(29_000);
    expect(firingsOf(runs.started)[0]).toBe("12:01:00");
    expect(defects).toHaveLength(1);
  });

  it("of the Blueprint is recorded, and the schedule goes on", async () => {
    await add();
    runs.refusal = new EngineError("run_stuck", "does not compile any more");
    await pass(MINUTE);
    expect(await record()).toMatchObject({ last: { outcome: "failed", error: "does not compile any more" } });
    runs.refusal = undefined;
    await pass(MINUTE);
    expect(firingsOf(runs.started)).toEqual(["12:02:00"]);
  });
});

describe("a schedule to refuse", () => {
  it.each([
    [{ name: "" }],
    [{ name: "../x" }],
    [{ name: "a".repeat(101) }],
    [{ catchUpLimit: 0 }],
    [{ catchUpLimit: 101 }],
    [{ times: { kind: "cron", pattern: "x", timeZone: "UTC" } as const }],
  ])("%j", async (over) => {
    await expect(add(over)).rejects.toMatchObject({ code: "schedule_invalid" });
    expect(await stores.schedules.list({ limit: 9 })).toEqual([]);
  });
});
