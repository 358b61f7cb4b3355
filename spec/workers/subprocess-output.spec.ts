import { describe, expect, it } from "vitest";
import type { SubprocessOutput } from "../../src/blueprint/schema.ts";
import type { StepEvent } from "../../src/engine/index.ts";
import { readOutput } from "../../src/workers/subprocess/output.ts";
import { OutputTail } from "../../src/workers/subprocess/output-tail.ts";
import { atPointer } from "../../src/workers/subprocess/pointer.ts";
import { StreamCollector } from "../../src/workers/subprocess/stream.ts";
import { tokenUsage } from "../../src/workers/subprocess/usage.ts";

function read(stdout: string, output?: SubprocessOutput, exitCode = 0, stderr = "") {
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  const report = {
    exitCode,
    signal: null,
    stdout: bytes(stdout),
    stderr: bytes(stderr),
    stderrDropped: 0,
    overflow: false,
  };
  const { value, ok } = readOutput(report, output);
  return { value, ok };
}

describe("a program's output as a value", () => {
  it.each([
    ['{"a":1}\n', undefined, { value: { a: 1 }, ok: true }],
    [" true \n", undefined, { value: true, ok: true }],
    ["null", undefined, { value: null, ok: true }],
    ["plain text \n", undefined, { value: { raw: "plain text", stderr: "" }, ok: true }],
    ["", undefined, { value: { raw: "", stderr: "" }, ok: true }],
    ['{"result":{"x":[1]},"n":0}', { result_ptr: "/result/x/0" }, { value: 1, ok: true }],
    ['{"result":null}', { result_ptr: "/result" }, { value: null, ok: true }],
    ['{"ok":true}', { ok_from: "/ok" }, { value: { ok: true }, ok: true }],
    ['{"ok":false}', { ok_from: "/ok" }, { value: { ok: false }, ok: false }],
    ['{"ok":"yes"}', { ok_from: "/ok" }, { value: { ok: "yes" }, ok: false }],
    ["{}", { ok_from: "/ok" }, { value: {}, ok: false }],
    ["1", { ok_from: "exit_code" }, { value: 1, ok: true }],
  ] as const)("%j with %j", (stdout, output, expected) => {
    expect(read(stdout, output)).toEqual(expected);
  });

  it("does not pass on a non-zero exit, unless a pointer says otherwise", () => {
    expect(read("1", undefined, 1)).toEqual({ value: 1, ok: false });
    expect(read("text", undefined, 1, "why")).toEqual({ value: { raw: "text", stderr: "why" }, ok: false });
    expect(read('{"ok":true}', { ok_from: "/ok" }, 1)).toEqual({ value: { ok: true }, ok: true });
  });

  it("does not pass where declared JSON does not parse", () => {
    expect(read("oops", { format: "json" }, 0, "why")).toEqual({
      value: { raw: "oops", stderr: "why", parse_error: expect.stringContaining("JSON") },
      ok: false,
    });
  });

  it("names a result pointer that leads nowhere", () => {
    expect(read('{"a":1}', { result_ptr: "/result" }, 0, "why")).toEqual({
      value: { error: "result_ptr '/result' not found in stdout JSON", raw: { a: 1 }, stderr: "why" },
      ok: false,
    });
  });
});

describe("a JSON pointer", () => {
  const document = JSON.parse('{"":0,"a/b":1,"m~n":2,"list":[{"x":3}],"__proto__":{"y":4},"n":null}');

  it.each([
    ["", document],
    ["/", 0],
    ["/a~1b", 1],
    ["/m~0n", 2],
    ["/list/0/x", 3],
    ["/__proto__/y", 4],
    ["/n", null],
  ])("finds %j", (pointer, expected) => {
    expect(atPointer(document, pointer)).toEqual(expected);
  });

  it.each(["/missing", "/list/00", "/list/-", "/list/1", "/list/length", "/constructor", "/n/x", "/list/0/x/toString"])(
    "finds nothing at %j",
    (pointer) => {
      expect(atPointer(document, pointer)).toBeUndefined();
    },
  );
});

describe("token usage", () => {
  it.each([
    [{ total_tokens: 512 }, { input_tokens: 0, output_tokens: 0, total_tokens: 512 }],
    [
      { prompt_tokens: 10, completion_tokens: 4 },
      { input_tokens: 10, output_tokens: 4, total_tokens: 14 },
    ],
    [
      { input_tokens: 3, total_tokens: 9 },
      { input_tokens: 3, output_tokens: 0, total_tokens: 9 },
    ],
    [{ input_tokens: "3" }, undefined],
    [{}, undefined],
    [7, undefined],
    [undefined, undefined],
  ])("%j", (reported, expected) => {
    expect(tokenUsage(reported)).toEqual(expected);
  });
});

describe("a stream of events", () => {
  function collect(text: string, exitOk = true) {
    const events: StepEvent[] = [];
    const stream = new StreamCollector("ndjson_lines", 1000, (event) => void events.push(event));
    stream.push(Buffer.from(text));
    return { answer: stream.finish(exitOk), events };
  }

  it("takes the last final event, and the last part of a name stays last", () => {
    const { answer } = collect(
      [
        { type: "final", content: { kind: "inline", value: 1 }, ok: false },
        { type: "artifact", name: "p", content: 1 },
        { type: "artifact", name: "p", content: { kind: "inline", value: 2 } },
        { type: "final", content: { plain: true }, ok: true },
      ]
        .map((event) => JSON.stringify(event))
        .join("\n"),
    );
    expect(answer).toEqual({
      value: { plain: true },
      ok: true,
      parts: [
        { name: "p", content: 1 },
        { name: "p", content: 2 },
      ],
    });
  });

  it("passes a file reference on without reading it", () => {
    const event = { type: "final", content: { kind: "file_ref", path: "/etc/passwd", size_hint: 3 }, ok: true };
    expect(collect(JSON.stringify(event)).answer.value).toEqual({ file_ref: "/etc/passwd", mime: null, size_hint: 3 });
  });

  it.each([
    "prose",
    "[1]",
    '{"type":"final","ok":true}',
    '{"type":"final","content":1,"ok":"yes"}',
    '{"type":"artifact","content":1}',
    '{"type":"partial"}',
    '{"type":"__proto__"}',
  ])("skips %j with a warning", (line) => {
    const { answer, events } = collect(line);
    expect(answer.ok).toBe(false);
    expect(events).toEqual([
      { type: "warning", code: "subprocess_frame", message: expect.stringContaining("skipped") },
    ]);
  });

  it("warns of ten skipped frames and no more", () => {
    expect(collect("x\n".repeat(500)).events).toHaveLength(10);
  });
});

describe("the tail of a stream", () => {
  it("keeps the last bytes across chunks of any size", () => {
    const tail = new OutputTail(5);
    for (const text of ["abc", "", "defg", "hij"]) tail.push(Buffer.from(text));
    expect(Buffer.from(tail.bytes()).toString()).toBe("fghij");
    expect(tail.dropped).toBe(5);
  });

  it("keeps everything that fits", () => {
    const tail = new OutputTail(5);
    tail.push(Buffer.from("abcde"));
    expect(Buffer.from(tail.bytes()).toString()).toBe("abcde");
    expect(tail.dropped).toBe(0);
  });
});
