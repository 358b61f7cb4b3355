/** Two things at once, each by hand: named after what would go wrong. Drawn ones are in spec/simulation. */
import { describe, expect, it } from "vitest";
import type { Engine, RunHandle } from "../../src/engine/index.ts";
import type { Stores } from "../../stores/ports.ts";
import { EngineFixture } from "../engine/engine-fixture.ts";
import { bindingOf, lit, seq, step } from "../kernel/scripted-run.ts";

const retry = { maxAttempts: 3, backoffMs: 100, backoffFactor: 1, maxBackoffMs: 100, jitter: 0, nonRetryable: [] };
const effect = bindingOf({ pure: false, retry });
const bindings = {
  a: effect,
  sleep: bindingOf({ pure: false, waits: "sleep" }),
  wait_signal: bindingOf({ pure: false, waits: "wait_signal" }),
};
const settle = () => new Promise((resolve) => setImmediate(resolve));
const boom = { kind: "error", error: { code: "boom", message: "boom", retryable: true } } as const;
const waitForGo = step("wait_signal", lit("go"), "$.d");

/** Store calls that wait at a gate while it is closed. */
class Gate {
  #open = Promise.withResolvers<void>();
  #isClosed = false;

  close(): void {
    this.#isClosed = true;
    this.#open = Promise.withResolvers<void>();
  }

  open(): void {
    this.#isClosed = false;
    this.#open.resolve();
  }

  async pass(): Promise<void> {
    if (this.#isClosed) await this.#open.promise;
  }
}

function gated() {
  const gates = { append: new Gate(), read: new Gate(), claim: new Gate() };
  const fixture = new EngineFixture((stores: Stores) => ({
    ...stores,
    journals: {
      ...stores.journals,
      append: async (batch) => {
        await gates.append.pass();
        return stores.journals.append(batch);
      },
      read: async (...args) => {
        await gates.read.pass();
        return stores.journals.read(...args);
      },
    },
    ownership: {
      ...stores.ownership,
      claim: async (order) => {
        await gates.claim.pass();
        return stores.ownership.claim(order);
      },
    },
  }));
  return { fixture, gates };
}

function launch(fixture: EngineFixture, flow: unknown): RunHandle {
  return fixture.engine.launch({ executable: fixture.executable(flow, bindings), ctx: {}, context: {} });
}

/** A run that waits for the signal `go` and has left memory. */
async function parked(fixture: EngineFixture, flow: unknown): Promise<RunHandle> {
  const run = launch(fixture, flow);
  await run.accepted;
  fixture.clock.advance(1_000);
  await settle();
  expect(fixture.engine.live).toBe(0);
  return run;
}

const go = (engine: Engine, { runId }: RunHandle, id = "1") => engine.signal(runId, { name: "go", id, value: id });

describe("at the same time", () => {
  it("a cancel that comes while the run is revived is carried out, and nothing is asked of a worker", async () => {
    const { fixture, gates } = gated();
    const run = launch(fixture, step("a", lit(1), "$.a"));
    await fixture.arrived(1);
    gates.read.close();
    const next = fixture.newEngine("host-2");
    const recovered = next.recover();
    await settle();
    const cancelled = next.cancel(run.runId, { reason: "enough", by: "test" });
    gates.read.open();
    await recovered;
    for (const { end } of fixture.held.slice(1)) end({ kind: "cancelled" });
    await cancelled;
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "cancelled" });
  });

  it("a signal that comes while the run leaves memory is not lost", async () => {
    const { fixture, gates } = gated();
    const run = launch(fixture, waitForGo);
    await run.accepted;
    gates.append.close();
    fixture.clock.advance(1_000);
    const sent = go(fixture.engine, run);
    await settle();
    gates.append.open();
    await sent;
    expect(await run.result).toEqual({ status: "done", ctx: { d: "1" } });
  });

  it("a run that is due while it leaves memory is woken once", async () => {
    const { fixture, gates } = gated();
    const run = launch(fixture, step("sleep", lit(5_000), "$.s"));
    await run.accepted;
    gates.append.close();
    fixture.clock.advance(1_000);
    fixture.clock.advance(60_000);
    gates.append.open();
    await settle();
    fixture.clock.advance(0);
    await settle();
    fixture.clock.advance(0);
    expect(await run.result).toMatchObject({ status: "done" });
    const types = (await fixture.journal(run.runId)).map(({ type }) => type);
    expect(types.filter((type) => type === "timer_fired")).toHaveLength(1);
  });

  it("two callers that need the same parked run revive it once", async () => {
    const { fixture, gates } = gated();
    const run = await parked(fixture, seq(waitForGo, waitForGo));
    gates.claim.close();
    const sent = [go(fixture.engine, run, "1"), go(fixture.engine, run, "2")];
    await settle();
    gates.claim.open();
    await Promise.all(sent);
    expect((await run.result).status).toBe("done");
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ fence: 2 });
  });

  it("a caller that needs a run which recovery is about to claim does not fence recovery off", async () => {
    const { fixture, gates } = gated();
    const run = launch(fixture, seq(step("a", lit(1), "$.a"), waitForGo));
    await fixture.arrived(1);
    const next = fixture.newEngine("host-2");
    gates.claim.close();
    const recovered = next.recover();
    const sent = go(next, run);
    await settle();
    gates.claim.open();
    await Promise.all([recovered, sent]);
    await fixture.arrived(2);
    fixture.held[1]?.end();
    await settle();
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "done", fence: 2 });
  });

  it("a host that closes while it recovers leaves the run for the next one", async () => {
    const { fixture, gates } = gated();
    const run = launch(fixture, step("a", lit(1), "$.a"));
    await fixture.arrived(1);
    gates.read.close();
    const second = fixture.newEngine("host-2");
    const recovered = second.recover();
    await settle();
    const closed = second[Symbol.asyncDispose]();
    gates.read.open();
    await recovered.catch((error: unknown) => expect(error).toMatchObject({ code: "engine_closed" }));
    await settle();
    for (const { end } of fixture.held) end({ kind: "cancelled" });
    await closed;
    const third = fixture.newEngine("host-3");
    expect(await third.recover()).toMatchObject({ resumed: 1 });
    const before = fixture.held.length;
    await fixture.arrived(before + (third.live > 0 ? 0 : 1));
    await settle();
    fixture.held.at(-1)?.end();
    await settle();
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "done", owner: "host-3" });
  });

  it("a retry that is due when the run is cancelled does not start", async () => {
    const { fixture } = gated();
    const run = launch(fixture, step("a", lit(1), "$.a"));
    await fixture.arrived(1);
    fixture.held[0]?.end(boom);
    await settle();
    const cancelled = run.cancel({ reason: "enough", by: "test" });
    fixture.clock.advance(100);
    await cancelled;
    fixture.clock.advance(10_000);
    await settle();
    expect(fixture.held).toHaveLength(1);
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "cancelled" });
  });

  it("a worker that answers after another host took the run over changes nothing", async () => {
    const { fixture } = gated();
    const run = launch(fixture, step("a", lit(1), "$.a"));
    await fixture.arrived(1);
    const next = fixture.newEngine("host-2");
    await next.recover();
    await fixture.arrived(2);
    fixture.held[0]?.end({ kind: "pass", value: "late" });
    await settle();
    fixture.held[1]?.end({ kind: "pass", value: "new" });
    await settle();
    await expect(run.result).rejects.toMatchObject({ code: "run_lost" });
    const completions = (await fixture.journal(run.runId)).filter(({ type }) => type === "step_completed");
    expect(completions).toMatchObject([{ attempt: 2, fence: 2, value: { inline: "new" } }]);
  });

  it("a pause outlives the signal that calls its run back", async () => {
    const { fixture } = gated();
    const run = launch(fixture, seq(waitForGo, step("a", lit(1), "$.a")));
    await run.accepted;
    await fixture.engine.pause(run.runId, { reason: "lunch" });
    fixture.clock.advance(1_000);
    await settle();
    expect(fixture.engine.live).toBe(0);
    await go(fixture.engine, run);
    await settle();
    expect(fixture.held, "nothing may start while the run is paused").toHaveLength(0);
    fixture.clock.advance(1_000);
    await settle();
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "paused" });
    await fixture.engine.resume(run.runId, { reason: "back" });
    await fixture.arrived(1);
    fixture.held[0]?.end();
    expect(await run.result).toMatchObject({ status: "done" });
  });
});
