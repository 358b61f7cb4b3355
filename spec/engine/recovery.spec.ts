import { describe, expect, it } from "vitest";
import { type Engine, type RunHandle, readJournal } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { replayRun } from "../../src/kernel/index.ts";
import { bindingOf, call, fanout, hash, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture } from "./engine-fixture.ts";

const effect = bindingOf({ pure: false });
const sleep = bindingOf({ pure: false, waits: "sleep" });
const signal = bindingOf({ pure: false, waits: "wait_signal" });

const launch = (engine: Engine, executable: Parameters<Engine["launch"]>[0]["executable"], ctx: Json = {}): RunHandle =>
  engine.launch({ executable, ctx, context: { work_dir: "/w" } });

/** Lets promises settle that need no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("recovery", () => {
  it("goes on where the journal ends: finished steps are not done again, the open one is tried again", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(seq(step("a", lit(1), "$.a"), step("b", path("$.a"), "$.b")), {
      a: effect,
      b: effect,
    });
    const first = launch(fixture.engine, executable);
    await fixture.arrived(1);
    fixture.held[0]?.end();
    await fixture.arrived(2);

    const next = fixture.newEngine("host-2");
    expect(await next.recover()).toEqual({ resumed: 1, putAside: 0 });
    await fixture.arrived(3);
    const again = fixture.held[2]?.call;
    expect(again).toMatchObject({ key: "1", attempt: 2, input: 1, context: { work_dir: "/w" } });
    expect(again?.idempotencyKey).toBe(`${first.runId}/1/2`);
    fixture.held[2]?.end({ kind: "pass", value: "second" });
    await settle();
    expect(await fixture.stores.runs.get(first.runId)).toMatchObject({ status: "done", fence: 2, recoveryAttempts: 0 });

    fixture.held[1]?.end({ kind: "pass", value: "late" });
    await expect(first.result, "the first owner must stop when it finds itself fenced off").rejects.toMatchObject({
      code: "run_lost",
    });
    const completions = (await fixture.journal(first.runId)).filter(({ type }) => type === "step_completed");
    expect(completions.map(({ key, attempt }) => `${key}/${attempt}`)).toEqual(["0/1", "1/2"]);
  });

  it("reads the values of impure externs back also where it begins at a snapshot", async () => {
    const fixture = new EngineFixture();
    let calls = 0;
    const flow = seq(step("a", lit(1), "$.a"), step("b", call("now"), "$.b"));
    const executable = fixture.executable(flow, { a: effect, b: effect }, undefined, { now: () => (calls += 1) });
    const { runId } = launch(fixture.engine, executable);
    await fixture.arrived(1);
    const { entries, position } = await readJournal(fixture.stores, runId, { hash });
    const kernel = replayRun(executable, entries, { hash }).save();
    const text = JSON.stringify({ v: 1, context: {}, kernel });
    await fixture.stores.snapshots.put(runId, { ...position, text });
    fixture.held[0]?.end();
    await fixture.arrived(2);
    await fixture.newEngine("host-2").recover();
    await fixture.arrived(3);
    expect(fixture.held[2]?.call).toMatchObject({ key: "1", attempt: 2, input: 1 });
    expect(calls).toBe(1);
  });

  it("leaves alone what is launched while it looks for the runs of its former life", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(step("a", lit(1), "$.a"), { a: effect });
    await launch(fixture.engine, executable).accepted;
    await fixture.arrived(1);
    const next = fixture.newEngine("host-1");
    const recovery = next.recover();
    const launched = launch(next, executable);
    expect(await recovery).toEqual({ resumed: 1, putAside: 0 });
    await launched.accepted;
    expect(await fixture.stores.runs.get(launched.runId)).toMatchObject({ fence: 1 });
    await fixture.arrived(3);
    for (const { end } of fixture.held.slice(1)) end();
    expect(await launched.result).toMatchObject({ status: "done" });
  });

  it("uses the pinned Blueprint and suspends a run whose Blueprint is missing", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: effect }));
    await fixture.arrived(1);
    const next = fixture.newEngine("host-2", { resolve: () => Promise.reject(new Error("no such document")) });
    expect(await next.recover()).toEqual({ resumed: 0, putAside: 1 });
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({
      status: "suspended",
      error: expect.stringContaining("no such document"),
    });
  });

  it("puts a run aside that is recovered again and again without progress", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: effect }));
    await run.accepted;
    for (let host = 2; host <= 4; host += 1) {
      expect(await fixture.newEngine(`host-${host}`, { maxRecoveries: 3 }).recover()).toEqual({
        resumed: 1,
        putAside: 0,
      });
    }
    expect(await fixture.newEngine("host-5", { maxRecoveries: 3 }).recover()).toEqual({ resumed: 0, putAside: 1 });
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "dead_letter" });
  });

  it("finishes a cancel that the crash interrupted, without asking a worker", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: effect }));
    await fixture.arrived(1);
    void run.cancel({ reason: "enough", by: "test" }).catch(() => {});
    await settle();
    await fixture.newEngine("host-2").recover();
    await settle();
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "cancelled" });
    expect(fixture.held).toHaveLength(1);
  });

  it("keeps the recorded winner of a race", async () => {
    const fixture = new EngineFixture();
    const flow = seq(
      fanout("race", lit([1, 2, 3]), step("a", path("$.item"), "$.r"), "$.won"),
      step("a", lit(0), "$.last"),
    );
    const run = launch(fixture.engine, fixture.executable(flow, { a: effect }));
    await fixture.arrived(3);
    fixture.held[1]?.end();
    await fixture.arrived(4);
    const next = fixture.newEngine("host-2");
    await next.recover();
    await fixture.arrived(5);
    fixture.held[4]?.end();
    await settle();
    expect(
      JSON.parse((await fixture.journal(run.runId)).map((entry) => JSON.stringify(entry)).at(-1) ?? ""),
    ).toMatchObject({
      type: "run_finished",
      value: { inline: { won: { item: 2, r: 2 }, last: 0 } },
    });
  });
});

describe("a run that only waits", () => {
  it("leaves memory, and comes back when its time has come", async () => {
    const fixture = new EngineFixture();
    const flow = seq(step("sleep", lit(60_000), "$.s"), step("a", lit(1), "$.a"));
    const run = launch(fixture.engine, fixture.executable(flow, { sleep, a: bindingOf() }));
    await run.accepted;
    fixture.clock.advance(1_000);
    await settle();
    expect(fixture.engine.live).toBe(0);
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "waiting", wakeAt: expect.any(Number) });
    fixture.clock.advance(59_000);
    await settle();
    fixture.clock.advance(0);
    await fixture.arrived(1);
    expect(fixture.engine.live).toBe(1);
    fixture.held[0]?.end();
    expect(await run.result).toMatchObject({ status: "done" });
  });

  it("stays in memory while a worker is busy, however long that takes", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("a", lit(1), "$.a"), { a: effect }));
    await fixture.arrived(1);
    fixture.clock.advance(3_600_000);
    await settle();
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "running" });
    fixture.held[0]?.end();
    expect(await run.result).toMatchObject({ status: "done" });
  });

  it("can be called back any number of times by signals it keeps for later", async () => {
    const fixture = new EngineFixture();
    const flow = step("wait_signal", lit("go"), "$.a");
    const run = launch(fixture.engine, fixture.executable(flow, { wait_signal: signal }));
    await run.accepted;
    for (let sent = 0; sent < 8; sent += 1) {
      fixture.clock.advance(1_000);
      await settle();
      expect(fixture.engine.live).toBe(0);
      await fixture.engine.signal(run.runId, { name: "other", id: `${sent}`, value: sent });
    }
    await fixture.engine.signal(run.runId, { name: "go", id: "last", value: "x" });
    expect(await run.result).toEqual({ status: "done", ctx: { a: "x" } });
  });

  it("does not acknowledge a signal that comes when its end is decided", async () => {
    const fixture = new EngineFixture();
    const flow = step("wait_signal", lit("go"), "$.a");
    const run = launch(fixture.engine, fixture.executable(flow, { wait_signal: signal }));
    await run.accepted;
    const sent = ["1", "2"].map((id) => fixture.engine.signal(run.runId, { name: "go", id, value: id }));
    await sent[0];
    await expect(sent[1]).rejects.toMatchObject({ code: "run_ended" });
    expect(await run.result).toEqual({ status: "done", ctx: { a: "1" } });
  });

  it("is woken by a host that was started meanwhile", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(step("sleep", lit(60_000), "$.s"), { sleep }));
    await run.accepted;
    fixture.clock.advance(1_000);
    await settle();
    await fixture.engine[Symbol.asyncDispose]();
    const next = fixture.newEngine("host-2");
    expect(await next.recover(), "a waiting run is not loaded at start").toEqual({ resumed: 0, putAside: 0 });
    fixture.clock.advance(60_000);
    await settle();
    fixture.clock.advance(0);
    await settle();
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "done" });
  });

  it("is woken by a signal, takes it once, and answers the sender after it is durable", async () => {
    const fixture = new EngineFixture();
    const flow = seq(step("wait_signal", lit("go"), "$.a"), step("wait_signal", lit("go"), "$.b"));
    const run = launch(fixture.engine, fixture.executable(flow, { wait_signal: signal }));
    await run.accepted;
    fixture.clock.advance(1_000);
    await settle();
    expect(fixture.engine.live).toBe(0);
    await fixture.engine.signal(run.runId, { name: "go", id: "1", value: "x" });
    await fixture.engine.signal(run.runId, { name: "go", id: "1", value: "x" });
    expect((await fixture.journal(run.runId)).filter(({ type }) => type === "signal_received")).toHaveLength(1);
    await fixture.engine.signal(run.runId, { name: "go", id: "2", value: "y" });
    expect(await run.result).toEqual({ status: "done", ctx: { a: "x", b: "y" } });
  });

  it("is cancelled without being woken first", async () => {
    const fixture = new EngineFixture();
    const run = launch(
      fixture.engine,
      fixture.executable(step("wait_signal", lit("go"), "$.a"), { wait_signal: signal }),
    );
    await run.accepted;
    fixture.clock.advance(1_000);
    await settle();
    await run.cancel({ reason: "enough", by: "test" });
    expect(await run.result).toMatchObject({ status: "cancelled" });
    await expect(fixture.engine.signal(run.runId, { name: "go", id: "1", value: 1 })).rejects.toMatchObject({
      code: "run_ended",
    });
  });
});

describe("pause", () => {
  it("starts nothing more, lets what runs finish, survives a restart, and goes on when told", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(seq(step("a", lit(1), "$.a"), step("b", lit(2), "$.b")), {
      a: effect,
      b: effect,
    });
    const run = launch(fixture.engine, executable);
    await fixture.arrived(1);
    await fixture.engine.pause(run.runId, { reason: "lunch" });
    fixture.held[0]?.end();
    await settle();
    expect(fixture.held).toHaveLength(1);
    fixture.clock.advance(1_000);
    await settle();
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "paused" });
    const next = fixture.newEngine("host-2");
    expect(await next.recover()).toEqual({ resumed: 0, putAside: 0 });
    await next.resume(run.runId, { reason: "back" });
    await fixture.arrived(2);
    expect(fixture.held[1]?.call).toMatchObject({ key: "1", attempt: 1 });
    fixture.held[1]?.end();
    await settle();
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "done" });
  });
});

describe("unknown and ended runs", () => {
  it("answers clearly", async () => {
    const fixture = new EngineFixture();
    const run = launch(fixture.engine, fixture.executable(seq()));
    await run.result;
    for (const call of [
      () => fixture.engine.cancel(run.runId, { reason: "x", by: "y" }),
      () => fixture.engine.pause(run.runId, { reason: "x" }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "run_ended" });
    }
    await expect(fixture.engine.resume("R-none", { reason: "x" })).rejects.toMatchObject({ code: "run_unknown" });
  });
});
