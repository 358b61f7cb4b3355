import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const rows = readFileSync(join(root, "spec/acceptance.md"), "utf8")
  .split("\n")
  .filter((line) => /^\| A\d/u.test(line))
  .map((line) => line.slice(1, -1).split(" | "))
  .map(([id = "", , , shownBy = ""]) => ({ id: id.trim(), shownBy: shownBy.trim() }));

/** The tests a cell names: each a file and a title, after it up to the next file. */
const named = (shownBy: string): readonly (readonly [file: string, title: string])[] =>
  shownBy.split(/; (?=`)/u).map((one) => {
    const [, file = "", title = ""] = /^`([^`]+)`: (.+)$/u.exec(one) ?? [];
    return [file, title];
  });

describe("spec/acceptance.md", () => {
  it("has A01 to A27, once each", () => {
    expect(rows.map(({ id }) => id)).toEqual(
      Array.from({ length: 27 }, (_, index) => `A${String(index + 1).padStart(2, "0")}`),
    );
  });

  it.each(rows.filter(({ shownBy }) => shownBy !== "comes with enhance"))(
    "$id names tests that exist",
    ({ shownBy }) => {
      for (const [file, title] of named(shownBy)) {
        expect(title, `in ${shownBy}`).not.toBe("");
        const text = readFileSync(join(root, file), "utf8");
        expect(
          [`"${title}"`, `'${title}'`, `\`${title}\``].some((quoted) => text.includes(quoted)),
          title,
        ).toBe(true);
      }
    },
  );
});
