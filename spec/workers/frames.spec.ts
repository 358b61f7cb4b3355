import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StreamMode } from "../../src/blueprint/compiled.ts";
import { frameDecoder } from "../../src/workers/subprocess/frames.ts";

const MODES: readonly StreamMode[] = ["ndjson_lines", "sse_events", "length_prefixed"];

/** The bytes a program prints for these frames. */
function encode(mode: StreamMode, frames: readonly string[]): Buffer {
  switch (mode) {
    case "ndjson_lines":
      return Buffer.from(frames.map((frame) => `${frame}\n`).join(""));
    case "sse_events":
      return Buffer.from(frames.map((frame) => `id: 1\ndata: ${frame}\n\n`).join(""));
    case "length_prefixed":
      return Buffer.concat(
        frames.flatMap((frame) => {
          const head = Buffer.alloc(4);
          head.writeUInt32BE(Buffer.byteLength(frame));
          return [head, Buffer.from(frame)];
        }),
      );
  }
}

function decode(
  mode: StreamMode,
  pieces: readonly Uint8Array[],
  limit = 1000,
): { frames: string[]; truncated: boolean } {
  const decoder = frameDecoder(mode, limit);
  const frames = pieces.flatMap((piece) => [...decoder.push(piece)]);
  const end = decoder.end();
  return { frames: [...frames, ...end.frames], truncated: end.truncated };
}

/** Cuts bytes at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

const frame = fc
  .json()
  .map((text) => text.replaceAll("\n", " "))
  .filter((text) => text.length <= 900);

describe.each(MODES)("%s", (mode) => {
  it("finds the same frames however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (frames, places) => {
        const found = decode(mode, cut(encode(mode, frames), places));
        expect(found).toEqual({ frames, truncated: false });
      }),
    );
  });

  it("finds frames when every byte comes alone, multi-byte characters included", () => {
    const frames = ['{"a":"äöü"}', '{"b":"𝄞€"}'];
    const bytes = encode(mode, frames);
    expect(
      decode(
        mode,
        [...bytes].map((byte) => Uint8Array.of(byte)),
      ).frames,
    ).toEqual(frames);
  });

  it("takes a frame of exactly the limit and refuses one more", () => {
    const text = `"${"x".repeat(8)}"`;
    expect(decode(mode, [encode(mode, [text])], mode === "sse_events" ? 16 : 10).frames).toEqual([text]);
    expect(() =>
      decode(mode, [encode(mode, [`${text}    `.padEnd(20, "x")])], mode === "sse_events" ? 16 : 10),
    ).toThrow(/longer than/);
  });
});

describe("ndjson_lines", () => {
  it("skips blank lines, takes \\r\\n, and a last line without an end", () => {
    expect(decode("ndjson_lines", [Buffer.from("\n  \n1\r\n2")])).toEqual({ frames: ["1", "2"], truncated: false });
  });
});

describe("sse_events", () => {
  it("joins data lines, ignores other fields and comments, and flushes at the end", () => {
    const text = ": hello\nevent: x\ndata:a\ndata: b\nretry: 3\n\n\ndata:  c";
    expect(decode("sse_events", [Buffer.from(text)]).frames).toEqual(["a\nb", " c"]);
  });
});

describe("length_prefixed", () => {
  it("refuses the length 0", () => {
    expect(() => decode("length_prefixed", [Buffer.alloc(4)])).toThrow(/length 0/);
  });

  it("refuses a length past the limit before its bytes come", () => {
    expect(() => frameDecoder("length_prefixed", 100).push(Buffer.from([0, 0, 0, 101]))).toThrow(
      /longer than 100 bytes/,
    );
  });

  it.each([[[0, 0]], [[0, 0, 0, 5]], [[0, 0, 0, 5, 49, 50]]])(
    "notices a stream that ends inside a frame: %j",
    (bytes) => {
      expect(decode("length_prefixed", [Buffer.from(bytes)])).toEqual({ frames: [], truncated: true });
    },
  );
});
