/** Disks that are full or fail, and launches that were cut off at their very beginning. */
import { describe, expect, it } from "vitest";
import { StoreError, type StoreErrorCode, type Stores } from "../../stores/ports.ts";
import { bindingOf, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture } from "./engine-fixture.ts";

const effect = bindingOf({ pure: false });
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A store whose appends fail while `failure` is set. */
class FailingDisk {
  failure: StoreErrorCode | undefined;
  tries = 0;
  wrap = (stores: Stores): Stores => ({
    ...stores,
    journals: {
      ...stores.journals,
      append: async (batch) => {
        this.tries += 1;
        if (this.failure !== undefined) throw new StoreError(this.failure, "no room; make some");
        return stores.journals.append(batch);
      },
    },
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  });
}

function twoSteps(fixture: EngineFixture) {
  const flow = seq(step("a", lit(1), "$.a"), step("b", path("$.a"), "$.b"));
  return fixture.engine.launch({
    executable: fixture.executable(flow, { a: effect, b: effect }),
    ctx: {},
    context: {},
  });
}

describe.each(["store_full", "store_io"] as const)("a run whose journal cannot be written: %s", (code) => {
  it("acknowledges nothing, is suspended with the reason once writing works again, and goes on when resumed", async () => {
    const disk = new FailingDisk();
    const fixture = new EngineFixture(disk.wrap);
    const run = twoSteps(fixture);
    await fixture.arrived(1);
    disk.failure = code;
    fixture.held[0]?.end();
    await expect(run.result).rejects.toMatchObject({ code: "journal_write" });
    await settle();
    const { engine, stores, clock } = fixture;
    expect(await stores.runs.get(run.runId)).toMatchObject({ status: "running" });
    const { tries } = disk;
    clock.advance(4_000);
    await settle();
    expect(disk.tries, "a full disk is not tried all the time").toBe(tries);
    await expect(engine.resume(run.runId, { reason: "too early" })).rejects.toBeDefined();
    clock.advance(1_000);
    await settle();
    disk.failure = undefined;
    clock.advance(5_000);
    await settle();
    expect(await stores.runs.get(run.runId)).toMatchObject({
      status: "suspended",
      error: expect.stringMatching(new RegExp(`^${code}: no room; make some; then .*runs resume ${run.runId}`, "u")),
    });
    expect(clock.pending, "nothing ticks when all is written").toBe(0);

    await engine.resume(run.runId, { reason: "there is room" });
    await fixture.arrived(2);
    expect(fixture.held[1]?.call).toMatchObject({ key: "0", attempt: 2 });
    expect(await stores.runs.get(run.runId), "what was wrong is so no more").not.toHaveProperty("error");
    fixture.held[1]?.end();
    await fixture.arrived(3);
    fixture.held[2]?.end();
    await settle();
    expect(await stores.runs.get(run.runId)).toMatchObject({ status: "done" });
  });

  it("is suspended at once where the failure has passed", async () => {
    const disk = new FailingDisk();
    const fixture = new EngineFixture(disk.wrap);
    const run = twoSteps(fixture);
    await fixture.arrived(1);
    disk.failure = code;
    fixture.held[0]?.end();
    await expect(run.result).rejects.toMatchObject({ code: "journal_write" });
    disk.failure = undefined;
    await fixture.engine.putAside(run.runId);
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "suspended" });
  });
});

describe("a run of which only the row became durable", () => {
  const row = (fixture: EngineFixture, status: "running" | "dead_letter" = "running") =>
    fixture.stores.runs.create([
      {
        runId: "R-begun",
        status,
        blueprintId: "b",
        blueprintVersion: fixture.executable(seq()).blueprint.version,
        fence: 1,
        owner: "host-1",
        nextSeq: 1,
        createdAt: 1,
        updatedAt: 1,
        recoveryAttempts: 0,
        idempotencyKey: "key",
      },
    ]);

  it("is removed at recovery, so that its key starts a run", async () => {
    const fixture = new EngineFixture();
    await row(fixture);
    expect(await fixture.engine.recover()).toEqual({ resumed: 0, putAside: 1 });
    expect(await fixture.stores.runs.byIdempotencyKey("key")).toBeUndefined();
    const executable = fixture.executable(step("a", lit(1), "$.a"));
    const again = fixture.engine.launch({ executable, ctx: {}, context: {}, idempotencyKey: "key" });
    await again.accepted;
    expect(await fixture.stores.runs.byIdempotencyKey("key")).toMatchObject({ runId: again.runId });
  });

  it("is no run to whoever asks for it before", async () => {
    const fixture = new EngineFixture();
    await row(fixture);
    const asked = fixture.engine.signal("R-begun", { name: "go", id: "1", value: null });
    await expect(asked).rejects.toMatchObject({ code: "run_unknown" });
    expect(await fixture.stores.runs.list({ limit: 9 })).toEqual([]);
  });

  it("is removed as soon as the disk that refused its first entry works", async () => {
    const disk = new FailingDisk();
    const fixture = new EngineFixture(disk.wrap);
    disk.failure = "store_full";
    const executable = fixture.executable(step("a", lit(1), "$.a"));
    const run = fixture.engine.launch({ executable, ctx: {}, context: {}, idempotencyKey: "key" });
    await expect(run.accepted).rejects.toMatchObject({ code: "journal_write" });
    await fixture.arrived(1);
    fixture.held[0]?.end();
    await expect(run.result).rejects.toMatchObject({ code: "journal_write" });
    await settle();
    await expect(fixture.engine.putAside(run.runId)).rejects.toMatchObject({ code: "store_full" });
    disk.failure = undefined;
    await fixture.engine.putAside(run.runId);
    expect(await fixture.stores.runs.list({ limit: 9 })).toEqual([]);
  });
});
