/** A host with nothing to do but wait: it asks its store for nothing, writes nothing, and has at most one timer. */
import { describe, expect, it } from "vitest";
import type { Stores } from "../../stores/ports.ts";
import { bindingOf, lit, step } from "../kernel/scripted-run.ts";
import { EngineFixture } from "./engine-fixture.ts";

const DAY_MS = 24 * 3_600_000;
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Counts every call of every store. */
class CountedStores {
  calls: string[] = [];
  wrap = (stores: Stores): Stores => {
    const counted = (port: string, store: object): object =>
      new Proxy(store, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => {
            this.calls.push(`${port}.${String(name)}`);
            return value.apply(target, args);
          };
        },
      });
    return new Proxy(stores, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        return typeof value === "object" && value !== null ? counted(String(name), value) : value;
      },
    });
  };
}

describe("a host whose runs only wait", () => {
  it.each([
    ["for signals", "wait_signal", lit("go"), 0],
    ["for a time that is days ahead", "sleep", lit(7 * DAY_MS), 1],
  ] as const)("%s neither reads nor writes, whatever their number, all day", async (_for, waits, input, timers) => {
    const counted = new CountedStores();
    const fixture = new EngineFixture(counted.wrap);
    const executable = fixture.executable(step("a", input, "$.a"), { a: bindingOf({ pure: false, waits }) });
    for (let run = 0; run < 20; run += 1) fixture.engine.launch({ executable, ctx: {}, context: {} });
    await settle();
    fixture.clock.advance(1_000);
    await settle();
    expect(fixture.engine.live).toBe(0);
    expect(counted.calls, "the store is the one that is counted").not.toEqual([]);
    counted.calls = [];
    fixture.clock.advance(DAY_MS);
    await settle();
    expect(counted.calls).toEqual([]);
    expect(fixture.clock.pending).toBe(timers);
  });
});
