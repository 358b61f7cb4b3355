/** What is decided at once may be thousands of entries: a fork of a long run, written in parts while it is sealed. */
import { describe, expect, it } from "vitest";
import { type Append, StoreError, type Stores } from "../../stores/ports.ts";
import { bindingOf, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture } from "./engine-fixture.ts";

const LONG = 5_000;
const flow = seq(
  {
    kind: "loop",
    counter: path("$.n"),
    cond: lit(true),
    body: step("a", path("$.n"), "$.a"),
    max: LONG,
  },
  step("b", path("$.a"), "$.b"),
);
const bindings = { a: bindingOf({ pure: true }), b: bindingOf({ pure: false }) };

/** Keeps what is appended, and refuses the append of this number. */
class WatchedStore {
  appends: Append[] = [];
  refused: number | undefined;
  wrap = (stores: Stores): Stores => ({
    ...stores,
    journals: {
      ...stores.journals,
      append: async (batch) => {
        this.appends.push(...batch);
        if (this.appends.length === this.refused) throw new StoreError("store_full", "no room; make some");
        return stores.journals.append(batch);
      },
    },
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  });
}

async function longRun() {
  const store = new WatchedStore();
  const fixture = new EngineFixture(store.wrap);
  const executable = fixture.executable(flow, bindings, ({ key, input }) =>
    key === "1" ? undefined : { kind: "pass", value: input },
  );
  const source = fixture.engine.launch({ executable, ctx: {}, context: {} });
  await fixture.arrived(1);
  fixture.held[0]?.end();
  await source.result;
  const { appends } = store;
  store.appends = [];
  return { store, fixture, source: source.runId, appends, order: { runId: source.runId, executable, from: "1" } };
}

describe("a fork of thousands of steps", () => {
  it("is written in parts, in order, and all of it before the first effect", async () => {
    const { store, fixture, order } = await longRun();
    const { runId } = await fixture.engine.fork(order);
    await fixture.arrived(2);
    const written = store.appends.filter((append) => append.runId === runId);
    expect(written.length).toBeGreaterThan(2);
    const seqs = written.flatMap(({ rows }) => rows.map(({ seq: at }) => at));
    expect(seqs).toEqual(Array.from({ length: LONG + 3 }, (_, index) => index + 1));
    expect((await fixture.journal(runId)).slice(-2).map(({ type }) => type)).toEqual([
      "step_scheduled",
      "step_started",
    ]);
  });

  it("is not accepted where a part of it could not be written", async () => {
    const { store, fixture, order } = await longRun();
    store.refused = 2;
    const fork = await fixture.engine.fork(order);
    await expect(fork.accepted).rejects.toMatchObject({ code: "journal_write" });
    await expect(fork.result).rejects.toMatchObject({ code: "journal_write" });
    expect(fixture.held, "nothing was executed").toHaveLength(1);
    const { runId } = fork;
    await fixture.engine.putAside(runId);
    expect(await fixture.stores.runs.get(runId)).toMatchObject({ status: "suspended" });
    await fixture.engine.resume(runId, { reason: "there is room" });
    await fixture.arrived(2);
    expect(fixture.held[1]?.call).toMatchObject({ runId, key: "1", attempt: 1 });
  });
});

describe("a run of thousands of steps", () => {
  it("appends as much at its last step as at its first, and no more", async () => {
    const { source, appends } = await longRun();
    const rows = appends.filter(({ runId }) => runId === source).flatMap((append) => append.rows);
    const steps = rows.filter(({ type }) => type === "step_completed").slice(0, LONG);
    expect(rows.length, "a row a step, the run's start and end, and those of the effect").toBe(LONG + 5);
    const size = (text: string | undefined): number => (text ?? "").replaceAll(/\d/gu, "").length;
    expect(
      new Set(steps.map(({ text }) => size(text.replace(/"prev":"[0-9a-f]+"/u, "").replace(/[0-9a-f]{64}/gu, ""))))
        .size,
    ).toBe(1);
  });
});

describe("a run of thousands of steps that is brought back", () => {
  it("goes on also where its snapshot cannot be kept", async () => {
    const { fixture, order } = await longRun();
    const { runId } = await fixture.engine.fork(order);
    await fixture.arrived(2);
    const { stores } = fixture;
    const put = async (): Promise<never> => {
      throw new StoreError("store_full", "no room; make some");
    };
    const next = fixture.newEngine("host-2", { stores: { ...stores, snapshots: { ...stores.snapshots, put } } });
    expect(await next.recover()).toEqual({ resumed: 1, putAside: 0 });
    await fixture.arrived(3);
    expect(fixture.held[2]?.call).toMatchObject({ runId, key: "1", attempt: 2 });
  });
});
