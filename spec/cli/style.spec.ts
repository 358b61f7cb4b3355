import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, makeStyle, oneLine, styleFor, usesColour } from "../../src/cli/style.ts";
import { TextOutput } from "./test-surface.ts";

const terminal = (): TextOutput => new TextOutput({ columns: 80, rows: 24 });

describe("colours", () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { NO_COLOR: "" }, true],
    [true, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    [false, { FORCE_COLOR: "1" }, true],
    [true, { FORCE_COLOR: "0" }, false],
    [true, { TERM: "dumb" }, false],
  ])("terminal %s with %j: %s", (isTerminal, env, expected) => {
    expect(usesColour(isTerminal ? terminal() : new TextOutput(), env)).toBe(expected);
  });

  it("are escape sequences around the text, or nothing at all", () => {
    expect(makeStyle(false).bad("x")).toBe("x");
    expect(makeStyle(true).bad("x")).not.toBe("x");
    expect(oneLine(makeStyle(true).bad("x"))).toBe("x");
  });

  it("come with ASCII glyphs on a bare Linux console", () => {
    expect(styleFor(terminal(), { TERM: "linux" }).glyphs.pass).toBe("+");
    expect(styleFor(terminal(), { TERM: "xterm" }).glyphs.pass).toBe("✓");
  });
});

describe("durations", () => {
  it.each([
    [-5, "0ms"],
    [0, "0ms"],
    [999.4, "999ms"],
    [999.6, "1.00s"],
    [1000, "1.00s"],
    [59_994, "59.99s"],
    [59_996, "1m00s"],
    [123_000, "2m03s"],
    [3_599_400, "59m59s"],
    [3_720_000, "1h02m"],
    [90_000_000, "25h00m"],
  ])("%d is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe("sizes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1 kB"],
    [1234, "1.2 kB"],
    [2_000_000, "2 MB"],
    [3.4e15, "3400 TB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("foreign text", () => {
  const hostile = `${String.fromCharCode(27)}[31mred${String.fromCharCode(27)}[0m${String.fromCharCode(7)}\r\nnext\tcolumn${String.fromCharCode(0x9b)}2J`;

  it("is one line without control characters", () => {
    expect(oneLine(hostile)).not.toMatch(/\p{Cc}/u);
    expect(oneLine(hostile)).toMatch(/^red next column/u);
  });
});
