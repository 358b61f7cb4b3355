import { describe, expect, it, vi } from "vitest";
import type { Executable, RunHandle } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { bindingOf, call, fanout, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture } from "./engine-fixture.ts";

const effect = bindingOf({ pure: false });
const flow = seq(step("a", lit(1), "$.a"), step("b", path("$.a"), "$.b"), step("c", path("$.b"), "$.c"));
const abc = { a: effect, b: effect, c: effect };

const launch = (fixture: EngineFixture, executable: Executable, ctx: Json = {}): RunHandle =>
  fixture.engine.launch({ executable, ctx, context: { work_dir: "/w" } });

/** Lets promises settle that need no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Ends the next attempts, in the order of their arrival. */
const end = async (fixture: EngineFixture, ...values: readonly (Json | "blocked")[]): Promise<void> => {
  for (const value of values) {
    const index = ended.get(fixture) ?? 0;
    ended.set(fixture, index + 1);
    await fixture.arrived(index + 1);
    fixture.held[index]?.end({ kind: value === "blocked" ? "blocked" : "pass", value });
  }
};
const ended = new WeakMap<EngineFixture, number>();

/** A run of `flow` whose last step did not pass. */
const failed = async (fixture: EngineFixture, executable = fixture.executable(flow, abc)) => {
  const run = launch(fixture, executable, { given: true });
  await end(fixture, "A", "B", "blocked");
  expect((await run.result).status).toBe("failed");
  return { run, executable };
};

/** What a run executed itself, in order, of all that was dispatched. */
const executed = (fixture: EngineFixture, runId: string): string[] =>
  fixture.held.filter(({ call: { runId: of } }) => of === runId).map(({ call: { key } }) => key);

describe("fork", () => {
  it("executes again only what failed, and leaves the original as it is", async () => {
    const fixture = new EngineFixture();
    const { run, executable } = await failed(fixture);
    const before = await fixture.journal(run.runId);
    const fork = await fixture.engine.fork({ runId: run.runId, executable });
    await fixture.arrived(4);
    expect(fixture.held[3]?.call).toMatchObject({
      runId: fork.runId,
      key: "2",
      input: "B",
      context: { work_dir: "/w" },
    });
    await end(fixture, "C");
    expect(await fork.result).toEqual({ status: "done", ctx: { given: true, a: "A", b: "B", c: "C" } });
    expect(executed(fixture, fork.runId)).toEqual(["2"]);
    expect(await fixture.journal(run.runId)).toEqual(before);
    expect((await fixture.journal(fork.runId))[0]).toMatchObject({
      forked_from: { run: run.runId, key: "failed", entries: before.length },
    });
    expect(await fixture.stores.runs.get(fork.runId)).toMatchObject({ forkedFrom: run.runId });
  });

  it("executes from a step key what depends on a changed value, and no more", async () => {
    const fixture = new EngineFixture();
    const { run, executable } = await failed(fixture);
    const fork = await fixture.engine.fork({ runId: run.runId, executable, from: "1" });
    await end(fixture, "B");
    await expect(fork.result, "the same value again: the recorded end of c stands").resolves.toMatchObject({
      status: "failed",
    });
    expect(executed(fixture, fork.runId)).toEqual(["1"]);
    const other = await fixture.engine.fork({ runId: run.runId, executable, from: "1" });
    await end(fixture, "B2", "C");
    expect(await other.result).toEqual({ status: "done", ctx: { given: true, a: "A", b: "B2", c: "C" } });
    expect(executed(fixture, other.runId)).toEqual(["1", "2"]);
  });

  it("takes one turn of a loop, and keeps the turns around it", async () => {
    const fixture = new EngineFixture();
    const body = step("a", lit("same"), "$.y");
    const loop = { kind: "loop", counter: path("$.n"), cond: lit(true), max: 3, body };
    const executable = fixture.executable(loop, abc);
    const run = launch(fixture, executable);
    await end(fixture, "one", "two", "three");
    expect(await run.result).toMatchObject({ ctx: { y: "three" } });
    const [, second = ""] = executed(fixture, run.runId);
    const fork = await fixture.engine.fork({ runId: run.runId, executable, from: second });
    await end(fixture, "again");
    expect(await fork.result).toMatchObject({ ctx: { y: "three" } });
    expect(executed(fixture, fork.runId)).toEqual([second]);
    expect(executed(fixture, run.runId)).toHaveLength(3);
  });

  it("takes one lane, with all below it, and keeps the others", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(
      fanout("all", lit([1, 2]), seq(step("a", path("$.item"), "$.y")), "$.out"),
      abc,
    );
    const run = launch(fixture, executable);
    await end(fixture, "one", "two");
    expect((await run.result).status).toBe("done");
    const [first] = executed(fixture, run.runId);
    const lane = first?.slice(0, (first?.indexOf("@0") ?? 0) + 2) ?? "";
    const fork = await fixture.engine.fork({ runId: run.runId, executable, from: lane });
    await end(fixture, "new");
    expect((await fork.result).status).toBe("done");
    expect(executed(fixture, fork.runId)).toEqual([first]);
  });

  it("takes an agent whose binding changed as changed, and what follows from its value", async () => {
    const fixture = new EngineFixture();
    const { run } = await failed(fixture);
    const changed = fixture.executable(flow, { ...abc, b: bindingOf({ pure: false, digest: "other" }) });
    const fork = await fixture.engine.fork({ runId: run.runId, executable: changed });
    await end(fixture, "B2", "C");
    expect((await fork.result).ctx).toEqual({ given: true, a: "A", b: "B2", c: "C" });
    expect(executed(fixture, fork.runId)).toEqual(["1", "2"]);
  });

  it("takes over large values", async () => {
    const fixture = new EngineFixture();
    const large = "x".repeat(40_000);
    const executable = fixture.executable(flow, abc);
    const run = launch(fixture, executable);
    await end(fixture, "A", large, "blocked");
    await run.result;
    const fork = await fixture.engine.fork({ runId: run.runId, executable });
    await end(fixture, "C");
    expect((await fork.result).ctx).toEqual({ a: "A", b: large, c: "C" });
  });

  it("starts with a changed ctx where it is told to, and executes what reads the change", async () => {
    const fixture = new EngineFixture();
    const reading = seq(step("a", path("$.in"), "$.a"), step("b", lit(0), "$.b"));
    const executable = fixture.executable(reading, abc);
    const run = launch(fixture, executable, { in: 1 });
    await end(fixture, "A", "B");
    await run.result;
    const fork = await fixture.engine.fork({
      runId: run.runId,
      executable,
      ctx: (initial) => ({ ...(initial as object), in: 2 }),
    });
    await end(fixture, "A2");
    expect((await fork.result).ctx).toEqual({ in: 2, a: "A2", b: "B" });
    expect(executed(fixture, fork.runId)).toEqual(["0"]);
  });

  it("goes on after a restart as it began: what is to be executed again is not taken over after all", async () => {
    const fixture = new EngineFixture();
    const { run, executable } = await failed(fixture);
    const fork = await fixture.engine.fork({ runId: run.runId, executable, from: "0" });
    await fixture.arrived(4);
    const next = fixture.newEngine("host-2");
    expect(await next.recover()).toEqual({ resumed: 1, putAside: 0 });
    await fixture.arrived(5);
    expect(fixture.held[4]?.call).toMatchObject({ runId: fork.runId, key: "0", attempt: 2 });
    fixture.held[4]?.end({ kind: "pass", value: "A" });
    await settle();
    expect(await fixture.stores.runs.get(fork.runId)).toMatchObject({ status: "failed" });
    expect(fixture.held).toHaveLength(5);
  });

  it("takes over of a run that still goes on what it had done by then, also after a restart", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(flow, abc);
    const run = launch(fixture, executable);
    await end(fixture, "A");
    await fixture.arrived(2);
    const fork = await fixture.engine.fork({ runId: run.runId, executable, from: "1" });
    await fixture.arrived(3);
    expect(executed(fixture, fork.runId)).toEqual(["1"]);
    fixture.held[1]?.end({ kind: "pass", value: "B" });
    await fixture.arrived(4);
    fixture.held[3]?.end({ kind: "pass", value: "C" });
    expect((await run.result).status).toBe("done");

    const next = fixture.newEngine("host-2");
    expect(await next.recover()).toEqual({ resumed: 1, putAside: 0 });
    await fixture.arrived(5);
    expect(fixture.held[4]?.call).toMatchObject({ runId: fork.runId, key: "1", attempt: 2 });
    fixture.held[4]?.end({ kind: "pass", value: "B" });
    await fixture.arrived(6);
    expect(fixture.held[5]?.call, "the source did this after the fork").toMatchObject({ runId: fork.runId, key: "2" });
  });

  it("takes over the values that impure externs gave, except where it executes again or the flow is another", async () => {
    const fixture = new EngineFixture();
    let tick = 0;
    const now = { now: () => (tick += 1) };
    const timed = (c: Json) =>
      seq(step("a", call("now"), "$.a"), step("b", call("now"), "$.b"), step("c", lit(c), "$.c"));
    const executable = fixture.executable(timed(0), abc, undefined, now);
    const run = launch(fixture, executable);
    await end(fixture, "A", "B", "blocked");
    await run.result;
    expect(tick).toBe(2);
    const fork = await fixture.engine.fork({ runId: run.runId, executable });
    await end(fixture, "C");
    expect((await fork.result).ctx).toEqual({ a: "A", b: "B", c: "C" });
    expect(executed(fixture, fork.runId)).toEqual(["2"]);
    const externs = (await fixture.journal(fork.runId)).filter(({ type }) => type === "extern_value");
    expect(externs.map(({ value }) => value)).toEqual([{ inline: 1 }, { inline: 2 }]);

    const again = await fixture.engine.fork({ runId: run.runId, executable, from: "1" });
    await end(fixture, "B2");
    await again.result;
    expect(fixture.held.at(-1)?.call).toMatchObject({ key: "1", input: 3 });

    const changed = fixture.executable(timed(1), abc, undefined, now);
    const anew = await fixture.engine.fork({ runId: run.runId, executable: changed });
    await end(fixture, "A", "B", "C");
    expect((await anew.result).status).toBe("done");
    expect(executed(fixture, anew.runId)).toEqual(["0", "1", "2"]);
  });

  it("takes over what it still can where the source is not there", async () => {
    const fixture = new EngineFixture();
    const { run, executable } = await failed(fixture);
    const fork = await fixture.engine.fork({ runId: run.runId, executable });
    await fixture.arrived(4);
    await expect(fixture.stores.runs.remove([run.runId])).rejects.toMatchObject({ code: "run_live" });
    const { read } = fixture.stores.journals;
    vi.spyOn(fixture.stores.journals, "read").mockImplementation(async (runId, ...rest) =>
      runId === run.runId ? [] : read(runId, ...rest),
    );
    const next = fixture.newEngine("host-2");
    expect(await next.recover()).toEqual({ resumed: 1, putAside: 0 });
    await fixture.arrived(5);
    fixture.held[4]?.end({ kind: "pass", value: "C" });
    await settle();
    expect(await fixture.stores.runs.get(fork.runId)).toMatchObject({ status: "done" });
    expect(executed(fixture, fork.runId)).toEqual(["2", "2"]);
  });

  it("forks a fork: what that one took over is taken over again", async () => {
    const fixture = new EngineFixture();
    const { run, executable } = await failed(fixture);
    const fork = await fixture.engine.fork({ runId: run.runId, executable });
    await end(fixture, "C");
    await fork.result;
    const next = await fixture.engine.fork({ runId: fork.runId, executable, from: "2" });
    await end(fixture, "C2");
    expect((await next.result).ctx).toEqual({ given: true, a: "A", b: "B", c: "C2" });
    expect(executed(fixture, next.runId)).toEqual(["2"]);
  });

  it("runs again from the start with the same ctx and context, and takes over nothing", async () => {
    const fixture = new EngineFixture();
    const { run, executable } = await failed(fixture);
    const rerun = await fixture.engine.fork({ runId: run.runId, executable, from: "start" });
    await end(fixture, "A2", "B2", "C2");
    expect(await rerun.result).toEqual({ status: "done", ctx: { given: true, a: "A2", b: "B2", c: "C2" } });
    expect(executed(fixture, rerun.runId)).toEqual(["0", "1", "2"]);
    expect(fixture.held.at(-1)?.call.context).toEqual({ work_dir: "/w" });
    expect((await fixture.journal(rerun.runId))[0]).toMatchObject({ forked_from: { run: run.runId, key: "start" } });
  });

  it("refuses an unknown run, a key that never ran, and to do what a run may still do itself", async () => {
    const fixture = new EngineFixture();
    const { run, executable } = await failed(fixture);
    const fork = (runId: string, from?: string) =>
      fixture.engine.fork({ runId, executable, ...(from === undefined ? {} : { from }) });
    await expect(fork("R-none")).rejects.toMatchObject({ code: "run_unknown" });
    for (const from of ["9", "1.0", "", "Failed"])
      await expect(fork(run.runId, from), from).rejects.toMatchObject({ code: "key_unknown" });
    const live = launch(fixture, executable);
    await live.accepted;
    for (const from of [undefined, "failed", "start"])
      await expect(fork(live.runId, from)).rejects.toMatchObject({ code: "fork_live", details: { status: "running" } });
    await expect(fork(live.runId, "2")).rejects.toMatchObject({ code: "key_unknown" });
    expect(await fixture.stores.runs.list({ limit: 10 })).toHaveLength(2);
  });
});
