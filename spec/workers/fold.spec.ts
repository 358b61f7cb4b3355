import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { foldAnswer, foldMode, foldValue } from "../../src/workers/fold.ts";
import { skippedValue } from "../../src/workers/skip-marker.ts";

describe("folding a value", () => {
  it.each([
    ['{"lanes":["a"]}', { lanes: ["a"] }],
    ["[1,2]", [1, 2]],
    ['  \n\t{"a":1}  ', { a: 1 }],
    ['```json\n{"a":1}\n```', { a: 1 }],
    ["```\n[1]\n```\n", [1]],
    ['  ````js\n{"a":"```"}\n````', { a: "```" }],
  ])("opens a container that is the whole text: %j", (text, expected) => {
    expect(foldValue(text, "lenient")).toEqual(expected);
  });

  it.each([
    "PASS",
    "true",
    "42",
    '"quoted"',
    "null",
    "{not json",
    "",
    "```json\n42\n```",
    "```json\n{oops\n```",
    '```json\n{"a":1}\n```\nand more',
    'before\n```json\n{"a":1}\n```',
    "```",
    "```json",
    '{"a":1} trailing',
  ])("leaves %j as it is", (text) => {
    expect(foldValue(text, "lenient")).toBe(text);
  });

  it("leaves every string as it is in raw mode", () => {
    expect(foldValue('{"a":1}', "raw")).toBe('{"a":1}');
    expect(foldValue("```json\n[1]\n```", "raw")).toBe("```json\n[1]\n```");
  });

  it("leaves a container nested past the bound as text", () => {
    const deep = `${"[".repeat(513)}${"]".repeat(513)}`;
    expect(foldValue(deep, "lenient")).toBe(deep);
  });

  it("passes anything but a string through, and opens the JSON text of any container", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as Json;
        if (typeof json !== "string") expect(foldValue(json, "lenient")).toBe(json);
        if (typeof json === "object" && json !== null) {
          expect(foldValue(JSON.stringify(json, null, 2), "lenient")).toEqual(json);
          expect(foldValue(`\`\`\`json\n${JSON.stringify(json)}\n\`\`\``, "lenient")).toEqual(json);
        }
      }),
    );
  });
});

describe("folding an answer", () => {
  it("is the value itself without parts", () => {
    expect(foldAnswer("x", undefined, "lenient")).toBe("x");
    expect(foldAnswer("x", [], "lenient")).toBe("x");
  });

  it("holds the parts beside it, folded, the later of two with one name", () => {
    const parts = [
      { name: "summary", content: "first" },
      { name: "lanes", content: '[{"id":1}]' },
      { name: "summary", content: "the summary" },
      { name: "__proto__", content: 1 },
    ];
    const folded = foldAnswer("final text", parts, "lenient") as { parts: Record<string, Json> };
    expect(JSON.stringify(folded)).toBe(
      '{"out":"final text","parts":{"summary":"the summary","lanes":[{"id":1}],"__proto__":1}}',
    );
    expect(Object.getPrototypeOf(folded.parts)).toBe(Object.prototype);
  });
});

describe("the fold mode", () => {
  it.each([
    [{}, "lenient"],
    [{ submit_format: "json" }, "lenient"],
    [{ submit_format: "xml" }, "lenient"],
    [{ submit_format: 7 }, "lenient"],
    [{ submit_format: "text" }, "raw"],
  ] as const)("of %j is %s", (context, mode) => {
    expect(foldMode(context)).toBe(mode);
  });
});

describe("the skip marker", () => {
  it.each(["plain", { verdict: "PASS" }, null, { __mse_skip: false, value: 1 }, [{ __mse_skip: true }]])(
    "is not in %j",
    (value) => {
      expect(skippedValue(value)).toBeUndefined();
    },
  );

  it("gives the value inside, null where there is none", () => {
    expect(skippedValue({ __mse_skip: true, value: { a: 1 } })).toEqual({ value: { a: 1 } });
    expect(skippedValue({ __mse_skip: true })).toEqual({ value: null });
  });
});
