/** A clock that is set while a host runs: nothing fires early, nothing is lost, and journals stay whole. */
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FunctionRegistry, openHost } from "../../src/index.ts";
import { systemClock } from "../../src/system-clock.ts";
import { temporaryDirectory } from "../cli/temporary.ts";

const HOUR_MS = 3_600_000;
const NOON = Date.UTC(2026, 5, 1, 12);

afterEach(() => {
  vi.useRealTimers();
});

describe("a timer", () => {
  const inAnHour = (): (() => boolean) => {
    vi.useFakeTimers({ now: NOON });
    const fire = vi.fn();
    systemClock.timer(NOON + HOUR_MS, fire);
    return () => fire.mock.calls.length > 0;
  };

  it("fires at its time, once, and not when it was cancelled", () => {
    const hasFired = inAnHour();
    const cancelled = vi.fn();
    systemClock.timer(NOON + HOUR_MS, cancelled).cancel();
    vi.advanceTimersByTime(HOUR_MS - 1);
    expect(hasFired()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(hasFired()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(cancelled).not.toHaveBeenCalled();
  });

  it("fires soon after the clock was put forward past its time", () => {
    const hasFired = inAnHour();
    vi.setSystemTime(NOON + 8 * HOUR_MS);
    vi.advanceTimersByTime(30_000);
    expect(hasFired()).toBe(true);
  });

  it("waits for its time where the clock was put back", () => {
    const hasFired = inAnHour();
    vi.advanceTimersByTime(HOUR_MS / 2);
    vi.setSystemTime(NOON - HOUR_MS);
    vi.advanceTimersByTime(2 * HOUR_MS - 1);
    expect(hasFired()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(hasFired()).toBe(true);
  });

  it("may be years ahead, or long past", () => {
    vi.useFakeTimers({ now: NOON });
    const past = vi.fn();
    const far = vi.fn();
    systemClock.timer(0, past);
    systemClock.timer(NOON + 10 * 365 * 24 * HOUR_MS, far);
    vi.advanceTimersByTime(60 * 24 * HOUR_MS);
    expect(past).toHaveBeenCalledOnce();
    expect(far).not.toHaveBeenCalled();
  });
});

describe("a run while whose step the clock is put back by a year", () => {
  it("ends, took no negative time, and proves sound after a restart", async () => {
    const data = { kind: "directory", path: join(await temporaryDirectory(), "data") } as const;
    const functions = new FunctionRegistry().register("turn_back", {
      pure: false,
      run: () => {
        vi.setSystemTime(NOON - 365 * 24 * HOUR_MS);
        return "turned";
      },
    });
    const turn = { kind: "step", ref: "turner", in: { op: "lit", value: 0 }, out: { op: "path", at: "$.said" } };
    const durations: number[] = [];
    vi.useFakeTimers({ toFake: ["Date"], now: NOON });
    let runId = "";
    {
      await using host = await openHost({ data, functions });
      const compiled = await host.workshop.compile({
        schema_version: "0.1.0",
        id: "turned",
        agents: [{ name: "turner", kind: "function", spec: { fn_id: "turn_back" } }],
        flow: turn,
      });
      const run = await host.launch(compiled, {
        observer: (event) => {
          if (event.type === "step_completed") durations.push(event.durationMs);
        },
      });
      ({ runId } = run);
      expect(await run.result).toEqual({ status: "done", ctx: { said: "turned" } });
    }
    expect(durations).toEqual([0]);
    await using host = await openHost({ data, functions });
    expect(await host.recover()).toEqual({ resumed: 0, putAside: 0 });
    const times = (await host.journal(runId)).map(({ entry }) => entry.at);
    expect(times.at(-1)).toBeLessThan(times[0] ?? 0);
    expect(await host.run(runId)).toMatchObject({ status: "done" });
  });
});
