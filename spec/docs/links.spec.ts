import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = [
  "README.md",
  "blueprints/README.md",
  ...readdirSync(join(root, "spec"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `spec/${file}`),
];

describe.each(pages)("%s", (page) => {
  const links = [...readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)#]+)[^)]*\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !target.includes("://"));

  it("links only to what is there", () => {
    expect(links.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });
});
