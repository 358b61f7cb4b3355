/** Attempts that rest, are parked with their run, and are entered again as they were. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Engine, RunHandle } from "../../src/engine/index.ts";
import type { AgentBinding } from "../../src/kernel/index.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import type { Stores } from "../../stores/ports.ts";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { bindingOf, fanout, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture, type HeldCall } from "./engine-fixture.ts";

const seat = (over: Partial<AgentBinding> = {}) => bindingOf({ pure: false, attach: true, ...over });
const effect = bindingOf({ pure: false });

const launch = (engine: Engine, executable: Parameters<Engine["launch"]>[0]["executable"]): RunHandle =>
  engine.launch({ executable, ctx: {}, context: {} });

/** Waits until something holds that needs no timer. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("it never comes about");
}

const statusOf = async ({ stores }: EngineFixture, { runId }: RunHandle) => (await stores.runs.get(runId))?.status;

/** A worker that waits outside: it lets go at once when it is told to. */
async function resting(fixture: EngineFixture, index: number, restUntil?: number): Promise<HeldCall> {
  await fixture.arrived(index + 1);
  const held = fixture.held[index] as HeldCall;
  held.call.signal.addEventListener("abort", () => held.end({ kind: "cancelled" }), { once: true });
  held.call.rest(restUntil);
  return held;
}

/** Parks the only run of a fixture. */
async function park(fixture: EngineFixture, run: RunHandle): Promise<void> {
  fixture.clock.advance(1_000);
  await until(async () => fixture.engine.live === 0 && (await statusOf(fixture, run)) === "waiting");
}

const types = async (fixture: EngineFixture, { runId }: RunHandle) =>
  (await fixture.journal(runId)).map(({ type, key }) => (key === undefined ? type : `${type} ${key}`));

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

const backends: Readonly<Record<string, () => Promise<Stores>>> = {
  memory: async () => openMemoryStores(),
  SQLite: async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "attached-"));
    const stores = await openSqliteStores({ dataDir });
    opened.push(async () => {
      await stores[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true });
    });
    return stores;
  },
};

describe.each(Object.entries(backends))("an attempt that rests, over %s", (_name, open) => {
  const fixtureOf = async () => {
    const stores = await open();
    return new EngineFixture(() => stores);
  };

  it("leaves memory with its run and is entered again as it was when the run is woken", async () => {
    const fixture = await fixtureOf();
    const flow = seq(step("a", lit(1), "$.a"), step("b", path("$.a"), "$.b"));
    const run = launch(fixture.engine, fixture.executable(flow, { a: seat(), b: effect }));
    const { call } = await resting(fixture, 0);
    await call.memo.put("operator", { request: "Q-1" });
    await park(fixture, run);
    expect(call.signal.reason).toMatchObject({ kind: "parked" });

    await fixture.engine.wake(run.runId);
    await fixture.arrived(2);
    const again = fixture.held[1] as HeldCall;
    expect(again.call).toMatchObject({ key: "0", attempt: 1, fence: call.fence, idempotencyKey: call.idempotencyKey });
    expect(again.call.memo.get("operator")).toEqual({ request: "Q-1" });
    again.end({ kind: "pass", value: "answer" });
    await fixture.arrived(3);
    fixture.held[2]?.end();
    expect(await run.result).toEqual({ status: "done", ctx: { a: "answer", b: "answer" } });
    expect(await types(fixture, run)).toEqual([
      "run_started",
      "step_scheduled 0",
      "step_started 0",
      "step_memo 0",
      "step_completed 0",
      "step_scheduled 1",
      "step_started 1",
      "step_completed 1",
      "run_finished",
    ]);
    await fixture.engine[Symbol.asyncDispose]();
  });

  it("is entered again under its first fence by every host that finds it after a crash, whatever their number", async () => {
    const fixture = await fixtureOf();
    const executable = fixture.executable(step("a", lit(1), "$.a"), { a: seat() });
    const run = launch(fixture.engine, executable);
    await fixture.arrived(1);
    await fixture.held[0]?.call.memo.put("operator", "Q-1");
    for (let host = 2; host <= 4; host += 1) {
      expect(await fixture.newEngine(`host-${host}`).recover()).toEqual({ resumed: 1, putAside: 0 });
      await fixture.arrived(host);
      const { call } = fixture.held[host - 1] as HeldCall;
      expect(call).toMatchObject({ attempt: 1, fence: 1 });
      expect(call.memo.get("operator")).toBe("Q-1");
    }
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ fence: 4 });
    fixture.held[3]?.end({ kind: "pass", value: "answer" });
    await until(async () => (await statusOf(fixture, run)) === "done");
    expect(await types(fixture, run)).toEqual([
      "run_started",
      "step_scheduled root",
      "step_started root",
      "step_memo root",
      "step_completed root",
      "run_finished",
    ]);
  });

  it("keeps its deadline over a restart, and a deadline that was moved", async () => {
    const fixture = await fixtureOf();
    const timed = seat({ timeoutMs: 60_000 });
    const executable = fixture.executable(step("a", lit(1), "$.a"), { a: timed });
    const run = launch(fixture.engine, executable);
    await fixture.arrived(1);
    const { call } = fixture.held[0] as HeldCall;
    fixture.clock.advance(20_000);
    await fixture.newEngine("host-2").recover();
    await fixture.arrived(2);
    const second = fixture.held[1] as HeldCall;
    expect(second.call.deadline).toBe(call.deadline);
    await second.call.extend((call.deadline ?? 0) + 30_000);
    fixture.clock.advance(50_000);
    await fixture.newEngine("host-3").recover();
    await fixture.arrived(3);
    const third = fixture.held[2] as HeldCall;
    third.call.signal.addEventListener("abort", () => third.end({ kind: "cancelled" }), { once: true });
    expect(third.call.deadline).toBe((call.deadline ?? 0) + 30_000);
    expect(third.call.signal.aborted).toBe(false);
    fixture.clock.advance(20_000);
    await until(async () => (await statusOf(fixture, run)) === "failed");
    const completed = (await fixture.journal(run.runId)).find(({ type }) => type === "step_completed");
    expect(completed).toMatchObject({ outcome: "timeout", attempt: 1, error: { code: "step_timeout" } });
  });
});

describe("parking", () => {
  it("wants the run back for the earliest of deadline and rest, and times out what nobody answered", async () => {
    const fixture = new EngineFixture();
    const start = fixture.clock.now();
    const flow = fanout("all_settled", lit([1, 2]), step("a", path("$.item"), "$.r"), "$.all");
    const run = launch(fixture.engine, fixture.executable(flow, { a: seat({ timeoutMs: 3_600_000 }) }));
    await resting(fixture, 0);
    await resting(fixture, 1, start + 60_000);
    await park(fixture, run);
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ wakeAt: start + 60_000, recoveryAttempts: 0 });
    fixture.clock.advance(60_000);
    await resting(fixture, 2);
    await resting(fixture, 3);
    expect(fixture.held.slice(2).map(({ call }) => call.idempotencyKey)).toEqual(
      fixture.held.slice(0, 2).map(({ call }) => call.idempotencyKey),
    );
    await park(fixture, run);
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ wakeAt: start + 3_600_000 });
    fixture.clock.advance(3_600_000);
    await resting(fixture, 4);
    await resting(fixture, 5);
    fixture.clock.advance(0);
    await until(async () => (await statusOf(fixture, run)) === "done");
    const ends = (await fixture.journal(run.runId)).filter(({ type }) => type === "step_completed");
    expect(ends.map(({ outcome, attempt }) => `${String(outcome)} ${String(attempt)}`)).toEqual([
      "timeout 1",
      "timeout 1",
    ]);
  });

  it("does not happen while one lane of several works, and happens when it has ended", async () => {
    const fixture = new EngineFixture();
    const flow = fanout(
      "all",
      lit([1, 2, 3]),
      {
        kind: "branch",
        cond: { op: "eq", lhs: path("$.item"), rhs: lit(3) },
        // biome-ignore lint/suspicious/noThenProperty: the language's own field name, and no promise.
        then: step("busy", path("$.item"), "$.r"),
        else: step("a", path("$.item"), "$.r"),
      },
      "$.all",
    );
    const run = launch(fixture.engine, fixture.executable(flow, { a: seat(), busy: effect }));
    await resting(fixture, 0);
    await resting(fixture, 1);
    await fixture.arrived(3);
    const busy = fixture.held.find(({ call }) => call.agent === "busy") as HeldCall;
    fixture.clock.advance(600_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.engine.live).toBe(1);
    busy.end();
    await until(async () => (await types(fixture, run)).some((line) => line.startsWith("step_completed")));
    await park(fixture, run);
  });

  it("takes no attempt with it that a restart would repeat", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: effect }));
    const { call, end } = await resting(fixture, 0);
    fixture.clock.advance(600_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.engine.live).toBe(1);
    await call.memo.put("layer", 1, { attach: true });
    fixture.clock.advance(1_000);
    await until(() => fixture.engine.live === 0);
    end();
    expect(await statusOf(fixture, run)).toBe("waiting");
  });

  it("is put off by whoever wakes the run, and by an attempt that takes its rest back", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: seat() }));
    await fixture.arrived(1);
    const { call, end } = fixture.held[0] as HeldCall;
    call.rest()();
    fixture.clock.advance(5_000);
    call.rest();
    fixture.clock.advance(900);
    await fixture.engine.wake(run.runId);
    fixture.clock.advance(900);
    expect(call.signal.aborted).toBe(false);
    end();
    expect(await run.result).toMatchObject({ status: "done" });
  });

  it("hears nothing of what the attempt answers once it is let go of", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: seat() }));
    await fixture.arrived(1);
    const { call, end } = fixture.held[0] as HeldCall;
    call.signal.addEventListener("abort", () => end({ kind: "pass", value: "too late" }), { once: true });
    call.rest();
    await park(fixture, run);
    await expect(call.memo.put("late", 1)).rejects.toMatchObject({ code: "attempt_over" });
    expect(await types(fixture, run)).toEqual(["run_started", "step_scheduled root", "step_started root"]);
  });

  it("gives the place of a parked attempt back, and does not let it wait for one when it is entered again", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(step("a", lit(1), "$.a"), { a: seat({ concurrency: 1 }) });
    const first = launch(fixture.engine, executable);
    await resting(fixture, 0);
    await park(fixture, first);
    const others = [launch(fixture.engine, executable), launch(fixture.engine, executable)];
    await fixture.arrived(2);
    await fixture.engine.wake(first.runId);
    await fixture.arrived(3);
    expect(fixture.held[2]?.call.runId).toBe(first.runId);
    fixture.held[2]?.end();
    expect(await first.result).toMatchObject({ status: "done" });
    expect(fixture.held, "the place that is free is none: one attempt has the only one").toHaveLength(3);
    fixture.held[1]?.end();
    await fixture.arrived(4);
    fixture.held[3]?.end();
    for (const run of others) expect(await run.result).toMatchObject({ status: "done" });
  });
});

describe("a parked run", () => {
  const parked = async (binding = seat()) => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: binding }));
    await resting(fixture, 0);
    await park(fixture, run);
    return { fixture, run };
  };

  it("lets its worker withdraw what it asked for when it is cancelled, and ends", async () => {
    const { fixture, run } = await parked();
    const cancelled = run.cancel({ reason: "enough", by: "test" });
    await fixture.arrived(2);
    const { call, end } = fixture.held[1] as HeldCall;
    await until(() => call.signal.aborted);
    expect(call).toMatchObject({ attempt: 1 });
    expect(call.signal.reason).toMatchObject({ kind: "cancelled" });
    end({ kind: "cancelled" });
    await cancelled;
    expect(await run.result).toMatchObject({ status: "cancelled" });
  });

  it("is brought back once by any number of wakes, and by none after its end", async () => {
    const { fixture, run } = await parked();
    await Promise.all([1, 2, 3].map(() => fixture.engine.wake(run.runId)));
    await fixture.arrived(2);
    fixture.held[1]?.end();
    expect(await run.result).toMatchObject({ status: "done" });
    await fixture.engine.wake(run.runId);
    expect(fixture.held).toHaveLength(2);
    await expect(fixture.engine.wake("R-none")).rejects.toMatchObject({ code: "run_unknown" });
  });

  it("is claimed once, however many wake it at once", async () => {
    let claims = 0;
    const fixture = new EngineFixture((stores) => ({
      ...stores,
      ownership: {
        ...stores.ownership,
        claim(...given) {
          claims += 1;
          return stores.ownership.claim(...given);
        },
      },
    }));
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: seat() }));
    await resting(fixture, 0);
    await park(fixture, run);
    const woken = Array.from({ length: 100 }, () => fixture.engine.wake(run.runId));
    await fixture.arrived(2);
    fixture.held[1]?.end();
    await Promise.all(woken);
    expect(await run.result).toMatchObject({ status: "done" });
    expect(claims).toBe(1);
  });

  it("has ended, for a wake that came while it was brought back and had to wait until then: nothing is wrong", async () => {
    const gates = { journal: Promise.resolve(), claim: Promise.resolve() };
    const [journal, claim] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const fixture = new EngineFixture((stores) => ({
      ...stores,
      journals: {
        ...stores.journals,
        read: (...given) => gates.journal.then(() => stores.journals.read(...given)),
      },
      ownership: {
        ...stores.ownership,
        claim: (...given) => gates.claim.then(() => stores.ownership.claim(...given)),
      },
    }));
    const executable = fixture.executable(step("a", lit(1), "$.a"), { a: seat() });
    const [run, other] = [launch(fixture.engine, executable), launch(fixture.engine, executable)];
    for (const index of [0, 1]) await resting(fixture, index);
    await park(fixture, run);
    gates.journal = journal.promise;
    const first = fixture.engine.signal(run.runId, { name: "hello", id: "1", value: null });
    await new Promise((resolve) => setImmediate(resolve));
    gates.claim = claim.promise;
    const blocking = fixture.engine.wake(other.runId);
    await new Promise((resolve) => setImmediate(resolve));
    const joined = fixture.engine.wake(run.runId);
    journal.resolve();
    await first;
    await fixture.arrived(3);
    fixture.held[2]?.end();
    expect(await run.result).toMatchObject({ status: "done" });
    claim.resolve();
    await expect(joined).resolves.toBeUndefined();
    await blocking;
    await fixture.arrived(4);
    fixture.held[3]?.end();
    expect(await other.result).toMatchObject({ status: "done" });
  });

  it("stays where it is when it is woken while it is paused", async () => {
    const { fixture, run } = await parked();
    await fixture.engine.pause(run.runId, { reason: "lunch" });
    await resting(fixture, 1);
    fixture.clock.advance(1_000);
    await until(() => fixture.engine.live === 0);
    await fixture.engine.wake(run.runId);
    expect(await statusOf(fixture, run)).toBe("paused");
    await fixture.engine.resume(run.runId, { reason: "back" });
    await fixture.arrived(3);
    expect(fixture.held[2]?.call).toMatchObject({ attempt: 1 });
    fixture.held[2]?.end();
    expect(await run.result).toMatchObject({ status: "done" });
  });

  it("is not dead after any number of wakes that bring nothing", async () => {
    const { fixture, run } = await parked();
    for (let wake = 1; wake <= 8; wake += 1) {
      await fixture.engine.wake(run.runId);
      await resting(fixture, wake);
      await park(fixture, run);
    }
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ recoveryAttempts: 0, fence: 9 });
  });

  it("keeps the record of its seats, the newest generation of each", async () => {
    const { fixture, run } = await parked();
    const taken = { seat: "main", generation: 1, holder: "S-1", reason: "acquired" };
    await fixture.engine.seatChanged(run.runId, taken);
    await fixture.engine.seatChanged(run.runId, taken);
    await fixture.engine.seatChanged(run.runId, { seat: "main", generation: 2, reason: "released" });
    const changes = (await fixture.journal(run.runId)).filter(({ type }) => type === "seat_changed");
    expect(changes.map(({ generation, holder }) => [generation, holder])).toEqual([
      [1, "S-1"],
      [2, undefined],
    ]);
  });
});

describe("what is recorded of an attempt", () => {
  const live = async (binding: AgentBinding) => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: binding }));
    await fixture.arrived(1);
    return { fixture, run, ...(fixture.held[0] as HeldCall) };
  };
  const once = { maxAttempts: 2, backoffMs: 10, backoffFactor: 1, maxBackoffMs: 10, jitter: 0, nonRetryable: [] };

  it("is there at once, durable when it resolves, and journaled once however often it is put", async () => {
    const { fixture, run, call, end } = await live(effect);
    const put = call.memo.put("layer/detail", { b: [1], a: null });
    expect(call.memo.get("layer/detail")).toEqual({ b: [1], a: null });
    await put;
    await call.memo.put("layer/detail", { a: null, b: [1] });
    await call.memo.put("__proto__", "plain");
    expect(call.memo.get("__proto__")).toBe("plain");
    expect(call.memo.get("constructor")).toBeUndefined();
    expect((await types(fixture, run)).filter((line) => line === "step_memo root")).toHaveLength(2);
    end();
    await run.result;
    expect(call.memo.get("layer/detail")).toBeUndefined();
  });

  it("is gone with the attempt: the next begins with none", async () => {
    const { fixture, call, end, run } = await live(bindingOf({ pure: false, retry: once }));
    await call.memo.put("layer", 1, { attach: true });
    await call.extend(fixture.clock.now() + 5_000);
    end({ kind: "error", error: { code: "boom", message: "boom", retryable: true } });
    await until(async () => (await types(fixture, run)).includes("step_completed root"));
    fixture.clock.advance(10);
    await fixture.arrived(2);
    const second = fixture.held[1] as HeldCall;
    expect(second.call).toMatchObject({ attempt: 2 });
    expect(second.call.memo.get("layer")).toBeUndefined();
    expect(second.call.deadline).toBeUndefined();
    await fixture.newEngine("host-2").recover();
    await fixture.arrived(3);
    expect(fixture.held[2]?.call.attempt, "not attached: it is repeated").toBe(3);
  });

  it("makes a pure step's attempt one that a restart enters again", async () => {
    const { fixture, run, call } = await live(bindingOf());
    expect(await types(fixture, run)).toEqual(["run_started"]);
    await call.memo.put("senior", "Q-1", { attach: true });
    expect(await types(fixture, run)).toEqual([
      "run_started",
      "step_scheduled root",
      "step_started root",
      "step_memo root",
    ]);
    await fixture.newEngine("host-2").recover();
    await fixture.arrived(2);
    const again = fixture.held[1] as HeldCall;
    expect(again.call).toMatchObject({ attempt: 1, fence: call.fence });
    expect(again.call.memo.get("senior")).toBe("Q-1");
    again.end();
    await until(async () => (await statusOf(fixture, run)) === "done");
  });

  it("repeats a pure step's attempt that recorded something without asking to be entered again", async () => {
    const { fixture, run, call } = await live(bindingOf());
    await call.memo.put("note", 1);
    for (const host of [2, 3]) {
      await fixture.newEngine(`host-${host}`).recover();
      await fixture.arrived(host);
      expect(fixture.held[host - 1]?.call).toMatchObject({ attempt: host });
      await fixture.held[host - 1]?.call.memo.put("note", host);
    }
    await fixture.newEngine("host-4").recover();
    await fixture.arrived(4);
    fixture.held[3]?.end();
    await until(async () => (await statusOf(fixture, run)) === "done");
    await fixture.newEngine("host-5").attach(run.runId);
  });

  it("is refused beyond its limits and once the attempt is over, and then nothing is journaled", async () => {
    const { fixture, run, call, end } = await live(effect);
    const refused = { code: "invalid_memo" };
    await expect(call.memo.put("", 1)).rejects.toMatchObject(refused);
    await expect(call.memo.put("n".repeat(201), 1)).rejects.toMatchObject(refused);
    await expect(call.memo.put("big", "x".repeat(1024 * 1024))).rejects.toMatchObject(refused);
    for (const bad of [Number.NaN, -1, 1.5, fixture.clock.now() + 11 * 365 * 24 * 3600 * 1000])
      await expect(call.extend(bad)).rejects.toMatchObject({ code: "invalid_deadline" });
    for (let index = 0; index < 100; index += 1) await call.memo.put(`n${index}`, index);
    await expect(call.memo.put("one more", 1)).rejects.toMatchObject(refused);
    await call.memo.put("n7", "changed");
    end();
    await run.result;
    const before = (await fixture.journal(run.runId)).length;
    await expect(call.memo.put("late", 1)).rejects.toMatchObject({ code: "attempt_over" });
    await expect(call.extend(fixture.clock.now())).rejects.toMatchObject({ code: "attempt_over" });
    expect(await fixture.journal(run.runId)).toHaveLength(before);
    expect(fixture.clock.pending).toBe(0);
  });
});

describe("a heartbeat", () => {
  const beating = async () => {
    const fixture = new EngineFixture();
    const binding = seat({ heartbeatMs: 1_000 });
    const run = fixture.engine.launch({
      executable: fixture.executable(step("a", lit(1), "$.a"), { a: binding }),
      ctx: {},
      context: {},
      observer: (event) => fixture.events.push(event),
    });
    await fixture.arrived(1);
    const held = fixture.held[0] as HeldCall;
    held.call.signal.addEventListener("abort", () => held.end({ kind: "cancelled" }), { once: true });
    return { fixture, run, call: held.call };
  };
  const beat = { type: "progress", stage: "still here" } as const;

  it("is kept by what the worker says and by what is said of it from outside", async () => {
    const { fixture, run, call } = await beating();
    fixture.clock.advance(900);
    call.emit(beat);
    fixture.clock.advance(900);
    fixture.engine.emit(run.runId, call.key, 1, beat);
    fixture.engine.emit(run.runId, call.key, 2, beat);
    fixture.engine.emit("R-none", call.key, 1, beat);
    fixture.clock.advance(900);
    expect(call.signal.aborted).toBe(false);
    expect(fixture.events.filter(({ type }) => type === "step_event")).toHaveLength(2);
    fixture.clock.advance(100);
    expect(call.signal.reason).toMatchObject({ kind: "timeout", code: "heartbeat_lost" });
    expect(await run.result).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("no sign of life") },
    });
    const completed = (await fixture.journal(run.runId)).find(({ type }) => type === "step_completed");
    expect(completed).toMatchObject({ outcome: "timeout", error: { code: "heartbeat_lost" } });
    expect(fixture.clock.pending).toBe(0);
  });

  it("is not asked of an attempt that rests, and is again when it no longer does", async () => {
    const { fixture, call } = await beating();
    const back = call.rest(fixture.clock.now() + 10_500);
    fixture.clock.advance(900);
    const stillBack = call.rest();
    back();
    back();
    expect(call.signal.aborted).toBe(false);
    stillBack();
    fixture.clock.advance(999);
    expect(call.signal.aborted).toBe(false);
    fixture.clock.advance(1);
    expect(call.signal.aborted).toBe(true);
  });

  it("is retried like any timeout", async () => {
    const fixture = new EngineFixture();
    const retry = { maxAttempts: 2, backoffMs: 10, backoffFactor: 1, maxBackoffMs: 10, jitter: 0, nonRetryable: [] };
    const binding = bindingOf({ heartbeatMs: 1_000, retry });
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: binding }));
    await fixture.arrived(1);
    fixture.clock.advance(1_000);
    fixture.held[0]?.end({ kind: "cancelled" });
    await until(async () => (await types(fixture, run)).includes("step_completed root"));
    fixture.clock.advance(10);
    await fixture.arrived(2);
    fixture.held[1]?.end();
    expect(await run.result).toMatchObject({ status: "done" });
  });
});

describe("what a worker reports beside its answer", () => {
  it("is in the completion, whatever the outcome, and told to observers", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(step("a", lit(1), "$.a"), { a: seat() });
    const run = launch(fixture.engine, executable);
    await fixture.arrived(1);
    const told: unknown[] = [];
    fixture.engine.observe(run.runId, (event) => told.push(event));
    const degradations = [{ tool: "search", error: "refused", fallback: "guessed" }];
    const stats = { num_turns: 3 };
    fixture.held[0]?.end({
      kind: "error",
      error: { code: "worker_error", message: "gave up", retryable: false },
      stats,
      degradations,
    });
    await run.result;
    const completed = (await fixture.journal(run.runId)).find(({ type }) => type === "step_completed");
    expect(completed).toMatchObject({ outcome: "error", stats, degradations });
    expect(told).toContainEqual(expect.objectContaining({ type: "step_completed", stats, degradations }));
  });
});
