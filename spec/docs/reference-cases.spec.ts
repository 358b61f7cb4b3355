import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const lines = readFileSync(join(root, "spec/reference-cases.md"), "utf8").split("\n");

/** The rows of cases: which, and what stands here for them. */
const rows = lines.flatMap((line) => {
  const [, cases = "", , here = ""] = line.split("|").map((cell) => cell.trim());
  return /^[A-Z]?\d/u.test(cases) ? [{ cases, here }] : [];
});
const named = rows.flatMap(({ here }) =>
  [...here.matchAll(/`(spec\/[^`]+\.ts)` › (.*?)(?=<br>|$|\), )/gu)].map(([, file = "", title = ""]) => [file, title]),
);

/** The cases that a cell is about: `1 to 3`, `70, 116 to 119`, `F1, F2`. */
function casesIn(cell: string): string[] {
  return cell.split(", ").flatMap((part) => {
    const [, letter = "", first = "", last = first] = /^([A-Z]?)(\d+)(?: to [A-Z]?(\d+))?$/u.exec(part) ?? [];
    expect(first, part).not.toBe("");
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => `${letter}${Number(first) + index}`);
  });
}

describe("spec/reference-cases.md", () => {
  it("has every case, and says of each what stands here for it", () => {
    const told = new Set(rows.flatMap(({ cases }) => casesIn(cases)));
    const sections = { "": 143, F: 20, D: 5, S: 35, L: 21, R: 10, P: 14, W: 21 };
    const all = Object.entries(sections).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
    );
    expect([...told].sort()).toEqual(all.sort());
    for (const { cases, here } of rows) expect(here, cases).toMatch(/^(`spec\/|dropped: .|part [DE]: .)/u);
  });

  it.each(named)("names a test that %s has: %s", (file, title) => {
    expect(existsSync(join(root, file))).toBe(true);
    expect(readFileSync(join(root, file), "utf8")).toContain(`"${title}"`);
  });
});
