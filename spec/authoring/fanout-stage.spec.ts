import { readFile } from "node:fs/promises";
import canonicalize from "canonicalize";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { ir, useAuthor } from "./author.ts";

const author = useAuthor();
const { step, seq, branch, path, lit } = ir;

const fanout = (items: Json, body: Json, more: Record<string, Json> = {}) => ({
  kind: "fanout",
  items,
  bind: path("$.item"),
  body,
  join: "all",
  out: path("$.s"),
  ...more,
});

const stage = (fields: string, pipeline = "") =>
  author.value(`return (B.pipeline { B.stage "s" { ${fields} }, ${pipeline} })`);

const cascade = (...lanes: [string, Json][]): Json =>
  lanes.reduceRight<Json | undefined>(
    (rest, [name, run]) =>
      rest === undefined ? run : branch({ op: "eq", lhs: path("$.item"), rhs: lit(name) }, run, rest),
    undefined,
  ) ?? null;

describe("a fanout stage with one agent", () => {
  it("runs it on every item of the stage's input", async () => {
    expect(await stage('fanout = { agent = "x" }')).toEqual(
      seq(fanout(path("$.d.s"), step("x", "$.item", "$.branch_out")), seq()),
    );
  });

  it("takes its paths and its join", async () => {
    expect(
      await stage(
        'input = "$.list", out = "$.r", fanout = { agent = "x", bind = "$.i", lane_out = "$.o", join = "any" }',
      ),
    ).toEqual(
      seq(fanout(path("$.list"), step("x", "$.i", "$.o"), { bind: path("$.i"), join: "any", out: path("$.r") }), seq()),
    );
  });

  it("takes items as an expression, as a stage's output, or as a literal", async () => {
    const itemsOf = async (items: string) => {
      const value = await author.value(
        `return (B.pipeline { B.stage "a" { agent = "y", out = "$.o.a" }, B.stage "s" { fanout = { agent = "x", items = ${items} } } })`,
      );
      return JSON.stringify(value).match(/"items":(\{.*?\})[,}]/)?.[1];
    };
    expect(JSON.parse((await itemsOf('F.p"$.list"')) ?? "")).toEqual(path("$.list"));
    expect(JSON.parse((await itemsOf('B.from "a"')) ?? "")).toEqual(path("$.o.a"));
    expect(JSON.parse((await itemsOf("{ 1, 2 }")) ?? "")).toEqual(lit([1, 2]));
  });

  it("reads the stage before under chain, and is guarded by skip_on as a whole", async () => {
    const value = await author.value(
      'return (B.pipeline { B.stage "a" { agent = "y" }, B.stage "s" { fanout = { agent = "x" }, skip_on = { "SKIP" } }, chain = true })',
    );
    expect(value).toEqual(
      seq(
        step("y", "$.d.a", "$.a"),
        seq(
          branch(
            { op: "in", needle: path('$.a.parts["verdict"]'), haystack: lit(["SKIP"]) },
            seq(),
            seq(fanout(path("$.a"), step("x", "$.item", "$.branch_out"))),
          ),
          seq(),
        ),
      ),
    );
  });

  it("is not gated by gate_default auto", async () => {
    expect(await stage('fanout = { agent = "x" }', 'gate_default = "auto"')).toEqual(
      seq(fanout(path("$.d.s"), step("x", "$.item", "$.branch_out")), seq()),
    );
  });
});

describe("a fanout stage with lanes", () => {
  it("runs each lane's agent on its own input, the last lane last", async () => {
    expect(await stage('fanout = { lanes = { "a", "b", "c" } }')).toEqual(
      seq(
        fanout(
          lit(["a", "b", "c"]),
          cascade(
            ["a", step("a", "$.d.a", "$.lane.a")],
            ["b", step("b", "$.d.b", "$.lane.b")],
            ["c", step("c", "$.d.c", "$.lane.c")],
          ),
        ),
        seq(),
      ),
    );
  });

  it("is a bare step with a single lane", async () => {
    expect(await stage('fanout = { lanes = { "a" } }')).toEqual(
      seq(fanout(lit(["a"]), step("a", "$.d.a", "$.lane.a")), seq()),
    );
  });

  it("takes a lane's name, agent and paths", async () => {
    const value = await author.value(`return (B.pipeline {
      B.stage "plan" { agent = "p" },
      B.stage "s" { fanout = { lanes = {
        { lane = "style", agent = "x", input = B.from "plan", out = "$.o.style" },
        { lane = "tests" },
        { agent = "y", input = "$.q" },
      } } },
    })`);
    expect(value).toEqual(
      seq(
        step("p", "$.d.plan", "$.plan"),
        seq(
          fanout(
            lit(["style", "tests", "y"]),
            cascade(
              ["style", step("x", "$.plan", "$.o.style")],
              ["tests", step("tests", "$.d.tests", "$.lane.tests")],
              ["y", step("y", "$.q", "$.lane.y")],
            ),
          ),
          seq(),
        ),
      ),
    );
  });

  it("lets a later stage read the joined result", async () => {
    const value = await author.value(
      'return (B.pipeline { B.stage "s" { fanout = { lanes = { "a" } } }, B.stage "sum" { agent = "z", input = B.from "s" } })',
    );
    expect(canonicalize(value)).toContain(canonicalize(step("z", "$.s", "$.sum")));
  });

  it("prints what the same flow written by hand prints", async () => {
    const fixture = (name: string) => readFile(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
    const [sugar, raw] = await Promise.all([fixture("fanout-stage.bp.lua"), fixture("fanout-stage-raw.bp.lua")]);
    expect(await author.value(sugar)).toEqual(await author.value(raw));
  });
});
