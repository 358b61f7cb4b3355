/** Attempts that rest, are parked with their run, and are entered again as they were. */
import { describe, expect, it } from "vitest";
import type { Engine, RunHandle, StepCall } from "../../src/engine/index.ts";
import { bindingOf, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { EngineFixture } from "./engine-fixture.ts";

const seatOf = (over = {}) => bindingOf({ pure: false, attach: true, ...over });

const launch = (engine: Engine, executable: Parameters<Engine["launch"]>[0]["executable"]): RunHandle =>
  engine.launch({ executable, ctx: {}, context: {} });

/** Lets promises settle that need no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A worker that waits outside lets go at once when it is told to. */
const letsGo = (fixture: EngineFixture, index: number): StepCall => {
  const { call, end } = fixture.held[index] as EngineFixture["held"][0];
  call.signal.addEventListener("abort", () => end({ kind: "cancelled" }), { once: true });
  return call;
};

describe("an attempt that rests", () => {
  it("leaves memory with its run and comes back as the same attempt when the run is woken", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(seq(step("a", lit(1), "$.a"), step("b", path("$.a"), "$.b")), {
      a: seatOf(),
    });
    const run = launch(fixture.engine, executable);
    await fixture.arrived(1);
    const call = letsGo(fixture, 0);
    await call.memo.put("operator", { request: "Q-1" });
    call.rest();
    fixture.clock.advance(1_000);
    await settle();
    expect(call.signal.reason).toMatchObject({ kind: "parked" });
    expect(fixture.engine.live).toBe(0);
    expect(await fixture.stores.runs.get(run.runId)).toMatchObject({ status: "waiting" });

    await fixture.engine.wake(run.runId);
    await fixture.arrived(2);
    const again = fixture.held[1] as EngineFixture["held"][0];
    expect(again.call).toMatchObject({ key: "0", attempt: 1, fence: call.fence, stepId: call.stepId });
    expect(again.call.memo.get("operator")).toEqual({ request: "Q-1" });
    again.end({ kind: "pass", value: "done" });
    await settle();
    expect((await fixture.journal(run.runId)).map(({ type }) => type)).toEqual([
      "run_started",
      "step_scheduled",
      "step_started",
      "step_memo",
      "step_completed",
      "step_completed",
      "run_finished",
    ]);
  });
});

describe("what a worker reports beside its answer", () => {
  it("is in the completion, whatever the outcome, and told to observers", async () => {
    const fixture = new EngineFixture();
    const executable = fixture.executable(step("a", lit(1), "$.a"), { a: seatOf() });
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
