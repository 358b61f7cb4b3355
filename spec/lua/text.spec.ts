import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeWtf8, encodeWtf8 } from "../../src/lua/text.ts";

const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })), { maxLength: 20 })
  .map((units) => String.fromCharCode(...units));

describe("strings as bytes", () => {
  it("map one to one, lone surrogates included", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(decodeWtf8(encodeWtf8(text))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are UTF-8 where the string is well formed", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(text.isWellFormed());
        expect(encodeWtf8(text).toString("utf8")).toBe(text);
      }),
    );
  });

  it("are refused unless a string maps to them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        const text = decodeWtf8(bytes);
        if (typeof text === "string") expect([...encodeWtf8(text)]).toEqual([...bytes]);
        else expect(text.invalidAt).toBeLessThan(bytes.length);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ["overlong", [0xc0, 0x80], 0],
    ["cut off", [0x61, 0xe2, 0x82], 1],
    ["beyond Unicode", [0xf4, 0x90, 0x80, 0x80], 0],
    ["a stray tail byte", [0x61, 0x62, 0x80], 2],
    ["a pair of halves", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], 3],
  ])("show where they are %s", (_, bytes, invalidAt) => {
    expect(decodeWtf8(Uint8Array.from(bytes))).toEqual({ invalidAt });
  });
});
