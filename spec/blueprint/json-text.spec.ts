import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scanJson } from "../../src/blueprint/json-text.ts";
import { lineCounter } from "../../src/blueprint/source-map.ts";

const accepts = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe("the scan of JSON text", () => {
  it("accepts what JSON.parse accepts and refuses what it refuses", () => {
    const noise = fc.stringMatching(/^[[\]{}:,"\\ \n0-9.eE+\-truefalsn/]{0,30}$/);
    const broken = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", '"', "{", "]", "0", "\\", "\u0001", "x"))
      .map(([text, at, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1));
    fc.assert(
      fc.property(fc.oneof(fc.json(), noise, broken), (text) => {
        expect(scanJson(text, 1000).error === undefined).toBe(accepts(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("gives every value its place", () => {
    const text = '{\n  "a": [1, {"b~/": "x"}]\n}';
    const places: Record<string, string> = {};
    scanJson(text, 10, (pointer, offset) => {
      places[pointer] = text.slice(offset, offset + 3);
    });
    expect(places).toEqual({ "": "{\n ", "/a": '"a"', "/a/0": "1, ", "/a/1": '{"b', "/a/1/b~0~1": '"b~' });
  });

  it.each([
    ['{"a":1,}', 'expected a key in double quotes, found "}"', 7],
    ["[1 2]", 'expected `,` or `]`, found "2"', 3],
    ['{"a" 1}', 'expected `:`, found "1"', 5],
    ["[1,", "expected a value, the document ends", 3],
    ["", "expected a value, the document ends", 0],
    ["{} x", 'expected the end of the document, found "x"', 3],
    ['["abc', "the text that starts here does not end", 1],
    ['["a\nb"]', "a control character in a text must be escaped", 3],
    ['["\\q"]', "an escape that JSON does not have", 2],
    ["[01]", 'expected `,` or `]`, found "1"', 2],
    ["{'a':1}", 'expected a key in double quotes, found "\'"', 1],
    ["[NaN]", 'expected a value, found "N"', 1],
  ])("says what is wrong with %s", (text, message, offset) => {
    expect(scanJson(text, 10).error).toEqual({ message, offset, tooDeep: false });
  });

  it("finds keys that are given twice, however they are spelt", () => {
    const text = '{"a":{"k":1,"\\u006b":2},"b":[{"x":1,"x":2,"x":3}]}';
    expect(scanJson(text, 10).duplicates.map(({ pointer, key }) => [pointer, key])).toEqual([
      ["/a/k", "k"],
      ["/b/0/x", "x"],
      ["/b/0/x", "x"],
    ]);
  });

  it("stops at the depth it is given", () => {
    expect(scanJson("[".repeat(5) + "]".repeat(5), 5).error).toBeUndefined();
    expect(scanJson("[".repeat(100_000), 1000).error).toMatchObject({ tooDeep: true, offset: 1000 });
  });

  it("reads a text of many megabytes", () => {
    expect(scanJson(JSON.stringify(`${"a".repeat(8_000_000)}\\"`.repeat(1)), 5).error).toBeUndefined();
  });
});

describe("lines and columns", () => {
  it("count from one, and lines end at the line feed", () => {
    const at = lineCounter("ab\r\nc\n\nd");
    expect([0, 1, 2, 4, 6, 7].map(at)).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 2 },
      { line: 1, column: 3 },
      { line: 2, column: 1 },
      { line: 3, column: 1 },
      { line: 4, column: 1 },
    ]);
  });
});
