/** Reading frames: whatever comes, it is a frame or a sentence that says why not. */
import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { type ClientFrame, frameCodecs } from "../../src/operators/frames.ts";
import { packedProblem } from "../../src/operators/packed-shape.ts";

const codecs = frameCodecs();
const packr = new Packr({ useRecords: false });

const n = fc.nat();
const id = fc.string({ minLength: 1, maxLength: 64, unit: "grapheme-ascii" });
const text = fc.string({ maxLength: 100, unit: "binary" }).filter((one) => one.isWellFormed());
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const frame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({ type: fc.constant("ack" as const), n, id, note: text }, { requiredKeys: ["type", "n", "id"] }),
  fc.record(
    { type: fc.constant("halt" as const), n, id, value: json, reason: text },
    { requiredKeys: ["type", "n", "id", "value"] },
  ),
  fc.record({ type: fc.constant("error" as const), n, id, message: text }),
  fc.record({ type: fc.constant("answer" as const), n, id, value: json }),
  fc.record({ type: fc.constant("hook" as const), n, id, ok: fc.boolean() }),
  fc.record({ type: fc.constant("seen" as const), n, seq: fc.nat() }),
  fc.record({ type: fc.constant("pong" as const), n }),
);

describe("reading a frame", () => {
  it("gives every frame back as it was written, in either codec", () => {
    fc.assert(
      fc.property(frame, (sent) => {
        const expected = { ok: true, frame: JSON.parse(JSON.stringify(sent)) };
        expect(codecs.json.read(JSON.stringify(sent))).toEqual(expected);
        if (!JSON.stringify(sent).includes("__proto__")) {
          expect(codecs.msgpack.read(packr.pack(JSON.parse(JSON.stringify(sent))))).toEqual(expected);
        }
      }),
    );
  });

  it("never throws, whatever the bytes are, and says why it is none", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      frame.map((one) => packr.pack(one)).chain((whole) => fc.nat(whole.length).map((end) => whole.subarray(0, end))),
      fc.tuple(frame, fc.nat(), fc.nat(255)).map(([one, at, byte]) => {
        const packed = Uint8Array.from(packr.pack(one));
        packed[at % packed.length] = byte;
        return packed;
      }),
    );
    fc.assert(
      fc.property(bytes, (message) => {
        const read = codecs.msgpack.read(message);
        expect(read.ok || read.problem.length > 0).toBe(true);
        expect(codecs.json.read(Buffer.from(message).toString("latin1"))).toHaveProperty("ok");
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["an unknown type", { type: "spawn", n: 1, id: "x" }, 1],
    ["a type that is a property of every object", { type: "constructor", n: 1 }, 1],
    ["no n", { type: "pong" }, null],
    ["an n that is no whole number", { type: "pong", n: 1.5 }, null],
    ["a field too many", { type: "pong", n: 1, x: 1 }, 1],
    ["a field too few", { type: "hook", n: 2, id: "x" }, 2],
    ["a field of another type", { type: "ack", n: 3, id: 3 }, 3],
    ["an id that is too long", { type: "ack", n: 4, id: "x".repeat(65) }, 4],
    ["no object", [1], null],
  ])("refuses %s, and names its n where it can", (_what, value, re) => {
    for (const read of [codecs.json.read(JSON.stringify(value)), codecs.msgpack.read(packr.pack(value))]) {
      expect(read).toMatchObject({ ok: false, re, problem: expect.stringMatching(/./u) });
    }
  });

  it("refuses text where bytes are spoken, and bytes where text is", () => {
    expect(codecs.json.read(new Uint8Array([1]))).toMatchObject({ ok: false });
    expect(codecs.msgpack.read("{}")).toMatchObject({ ok: false });
  });
});

describe("looking MessagePack over", () => {
  it("accepts what a packer makes of JSON", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(packedProblem(packr.pack(value))).toBeUndefined();
      }),
    );
  });

  it.each([
    ["an array of four thousand million items", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["a map of as many", [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ["arrays in arrays that each name many", [0xdc, 0x00, 0x06, 0xdd, 0x02, 0x00, 0x00, 0x00, 0xc0, 0xc0, 0xc0]],
    ["a string that is not there", [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ["a length that is cut off", [0xda, 0x01]],
    ["nothing", []],
    ["nesting without end", Array.from({ length: 1000 }, () => 0x91)],
    ["an extension type", [0xd4, 0x01, 0x00]],
    ["binary data", [0xc4, 0x01, 0x00]],
    ["two values", [0xc0, 0xc0]],
  ])("refuses %s", (_what, bytes) => {
    expect(packedProblem(Uint8Array.from(bytes))).toMatch(/./u);
  });
});
