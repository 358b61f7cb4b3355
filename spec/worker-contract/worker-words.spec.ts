/** What a worker says beside its answer: verdicts, names of parts, reports, progress. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partName } from "../../src/operators/worker-part.ts";
import { MAX_EVENTS_PER_SECOND, MAX_PROGRESS_LINE, ProgressStream } from "../../src/operators/worker-progress.ts";
import { readDegradation, readJson, readResult, readStats } from "../../src/operators/worker-reports.ts";
import { verdictOf } from "../../src/operators/worker-verdict.ts";

describe("verdict and ok", () => {
  it.each([
    [undefined, undefined, "pass"],
    [undefined, true, "pass"],
    [undefined, false, "blocked"],
    ["pass", undefined, "pass"],
    ["pass", true, "pass"],
    ["blocked", undefined, "blocked"],
    ["blocked", false, "blocked"],
    ["skip", undefined, "skip"],
    ["skip", true, "skip"],
  ] as const)("verdict %s with ok %s is %s", (verdict, ok, decided) => {
    expect(verdictOf(verdict, ok)).toBe(decided);
  });

  it.each([
    ["pass", false],
    ["blocked", true],
    ["skip", false],
    ["PASS", undefined],
    ["", undefined],
    ["constructor", true],
  ] as const)("verdict %j with ok %s is refused", (verdict, ok) => {
    expect(() => verdictOf(verdict, ok)).toThrow(expect.objectContaining({ code: "verdict_conflict" }));
  });

  it("names the set where the verdict is none", () => {
    expect(() => verdictOf("maybe", undefined)).toThrow(/pass, blocked, skip/u);
  });
});

describe("the name of a part", () => {
  it.each(["plan.md", "verdict", "a b", "ünï.json", "__proto__", "constructor", "..md", "結果", "x".repeat(255)])(
    "may be %j",
    (name) => {
      expect(partName(name)).toBe(name);
    },
  );

  it.each([
    "",
    " ",
    "\u3000",
    ".",
    "..",
    "../evil.md",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "\u202egpj.exe",
    "zero\u200bwidth",
    "e\u0301",
    "\ud800",
    "\ue000",
    "line\u2028",
    "x".repeat(256),
    "ü".repeat(128),
  ])("may not be %j", (name) => {
    expect(() => partName(name)).toThrow(expect.objectContaining({ code: "part_name" }));
  });

  it("never has a path in it, whatever is asked for", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
        try {
          partName(name);
        } catch {
          return;
        }
        expect(name).not.toMatch(/[/\\\0\n]/u);
        expect([".", "..", ""]).not.toContain(name);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      }),
    );
  });
});

describe("a report", () => {
  it("takes stats with nulls for what is not known", () => {
    const nulls = { worker_kind: null, model: null, usage: null, num_turns: null, adapter_data: null };
    expect(readStats(nulls)).toEqual({ worker_kind: "operator" });
    expect(readStats({})).toEqual({ worker_kind: "operator" });
    expect(readStats({ worker_kind: "claude", model: "m", usage: { input_tokens: 3, output_tokens: 4 } })).toEqual({
      worker_kind: "claude",
      model: "m",
      usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
    });
  });

  it.each([
    null,
    [],
    "x",
    { turns: 1 },
    { num_turns: -1 },
    { num_turns: 1.5 },
    { model: 1 },
    { usage: [] },
    { usage: { input_tokens: "3" } },
    { adapter_data: [1] },
    { adapter_data: { x: "x".repeat(8192) } },
    { model: "x".repeat(1001) },
    JSON.parse('{"__proto__":1}'),
  ])("refuses %j as stats", (report) => {
    expect(() => readStats(report)).toThrow(expect.objectContaining({ code: "report_invalid" }));
  });

  it("takes a degradation with or without a note", () => {
    const degradation = { tool: "t", error: "e", fallback: "f" };
    expect(readDegradation(degradation)).toEqual(degradation);
    expect(readDegradation({ ...degradation, note: null })).toEqual(degradation);
    expect(readDegradation({ ...degradation, note: "n" })).toEqual({ ...degradation, note: "n" });
    for (const missing of ["tool", "error", "fallback"])
      expect(() => readDegradation({ ...degradation, [missing]: " " })).toThrow(missing);
  });

  it("takes a result with any JSON value, and wants one", () => {
    expect(readResult({ value: null })).toEqual({ value: null });
    expect(readResult({ task_id: "ST-1", value: [1], ok: false, attempt: 2 })).toEqual({
      value: [1],
      ok: false,
      taskId: "ST-1",
      attempt: 2,
    });
    for (const bad of [{}, { value: 1, ok: "yes" }, { value: 1, attempt: "1" }, { value: 1, more: 1 }])
      expect(() => readResult(bad)).toThrow(expect.objectContaining({ code: "report_invalid" }));
  });

  it("is JSON in UTF-8", () => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(readJson(bytes('{"__proto__":1}'))).toEqual(JSON.parse('{"__proto__":1}'));
    for (const bad of [bytes(""), bytes("{"), bytes(`${"[".repeat(2000)}${"]".repeat(2000)}`), Uint8Array.from([0xff])])
      expect(() => readJson(bad)).toThrow(expect.objectContaining({ code: "report_invalid" }));
  });
});

describe("progress", () => {
  const streamAt = (now: () => number) => {
    const told: unknown[] = [];
    return { told, stream: new ProgressStream({ now }, (event) => told.push(event)) };
  };

  it("becomes events, line by line", () => {
    const { told, stream } = streamAt(() => 0);
    stream.take('{"type":"progress","stage":"reading"}');
    stream.take("");
    stream.take('{"type":"progress","stage":"writing","note":"half"}');
    stream.take('{"type":"partial","chunk":"abc"}');
    expect(told).toEqual([
      { type: "progress", stage: "reading" },
      { type: "progress", stage: "writing", note: "half" },
      { type: "partial", chunk: "abc" },
    ]);
    expect(stream.count).toEqual({ events: 3, dropped: 0 });
  });

  it("drops and counts what is too much for a second", () => {
    let now = 0;
    const { told, stream } = streamAt(() => now);
    const line = '{"type":"progress","stage":"s"}';
    for (let turn = 0; turn < MAX_EVENTS_PER_SECOND + 5; turn += 1) stream.take(line);
    expect(stream.count).toEqual({ events: MAX_EVENTS_PER_SECOND, dropped: 5 });
    now = 1_000;
    stream.take(line);
    expect(told.length).toBe(MAX_EVENTS_PER_SECOND + 1);
  });

  it.each(["x", "[]", "{}", '{"type":"final"}', '{"type":"progress","stage":""}', '{"type":"partial","chunk":1}'])(
    "names the line that it refuses: %s",
    (line) => {
      const { told, stream } = streamAt(() => 0);
      stream.take("");
      expect(() => stream.take(line)).toThrow(/line 2/u);
      expect(told).toEqual([]);
    },
  );

  it("says which line is too long to be read", () => {
    const { stream } = streamAt(() => 0);
    stream.take("");
    expect(stream.refusals.tooLong().message).toContain(`line 2 of the progress is longer than ${MAX_PROGRESS_LINE}`);
  });
});
