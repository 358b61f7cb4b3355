/** Runs whose host no longer does what their journals record. */
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import type { AgentBinding, DivergencePolicy } from "../../src/kernel/index.ts";
import { bindingOf, fanout, hash, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture } from "./engine-fixture.ts";

const effect = bindingOf({ pure: false });
const changed = bindingOf({ pure: false, digest: hash("changed") });

/** Waits until something holds that needs no timer. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("it never comes about");
}

const chain = seq(
  step("a", lit(1), "$.a"),
  step("b", path("$.a"), "$.b"),
  step("c", lit(7), "$.c"),
  step("d", path("$.b"), "$.d"),
);

/** A run that passed `answers.length` steps on one host; the next host has other bindings. */
async function moved(
  flow: Json,
  answers: readonly Json[],
  before: Record<string, AgentBinding>,
  after: Record<string, AgentBinding>,
) {
  const fixture = new EngineFixture();
  const run = fixture.engine.launch({ executable: fixture.executable(flow, before), ctx: {}, context: {} });
  for (const [index, value] of answers.entries()) {
    await fixture.arrived(index + 1);
    fixture.held[index]?.end({ kind: "pass", value });
  }
  await fixture.arrived(answers.length + 1);
  const executable = fixture.executable(flow, after);
  let hosts = 1;
  const host = () => {
    hosts += 1;
    return fixture.newEngine(`host-${hosts}`, { resolve: async () => executable });
  };
  const resume = (divergence?: DivergencePolicy) => {
    const engine = host();
    return engine.resume(run.runId, { reason: "mended", ...(divergence === undefined ? {} : { divergence }) });
  };
  const row = () => fixture.stores.runs.get(run.runId);
  const asked = () => fixture.held.map(({ call }) => `${call.agent}/${call.attempt}`);
  const done = async () => until(async () => (await row())?.status === "done");
  const entries = async () => fixture.journal(run.runId);
  return { fixture, run, host, resume, row, asked, done, entries };
}

const all = (binding: AgentBinding) => ({ a: binding, b: binding, c: binding, d: binding });

describe("a run whose agent is bound differently by now", () => {
  const world = () => moved(chain, ["A", "B", "C"], all(effect), { ...all(effect), b: changed });

  it("is suspended with a report that names the step, the digest that differs and both sides", async () => {
    const { host, row, run, resume, entries } = await world();
    const before = await entries();
    expect(await host().recover()).toEqual({ resumed: 0, putAside: 1 });
    expect(await row()).toMatchObject({ status: "suspended", error: expect.stringContaining("step 1 of agent 'b'") });
    await expect(resume()).rejects.toMatchObject({
      code: "run_stuck",
      details: {
        runId: run.runId,
        key: "1",
        agent: "b",
        digest: "binding",
        recorded: effect.digest,
        expected: changed.digest,
      },
    });
    await expect(resume("strict")).rejects.toMatchObject({ code: "run_stuck" });
    expect(await entries()).toEqual(before);
  });

  it("keeps what is recorded under `reuse`, and goes on so after the next crash too", async () => {
    const { fixture, host, resume, asked, done, row, entries } = await world();
    await resume("reuse");
    await fixture.arrived(5);
    expect(asked()).toEqual(["a/1", "b/1", "c/1", "d/1", "d/2"]);
    expect((await entries()).at(-3)).toMatchObject({ type: "run_resumed", reason: "mended", divergence: "reuse" });
    expect(await host().recover()).toEqual({ resumed: 1, putAside: 0 });
    await fixture.arrived(6);
    fixture.held[5]?.end();
    await done();
    expect((await entries()).at(-1)).toMatchObject({ value: { inline: { a: "A", b: "B", c: "C", d: "B" } } });
    expect(await row()).toMatchObject({ status: "done" });
  });

  it("executes again under `rerun` what changed and what depends on it, and nothing else", async () => {
    const { fixture, host, resume, asked, done, entries, run } = await world();
    await resume("rerun");
    await fixture.arrived(5);
    expect(asked().at(-1), "a is taken over, b gets an attempt it never had").toBe("b/2");
    expect(fixture.held[4]?.call.input).toBe("A");
    fixture.held[4]?.end({ kind: "pass", value: "B2" });
    await fixture.arrived(6);
    expect(asked().at(-1), "c does not depend on b").toBe("d/2");
    expect(await host().recover(), "a crash in the middle of it").toEqual({ resumed: 1, putAside: 0 });
    await fixture.arrived(7);
    expect(asked().at(-1)).toBe("d/3");
    expect(fixture.held[6]?.call.input).toBe("B2");
    fixture.held[6]?.end({ kind: "pass", value: "D" });
    await done();
    const journal = await entries();
    expect(journal.at(-1)).toMatchObject({ value: { inline: { a: "A", b: "B2", c: "C", d: "D" } } });
    const taken = journal.filter((entry) => entry["reused_from"] !== undefined);
    expect(taken.map(({ key, reused_from }) => [key, (reused_from as { run: string }).run])).toEqual([
      ["0", run.runId],
      ["2", run.runId],
    ]);
    expect(new Set(fixture.held.map(({ call }) => call.idempotencyKey)).size).toBe(fixture.held.length);
  });

  it("can be rerun twice, each time from what the time before left", async () => {
    const { fixture, resume, asked, run, done, entries } = await world();
    await resume("rerun");
    await fixture.arrived(5);
    fixture.held[4]?.end({ kind: "pass", value: "B2" });
    await fixture.arrived(6);
    const again = fixture.executable(chain, { ...all(effect), a: changed, b: changed });
    const engine = fixture.newEngine("host-9", { resolve: async () => again });
    await engine.resume(run.runId, { reason: "once more", divergence: "rerun" });
    await fixture.arrived(7);
    expect(asked().at(-1), "its second number stands for having been taken over").toBe("a/3");
    fixture.held[6]?.end({ kind: "pass", value: "A" });
    await fixture.arrived(8);
    expect(asked().at(-1), "b has the same input and the binding it was last done with").toBe("d/3");
    fixture.held[7]?.end();
    await done();
    expect((await entries()).at(-1)).toMatchObject({ value: { inline: { a: "A", b: "B2", c: "C", d: "B2" } } });
  });

  it("needs no policy where nothing diverges, and journals none", async () => {
    const { fixture, resume, entries } = await moved(chain, ["A"], all(effect), all(effect));
    await resume("rerun");
    await fixture.arrived(3);
    const resumed = (await entries()).filter(({ type }) => type === "run_resumed");
    expect(resumed).toEqual([expect.not.objectContaining({ divergence: expect.anything() })]);
  });

  it("only ends where it was to be cancelled", async () => {
    const { fixture, run, resume, row, asked } = await world();
    void run.cancel({ reason: "enough", by: "test" }).catch(() => {});
    await until(async () => (await fixture.journal(run.runId)).at(-1)?.type === "cancel_requested");
    await resume("rerun").catch(() => {});
    await until(async () => (await row())?.status === "cancelled");
    expect(asked()).toHaveLength(4);
  });
});

describe("a rerun", () => {
  const signal = bindingOf({ pure: false, waits: "wait_signal" });

  it("takes no signal twice and loses none that nobody has taken", async () => {
    const flow = seq(
      step("wait_signal", lit("go"), "$.x"),
      step("a", path("$.x"), "$.a"),
      step("b", lit(2), "$.b"),
      step("wait_signal", lit("later"), "$.y"),
    );
    const bindings = { wait_signal: signal, a: effect, b: effect };
    const fixture = new EngineFixture();
    const run = fixture.engine.launch({ executable: fixture.executable(flow, bindings), ctx: {}, context: {} });
    await run.accepted;
    await fixture.engine.signal(run.runId, { name: "go", id: "1", value: "one" });
    await fixture.engine.signal(run.runId, { name: "later", id: "2", value: "two" });
    await fixture.arrived(1);
    fixture.held[0]?.end({ kind: "pass", value: "A" });
    await fixture.arrived(2);
    const executable = fixture.executable(flow, { ...bindings, a: changed });
    const next = fixture.newEngine("host-2", { resolve: async () => executable });
    await next.resume(run.runId, { reason: "mended", divergence: "rerun" });
    await fixture.arrived(3);
    expect(fixture.held[2]?.call).toMatchObject({ agent: "a", input: "one", attempt: 2 });
    await next.signal(run.runId, { name: "later", id: "2", value: "again" });
    fixture.held[2]?.end({ kind: "pass", value: "A2" });
    await fixture.arrived(4);
    fixture.held[3]?.end({ kind: "pass", value: "B" });
    await until(async () => (await fixture.stores.runs.get(run.runId))?.status === "done");
    expect((await fixture.journal(run.runId)).at(-1)).toMatchObject({
      value: { inline: { x: "one", a: "A2", b: "B", y: "two" } },
    });
  });

  it("goes another way where the flow does, and keeps what both ways share", async () => {
    const flow = (items: Json) =>
      seq(step("a", lit(1), "$.a"), fanout("all", lit(items), step("b", path("$.item"), "$.r"), "$.all"));
    const fixture = new EngineFixture();
    const old = fixture.executable(flow([1]), { a: effect, b: effect });
    const run = fixture.engine.launch({ executable: old, ctx: {}, context: {} });
    await fixture.arrived(1);
    fixture.held[0]?.end();
    await fixture.arrived(2);
    const other = fixture.executable(flow([1, 2]), { a: effect, b: effect });
    const next = fixture.newEngine("host-2", { resolve: async () => other });
    const kept = next.resume(run.runId, { reason: "x", divergence: "reuse" });
    await expect(kept, "no record of this way can be kept").rejects.toMatchObject({ code: "run_stuck" });
    await next.resume(run.runId, { reason: "x", divergence: "rerun" });
    await fixture.arrived(4);
    expect(fixture.held.slice(2).map(({ call }) => call.idempotencyKey.split("/").slice(1).join("/"))).toEqual([
      "1.@0/2",
      "1.@1/1",
    ]);
  });
});
