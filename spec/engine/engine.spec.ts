import { describe, expect, it } from "vitest";
import { FairQueues } from "../../src/engine/index.ts";
import { StoreError, type Stores } from "../../stores/ports.ts";
import { bindingOf, fanout, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture } from "./engine-fixture.ts";
import { ManualClock } from "./manual-clock.ts";

const effect = bindingOf({ pure: false });
const launch = (
  fixture: EngineFixture,
  executable: Parameters<EngineFixture["engine"]["launch"]>[0]["executable"],
  ctx = {},
) => fixture.engine.launch({ executable, ctx, context: {}, observer: (event) => fixture.events.push(event) });

describe("a launched run", () => {
  it("ends with its final ctx, durable in the journal and in its row", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture, fixture.executable(seq(step("a", lit(1), "$.a"), step("b", path("$.a"), "$.b"))));
    await run.accepted;
    await fixture.arrived(1);
    fixture.held[0]?.end();
    await fixture.arrived(2);
    fixture.held[1]?.end();
    expect(await run.result).toEqual({ status: "done", ctx: { a: 1, b: 1 } });
    expect((await fixture.journal(run.runId)).map(({ type }) => type)).toEqual([
      "run_started",
      "step_completed",
      "step_completed",
      "run_finished",
    ]);
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "done", nextSeq: 5 });
    expect(fixture.events.map(({ type }) => type)).toEqual([
      "run_started",
      "step_started",
      "step_completed",
      "step_started",
      "step_completed",
      "run_finished",
    ]);
    expect(fixture.clock.pending, "nothing may tick when nothing runs").toBe(0);
    expect(fixture.engine.live).toBe(0);
  });

  it("hands every attempt its address, and the same idempotency key to every delivery of it", async () => {
    const fixture = new EngineFixture();
    const run = launch(
      fixture,
      fixture.executable(fanout("all", lit([1, 2]), step("a", path("$.item"), "$.r"), "$.all")),
    );
    await fixture.arrived(2);
    expect(fixture.held.map(({ call }) => call.idempotencyKey)).toEqual([`${run.runId}/@0/1`, `${run.runId}/@1/1`]);
    for (const { call, end } of fixture.held) {
      expect(call.stepId).toMatch(/^ST-[0-9a-f]{16}$/);
      end();
    }
    expect((await run.result).status).toBe("done");
  });

  it("does not let an effect start before what it depends on is durable", async () => {
    const gate = Promise.withResolvers<void>();
    let appends = 0;
    const fixture = new EngineFixture((stores) =>
      withAppend(stores, async (batch) => {
        appends += 1;
        await gate.promise;
        return stores.journals.append(batch);
      }),
    );
    const run = launch(fixture, fixture.executable(step("a", lit(1), "$.a"), { a: effect }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(appends).toBe(1);
    expect(fixture.held).toHaveLength(0);
    gate.resolve();
    await fixture.arrived(1);
    expect((await fixture.journal(run.runId)).map(({ type }) => type)).toEqual([
      "run_started",
      "step_scheduled",
      "step_started",
    ]);
    fixture.held[0]?.end();
    await run.result;
  });

  it("turns a worker that throws into an error of its step", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(step("a", lit(1), "$.a"));
    const run = launch(fixture, { ...executable, dispatch: () => Promise.reject(new TypeError("oops")) });
    expect(await run.result).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("failed unexpectedly: oops") },
    });
  });
});

describe("deadlines", () => {
  const timed = bindingOf({ timeoutMs: 500 });

  it("aborts the worker at its deadline and records a timeout", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture, fixture.executable(step("a", lit(1), "$.a"), { a: timed }));
    await fixture.arrived(1);
    const { call, end } = fixture.held[0] as (typeof fixture.held)[0];
    expect(call.deadline).toBe(fixture.clock.now() + 500);
    fixture.clock.advance(500);
    expect(call.signal.aborted).toBe(true);
    expect(call.signal.reason).toMatchObject({ kind: "timeout" });
    end({ kind: "cancelled" });
    expect(await run.result).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("within 500 ms") },
    });
    expect((await fixture.journal(run.runId)).find(({ type }) => type === "step_completed")?.["outcome"]).toBe(
      "timeout",
    );
  });

  it("goes on without a worker that ignores its signal, one grace later", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture, fixture.executable(step("a", lit(1), "$.a"), { a: timed }));
    await fixture.arrived(1);
    fixture.clock.advance(500);
    fixture.clock.advance(10_000);
    expect((await run.result).status).toBe("failed");
  });

  it("counts the deadline from the start of the attempt, not from the wait for a place", async () => {
    const fixture = new EngineFixture();
    const flow = fanout("all", lit([1, 2]), step("a", path("$.item"), "$.r"), "$.all");
    const run = launch(fixture, fixture.executable(flow, { a: bindingOf({ timeoutMs: 500, concurrency: 1 }) }));
    await fixture.arrived(1);
    fixture.clock.advance(400);
    fixture.held[0]?.end();
    await fixture.arrived(2);
    fixture.clock.advance(400);
    fixture.held[1]?.end();
    expect((await run.result).status).toBe("done");
  });
});

describe("concurrency", () => {
  it("keeps at most so many attempts of an agent under way over all runs, which take turns", async () => {
    const fixture = new EngineFixture();
    const flow = fanout("all", lit([1, 2, 3]), step("a", path("$.item"), "$.r"), "$.all");
    const executable = fixture.executable(flow, { a: bindingOf({ concurrency: 2 }) });
    const runs = [launch(fixture, executable), launch(fixture, executable)];
    const order: string[] = [];
    for (let next = 0; next < 6; next += 1) {
      await fixture.arrived(next + 1);
      expect(fixture.held.length - next).toBeLessThanOrEqual(2);
      const { call, end } = fixture.held[next] as (typeof fixture.held)[0];
      order.push(call.key);
      end();
    }
    for (const run of runs) expect((await run.result).status).toBe("done");
    // The first run has both places before there is a second.
    expect(order).toEqual(["@0", "@1", "@2", "@0", "@1", "@2"]);
  });

  it("shows who has a place and who waits for one", async () => {
    const places = new FairQueues(new ManualClock());
    const fixture = new EngineFixture();
    const engine = fixture.newEngine("host-2", { places });
    const flow = fanout("all", lit([1, 2, 3]), step("a", path("$.item"), "$.r"), "$.all");
    const executable = fixture.executable(flow, { a: bindingOf({ concurrency: 1 }) });
    const run = engine.launch({ executable, ctx: {}, context: {} });
    await fixture.arrived(1);
    const ticket = (key: string) => ({
      runId: run.runId,
      key,
      attempt: 1,
      agent: "a",
      scheduledAt: fixture.clock.now(),
    });
    expect(places.view()).toEqual([
      {
        key: `agent ${executable.blueprint.id}/a`,
        limits: { concurrency: 1 },
        holding: 1,
        holders: [ticket("@0")],
        waiting: 2,
        waiters: [ticket("@1"), ticket("@2")],
      },
    ]);
    for (let next = 0; next < 3; next += 1) {
      await fixture.arrived(next + 1);
      fixture.held[next]?.end();
    }
    expect((await run.result).status).toBe("done");
    expect(places.view()).toEqual([]);
  });
});

/** Why the first call's worker was told to stop, once it was. */
const aborted = async (fixture: EngineFixture): Promise<unknown> => {
  const signal = fixture.held[0]?.call.signal;
  await new Promise<void>((resolve) => {
    if (signal?.aborted === true) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
  return signal?.reason;
};

describe("cancel", () => {
  it("aborts what runs, lets nothing new start, and ends the run as cancelled", async () => {
    const fixture = new EngineFixture();
    const flow = fanout("all", lit([1, 2, 3]), step("a", path("$.item"), "$.r"), "$.all");
    const run = launch(fixture, fixture.executable(flow, { a: bindingOf({ pure: false, concurrency: 1 }) }));
    await fixture.arrived(1);
    const cancelled = run.cancel({ reason: "enough", by: "test" });
    expect(await aborted(fixture)).toMatchObject({ kind: "cancelled" });
    expect(
      (await fixture.journal(run.runId)).map(({ type }) => type),
      "the journal says so before the worker is told",
    ).toContain("cancel_requested");
    fixture.held[0]?.end({ kind: "cancelled" });
    await cancelled;
    expect(await run.result).toMatchObject({ status: "cancelled", reason: "enough" });
    expect(fixture.held).toHaveLength(1);
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "cancelled" });
    expect(fixture.clock.pending).toBe(0);
  });

  it("does not wait for ever for a worker that ignores it", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture, fixture.executable(step("a", lit(1), "$.a"), { a: effect }));
    await fixture.arrived(1);
    const cancelled = run.cancel({ reason: "enough", by: "test" });
    await aborted(fixture);
    fixture.clock.advance(10_000);
    await cancelled;
    expect((await run.result).status).toBe("cancelled");
  });

  it("keeps a retry from starting", async () => {
    const fixture = new EngineFixture();
    const retrying = bindingOf({
      retry: { maxAttempts: 5, backoffMs: 100, backoffFactor: 1, maxBackoffMs: 100, jitter: 0, nonRetryable: [] },
    });
    const run = launch(fixture, fixture.executable(step("a", lit(1), "$.a"), { a: retrying }));
    await fixture.arrived(1);
    fixture.held[0]?.end({ kind: "error", error: { code: "boom", message: "boom", retryable: true } });
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    await run.cancel({ reason: "enough", by: "test" });
    fixture.clock.advance(1000);
    expect((await run.result).status).toBe("cancelled");
    expect(fixture.held).toHaveLength(1);
  });
});

describe("a journal that cannot be written", () => {
  it("stops the run, aborts its workers and acknowledges nothing", async () => {
    const fixture = new EngineFixture((stores) =>
      withAppend(stores, async () => Promise.reject(new StoreError("store_full", "no space left"))),
    );
    const run = launch(fixture, fixture.executable(step("a", lit(1), "$.a")));
    await expect(run.accepted).rejects.toMatchObject({ code: "journal_write" });
    await fixture.arrived(1);
    fixture.held[0]?.end();
    await expect(run.result).rejects.toMatchObject({ code: "journal_write" });
    expect(fixture.held[0]?.call.signal.aborted).toBe(true);
  });

  it("stops the run where another owner has it", async () => {
    const fixture = new EngineFixture((stores) =>
      withAppend(stores, async (batch) => batch.map(() => "fenced" as const)),
    );
    const run = launch(fixture, fixture.executable(step("a", lit(1), "$.a"), { a: effect }));
    await expect(run.result).rejects.toMatchObject({ code: "run_lost" });
    expect(fixture.held).toHaveLength(0);
  });
});

describe("shutting down", () => {
  it("acknowledges no launch whose start could not be written meanwhile", async () => {
    const created = Promise.withResolvers<void>();
    const fixture = new EngineFixture((stores) => ({
      ...withAppend(stores, async () => Promise.reject(new StoreError("store_full", "no space left"))),
      runs: { ...stores.runs, create: (batch) => created.promise.then(() => stores.runs.create(batch)) },
    }));
    const run = launch(fixture, fixture.executable(seq()));
    const closed = fixture.engine[Symbol.asyncDispose]();
    await new Promise((resolve) => setImmediate(resolve));
    created.resolve();
    await expect(run.accepted).rejects.toBeDefined();
    await closed;
  });

  it("aborts what runs, leaves the journal as it is, and takes no more runs", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(step("a", lit(1), "$.a"), { a: effect });
    const run = launch(fixture, executable);
    await fixture.arrived(1);
    const closed = fixture.engine[Symbol.asyncDispose]();
    fixture.held[0]?.end({ kind: "cancelled" });
    await closed;
    await expect(run.result).rejects.toMatchObject({ code: "engine_closed" });
    expect((await fixture.journal(run.runId)).map(({ type }) => type)).toEqual([
      "run_started",
      "step_scheduled",
      "step_started",
    ]);
    expect(() => launch(fixture, executable)).toThrow(expect.objectContaining({ code: "engine_closed" }));
  });
});

function withAppend(stores: Stores, append: Stores["journals"]["append"]): Stores {
  return {
    name: stores.name,
    durability: stores.durability,
    runs: stores.runs,
    documents: stores.documents,
    blobs: stores.blobs,
    ownership: stores.ownership,
    snapshots: stores.snapshots,
    operators: stores.operators,
    schedules: stores.schedules,
    children: stores.children,
    journals: { ...stores.journals, append },
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  };
}
