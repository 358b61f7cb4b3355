import { describe, expect, it } from "vitest";
import { isJsonObject, type Json } from "../../src/flow/index.ts";
import { useAuthor } from "./author.ts";

const author = useAuthor();

/** The line of the nearest place at or above a pointer. */
function lineOf(positions: Readonly<Record<string, { line: number }>>, pointer: string): number | undefined {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const position = positions[at];
    if (position !== undefined || at === "") return position?.line;
  }
}

/** Pointers of every object that has `field` with this value. */
function pointersTo(value: Json, field: string, wanted: Json, at = ""): readonly string[] {
  if (!isJsonObject(value) && !Array.isArray(value)) return [];
  const here = isJsonObject(value) && value[field] === wanted ? [at] : [];
  return [
    ...here,
    ...Object.entries(value).flatMap(([key, inner]) => pointersTo(inner, field, wanted, `${at}/${key}`)),
  ];
}

describe("positions", () => {
  it("are the lines on which flow_dsl's builders were called", async () => {
    const { value, positions } = await author.build(
      `
return F.seq {
  F.step { agent = "a", input = F.p "$.x",
           out = F.p "$.y" },
  F.branch {
    cond = F.p "$.y":eq(1),
    on_true = F.seq {},
    on_false = F.assign {
      at = F.p "$.z",
      value = 2,
    },
  },
}`.replaceAll('F.p "$.y":', 'F.p("$.y"):'),
    );
    expect(value).toMatchObject({ kind: "seq" });
    const lines = [
      "",
      "/children/0",
      "/children/0/out",
      "/children/1",
      "/children/1/cond",
      "/children/1/then",
      "/children/1/else",
      "/children/1/else/at",
    ];
    expect(lines.map((pointer) => lineOf(positions, pointer))).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(Object.values(positions).every(({ file }) => file === "test.bp.lua")).toBe(true);
  });

  it("are the stage's line for everything a pipeline prints for it, and the fix's for the fix", async () => {
    const { value, positions } = await author.build(`
return B.pipeline {
  B.stage "plan" { agent = "planner" },
  B.stage "review" {
    agent = "reviewer",
    gate = true,
    retry = {
      max = 1,
      fix = B.stage "mend" { agent = "fixer" },
    },
  },
  B.stage "checks" {
    fanout = { lanes = { "style", "tests" } },
  },
  halt_on = { "NO" },
  done = "$.ok",
}`);
    const linesOf = (field: string, wanted: Json) => [
      ...new Set(pointersTo(value, field, wanted).map((pointer) => lineOf(positions, pointer))),
    ];
    expect(linesOf("ref", "planner")).toEqual([3]);
    expect(linesOf("ref", "reviewer")).toEqual([4]);
    expect(linesOf("kind", "loop")).toEqual([4]);
    expect(linesOf("at", '$.review.parts["verdict"]')).toEqual([4]);
    expect(linesOf("value", "review")).toEqual([4]);
    expect(linesOf("ref", "fixer")).toEqual([9]);
    expect(linesOf("kind", "fanout")).toEqual([12]);
    expect(linesOf("ref", "tests")).toEqual([12]);
    expect(linesOf("at", "$.ok")).toEqual([2]);
  });

  it("name the author's own module where the builder was called there", async () => {
    const { positions } = await author.build(
      `local parts = require "parts"
return B.bp {
  id = "x",
  flow = parts.flow(),
}`,
      { roots: [new URL("./fixtures/modules", import.meta.url).pathname] },
    );
    expect(positions[""]).toEqual({ file: "test.bp.lua", line: 2 });
    expect(positions["/flow"]).toEqual({ file: "parts.lua", line: 6 });
  });

  it("keep the whole name of a long file, also for warnings", async () => {
    const file = `${"deep/".repeat(20)}main.bp.lua`;
    const { positions, warnings } = await author.build('\nreturn { F.seq {}, #F.p "$.a" }', { file });
    expect(positions["/0"]).toEqual({ file, line: 2 });
    expect(warnings[0]?.position).toEqual({ file, line: 2 });
  });

  it("point at a table's line however long ago the script made it", async () => {
    const { positions } = await author.build(`
local children = {}
for i = 1, 3 do
  children[i] = F.step {
    agent = "a" .. i, input = i, out = F.p("$.o" .. i) }
end
local all = F.seq(children)
return { flow = all }`);
    expect(lineOf(positions, "/flow/children/2")).toBe(4);
    expect(lineOf(positions, "/flow")).toBe(7);
  });

  it("are read off the text for plain tables, where only one line can be meant", async () => {
    const { positions } = await author.build(`
-- agents = { { name = "commented" } }
return {
  id = "x",
  default_runner = "r",
  agents = {
    { name = "plain", kind = "lua" },
    {
      kind = "lua",
      name = 'quoted (1.0)',
    },
    { name = "twice" }, { name = "commented" },
    B.agent { kind = "lua",
      name = "built" },
  },
  operators = { { name = "twice" } }, constructor = 1,
  flow = F.seq {},
}`);
    const lines = [
      "/id",
      "/default_runner",
      "/agents",
      "/agents/0",
      "/agents/1",
      "/agents/3",
      "/agents/4",
      "/flow",
      "/constructor",
    ];
    expect(lines.map((pointer) => positions[pointer]?.line)).toEqual([4, 5, 6, 7, 10, 12, 13, 17, 16]);
    expect(positions["/agents/2"]).toBeUndefined();
    expect(positions["/operators/0"]).toBeUndefined();
  });
});
