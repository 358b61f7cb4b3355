import { describe, expect, it } from "vitest";
import { type Cancellable, Interrupt } from "../../src/cli/run/interrupt.ts";
import { ExitedNow, type TestSurface, testSurface } from "./test-surface.ts";

interface Scene {
  readonly surface: TestSurface;
  readonly interrupt: Interrupt;
  readonly said: string[];
  readonly run: Cancellable & { readonly cancels: string[] };
}

function scene(): Scene {
  const surface = testSurface();
  const said: string[] = [];
  const cancels: string[] = [];
  const interrupt = new Interrupt(surface, {
    onCancel: (signal) => said.push(signal),
    beforeExit: () => said.push("left"),
  });
  return { surface, interrupt, said, run: { cancels, cancel: async ({ reason }) => void cancels.push(reason) } };
}

describe("signals", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s ends the process at once while nothing runs", (signal, code) => {
    const { surface, said } = scene();
    expect(() => surface.send(signal)).toThrow(new ExitedNow(code));
    expect(said).toEqual(["left"]);
  });

  it("cancel the run first and end the process second", () => {
    const { surface, interrupt, said, run } = scene();
    interrupt.launching();
    interrupt.watch(run);
    surface.send("SIGTERM");
    expect(run.cancels).toEqual(["received SIGTERM"]);
    expect(interrupt.signal).toBe("SIGTERM");
    expect(() => surface.send("SIGINT")).toThrow(new ExitedNow(130));
    expect(said).toEqual(["SIGTERM", "left"]);
    expect(run.cancels).toHaveLength(1);
  });

  it("cancel a run that is still being launched as soon as it is there", () => {
    const { surface, interrupt, run } = scene();
    interrupt.launching();
    surface.send("SIGINT");
    expect(run.cancels).toEqual([]);
    interrupt.watch(run);
    expect(run.cancels).toEqual(["received SIGINT"]);
  });

  it("are nobody's business any more after the command", () => {
    const { surface, interrupt } = scene();
    expect(surface.listeners).toBe(1);
    interrupt[Symbol.dispose]();
    expect(surface.listeners).toBe(0);
  });
});
