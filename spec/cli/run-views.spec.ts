import { describe, expect, it } from "vitest";
import { jsonView } from "../../src/cli/run/json-view.ts";
import { liveView } from "../../src/cli/run/live-view.ts";
import { plainView, quietView } from "../../src/cli/run/plain-view.ts";
import type { RunView } from "../../src/cli/run/run-view.ts";
import { makeStyle } from "../../src/cli/style.ts";
import { completed, progress, runFinished, runStarted, started } from "./run-events.ts";
import { TextOutput } from "./test-surface.ts";

const style = makeStyle(false);
const ESCAPE = String.fromCharCode(27);

function play(view: RunView): void {
  view.notice({ level: "warning", code: "relaxed_durability", message: "relaxed" });
  view.notice({ level: "info", code: "note", message: "by the way" });
  view.begin({ runId: "R-1", blueprintId: "demo" });
  view.event(runStarted(0));
  view.event(started("0", "fetch", 1));
  view.event(progress("0", 2, "half"));
  view.event(completed("0", "fetch", 10, 9, { outcome: "error", message: "reset", retryAt: 20 }));
  view.event(started("0", "fetch", 20, 2));
  view.event(completed("0", "fetch", 25, 5, { attempt: 2 }));
  view.event(runFinished(30));
  view.end();
  view.end();
}

describe("plain lines", () => {
  it("say each step's end, once", () => {
    const output = new TextOutput();
    play(plainView(output, style, false));
    expect(output.text.split("\n")).toEqual([
      "relaxed",
      "by the way",
      "demo R-1",
      "↻ fetch  0  retrying  9ms  reset",
      "✓ fetch  0  attempt 2  5ms",
      "1 done  30ms",
      "",
    ]);
  });

  it("say starts and workers' words too, when asked to be verbose", () => {
    const output = new TextOutput();
    play(plainView(output, style, true));
    expect(output.text).toContain("> fetch  0\n  0 half\n");
    expect(output.text).toContain("> fetch  0  attempt 2\n");
  });

  it("are only warnings when quiet", () => {
    const output = new TextOutput();
    play(quietView(output, style));
    expect(output.text).toBe("relaxed\n");
  });
});

describe("JSON lines", () => {
  it("are one object an event, with the run's id", () => {
    const output = new TextOutput();
    play(jsonView(output, false));
    const objects = output.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects.map(({ type }) => type)).toEqual([
      "notice",
      "notice",
      "run_started",
      "step_started",
      "step_event",
      "step_completed",
      "step_started",
      "step_completed",
      "run_finished",
    ]);
    expect(objects[5]).toEqual({
      type: "step_completed",
      run_id: "R-1",
      at: 10,
      key: "0",
      attempt: 1,
      agent: "fetch",
      outcome: "error",
      duration_ms: 9,
      message: "reset",
      retry_at: 20,
    });
    expect(objects.at(-1)).toEqual({ type: "run_finished", run_id: "R-1", at: 30, status: "done" });
  });

  it("are only warnings when quiet", () => {
    const output = new TextOutput();
    play(jsonView(output, true));
    expect(JSON.parse(output.text)).toMatchObject({ type: "notice", code: "relaxed_durability" });
  });
});

describe("the live view", () => {
  interface Terminal {
    readonly output: TextOutput;
    readonly view: RunView;
    readonly tick: () => void;
    readonly ticking: () => boolean;
  }

  function terminal(columns: number, rows: number): Terminal {
    const output = new TextOutput({ columns, rows });
    let timer: (() => void) | undefined;
    const every = (_ms: number, tick: () => void): (() => void) => {
      timer = tick;
      return () => {
        timer = undefined;
      };
    };
    return {
      output,
      view: liveView({ output, style, now: () => 100, every }),
      tick: () => timer?.(),
      ticking: () => timer !== undefined,
    };
  }

  /** What stands on the screen: the little of a terminal that the view makes use of. */
  function screen(text: string): readonly string[] {
    const lines: string[] = [""];
    let row = 0;
    let column = 0;
    const put = (character: string): void => {
      const line = (lines[row] ?? "").padEnd(column);
      lines[row] = line.slice(0, column) + character + line.slice(column + 1);
      column += 1;
    };
    const sequence = new RegExp(`${ESCAPE}\\[(\\??[\\d;]*)([A-Za-z])|\\n|\\r|[\\s\\S]`, "gu");
    for (const [whole, parameter = "", command] of text.matchAll(sequence)) {
      const number = Number(parameter === "" ? 1 : parameter);
      if (command === "A") row = Math.max(0, row - number);
      else if (command === "B") row += number;
      else if (command === "G") column = number - 1;
      else if (command === "K") lines[row] = parameter === "2" ? "" : (lines[row] ?? "").slice(0, column);
      else if (command === "J") lines.splice(row + 1);
      else if (command !== undefined) continue;
      else if (whole === "\r") column = 0;
      else if (whole === "\n") {
        row += 1;
        column = 0;
        lines[row] ??= "";
      } else put(whole);
    }
    return lines.map((line) => line.trimEnd());
  }

  it("draws on a timer, not on events, and leaves the last frame behind", () => {
    const { output, view, tick, ticking } = terminal(60, 20);
    view.begin({ runId: "R-1", blueprintId: "demo" });
    view.event(runStarted(0));
    view.event(started("0", "fetch", 0));
    expect(output.text).toBe("");
    tick();
    expect(screen(output.text).slice(0, 2)).toEqual(["⠙ demo R-1  1 running  100ms", "  ⠙ fetch  100ms"]);
    view.event(completed("0", "fetch", 90, 90));
    view.event(runFinished(95));
    expect(ticking()).toBe(true);
    view.end();
    expect(ticking()).toBe(false);
    expect(screen(output.text).filter((line) => line !== "")).toEqual(["demo R-1  1 done  95ms", "  ✓ fetch  90ms"]);
    expect(output.listenerCount("resize")).toBe(0);
  });

  it("puts notices above the tree", () => {
    const { output, view, tick } = terminal(60, 20);
    view.notice({ level: "warning", code: "w", message: "relaxed" });
    view.begin({ runId: "R-1", blueprintId: "demo" });
    view.event(runStarted(0));
    tick();
    view.notice({ level: "warning", code: "c", message: "cancelling" });
    tick();
    view.end();
    expect(screen(output.text).filter((line) => line !== "")).toEqual(["relaxed", "cancelling", "⠹ demo R-1  100ms"]);
  });

  it("keeps within narrow and low terminals", () => {
    const { output, view, tick } = terminal(20, 6);
    view.begin({ runId: "R-1", blueprintId: "demo" });
    view.event(runStarted(0));
    for (let lane = 0; lane < 50; lane += 1) view.event(started(`0.@${lane}`, "an-agent-with-a-long-name", 0));
    tick();
    tick();
    const shown = screen(output.text).filter((line) => line !== "");
    expect(shown.length).toBeLessThanOrEqual(4);
    for (const line of shown) expect(line.length).toBeLessThanOrEqual(19);
  });

  it("starts over when the terminal is resized", () => {
    const { output, view, tick } = terminal(80, 20);
    view.begin({ runId: "R-1", blueprintId: "demo" });
    view.event(runStarted(0));
    view.event(started("0", "an-agent-with-a-long-name", 0));
    tick();
    output.columns = 24;
    output.emit("resize");
    const shown = screen(output.text).filter((line) => line !== "");
    expect(shown).toHaveLength(2);
    for (const line of shown) expect(line.length).toBeLessThanOrEqual(23);
    view.end();
  });
});
