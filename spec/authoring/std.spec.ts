import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { useAuthor } from "./author.ts";

const author = useAuthor();
const run = async (expression: string): Promise<Json> =>
  (await author.build(`local std = require "std"; return { ${expression} }`)).value;

describe("std", () => {
  it.each<readonly [string, Json]>([
    ['std.trim("  a b \\n"), std.trim(""), std.trim(" \\t ")', ["a b", "", ""]],
    ['std.split("a,,b,", ","), std.split("", ","), std.split("a.b", ".")', [["a", "", "b", ""], [""], ["a", "b"]]],
    ['std.lines("a\\r\\nb\\n\\nc"), std.lines("a\\n"), std.lines("")', [["a", "b", "", "c"], ["a"], []]],
    ["std.map({ 1, 2 }, function(x, i) return x * 10 + i end)", [[11, 22]]],
    ["std.filter({ 1, 2, 3 }, function(x) return x % 2 == 1 end), std.filter({}, print)", [[1, 3], []]],
    ['std.fold({ "b", "c" }, "a", function(text, x) return text .. x end), std.fold({}, 7, print)', ["abc", 7]],
    [
      "std.group({ 1, 2, 3, 4 }, function(x) if x < 4 then return x % 2 == 0 and 'even' or 'odd' end end)",
      [{ odd: [1, 3], even: [2] }],
    ],
    ["std.keys { b = 1, a = 2, 5, 6 }", [[1, 2, "a", "b"]]],
    [
      'std.get({ a = { { b = 3 } } }, "a.1.b"), std.get({}, "a.b", 7), std.get({ a = json.null }, "a", 8), std.get(1, "a", 9)',
      [3, 7, 8, 9],
    ],
  ])("%s", async (expression, expected) => {
    expect(await run(expression)).toEqual(expected);
  });

  it.each([
    ["std.trim(1)", "std.trim: argument 1 must be a string, not a number"],
    ['std.split("a", "")', "std.split: the separator must not be empty"],
    ["std.map({}, 1)", "std.map: argument 2 must be a function, not a number"],
  ])("%s fails at the caller's line", async (expression, message) => {
    const error = await author.failure(`local std = require "std"\nlocal x = ${expression}`);
    expect(error.message).toBe(`test.bp.lua:2: ${message}`);
  });

  it("split and table.concat are inverse, and split agrees with JavaScript's", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", ",", ";", "é"), maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(",", ";", ",;", "a"), async (subject, separator) => {
        const [s, p] = [JSON.stringify(subject), JSON.stringify(separator)];
        const value = await run(`std.split(${s}, ${p}), table.concat(std.split(${s}, ${p}), ${p})`);
        expect(value).toEqual([subject.split(separator), subject]);
      }),
      { numRuns: 50 },
    );
  });
});
