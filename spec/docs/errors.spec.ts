import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { lintRegistry } from "../../src/blueprint/index.ts";
import { FLOW_ERROR_KINDS } from "../../src/flow/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "spec/errors.md"), "utf8");

/** Members of every `export type ...ErrorCode = "a" | "b"` below a folder. */
function codesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const text = readFileSync(join(root, folder, file), "utf8");
      return [...text.matchAll(/export type \w+ErrorCode =([^;]*);/g)].flatMap(([, union = ""]) =>
        [...union.matchAll(/"([a-z_]+)"/g)].map(([, code = ""]) => code),
      );
    });
}

describe("spec/errors.md", () => {
  const codes = [...codesIn("src"), ...codesIn("stores"), ...FLOW_ERROR_KINDS];

  it("is about a good number of codes", () => expect(codes.length).toBeGreaterThan(50));
  it.each(codes)("explains %s", (code) => expect(page).toContain(`| \`${code}\` |`));
  it.each([...lintRegistry])("lists the diagnostic %s with its level", (kind, { level, category }) =>
    expect(page).toContain(`| \`${kind}\` | ${level} | ${category} |`),
  );
});
