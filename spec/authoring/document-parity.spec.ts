import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { useAuthor } from "./author.ts";

const author = useAuthor();
const fixture = (name: string) => readFile(new URL(`./fixtures/${name}`, import.meta.url), "utf8");

describe("a whole document", () => {
  it.each(["pipeline", "verdict-loop"])("%s: the script and the JSON are equal", async (name) => {
    const [script, json] = await Promise.all([fixture(`${name}.bp.lua`), fixture(`${name}.json`)]);
    expect(await author.value(script)).toEqual(JSON.parse(json));
  });
});

describe("B.agent", () => {
  it("is a reference to an agent.md with what it replaces", async () => {
    expect(await author.value('return { B.agent { md = "a.md", name = "n", spec = F.obj() } }')).toEqual([
      { $agent_md: "a.md", name: "n", spec: {} },
    ]);
  });

  it("is an inline agent without md", async () => {
    expect(await author.value('return { B.agent { name = "n", kind = "lua" } }')).toEqual([{ name: "n", kind: "lua" }]);
  });
});
