import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { renderScaffold, ScaffoldError, type ScaffoldRequest, scaffoldTemplateFile } from "../../src/cli/scaffold.ts";
import { SCAFFOLD_TEMPLATES } from "../../src/cli/scaffold-templates.ts";
import type { Json } from "../../src/flow/index.ts";
import { ir, useAuthor } from "./author.ts";

const author = useAuthor();
const { step, seq, branch, path, lit, assign } = ir;

async function scaffold(template: string, more: Partial<ScaffoldRequest> = {}): Promise<string> {
  const file = createRequire(import.meta.url).resolve(`#templates/${scaffoldTemplateFile(template)}`);
  return renderScaffold({ template, name: "demo", ...more }, await readFile(file, "utf8"));
}

interface Built {
  readonly id: string;
  readonly flow: Json;
  readonly agents: readonly { readonly name: string; readonly kind: string; readonly [key: string]: unknown }[];
  readonly [key: string]: unknown;
}

const build = async (template: string, more: Partial<ScaffoldRequest> = {}) =>
  (await author.value(await scaffold(template, more))) as unknown as Built;

const names = ({ agents }: Built) => agents.map(({ name }) => name);

describe("a scaffold", () => {
  it.each(SCAFFOLD_TEMPLATES.map(({ name }) => name))(
    "%s builds without a warning and is complete",
    async (template) => {
      const built = await build(template);
      expect(built).toMatchObject({
        schema_version: "0.1.0",
        id: "demo",
        strategy: { strict_refs: true, strict_kind: true },
        metadata: { description: "Describe what this Blueprint does." },
      });
      expect(await scaffold(template)).toMatch(/^-- demo: /);
    },
  );

  it("pipeline: plain stages", async () => {
    const built = await build("pipeline");
    expect(names(built)).toEqual(["stage1", "stage2"]);
    expect(built.flow).toEqual(
      seq(
        step("stage1", "$.d.stage1", "$.stage1"),
        seq(step("stage2", "$.d.stage2", "$.stage2"), assign("$.pipeline_complete", true)),
      ),
    );
    expect(names(await build("pipeline", { stages: ["a", "b", "c"] }))).toEqual(["a", "b", "c"]);
  });

  it("single: one step with an empty input", async () => {
    const built = await build("single");
    expect(built.flow).toEqual({ kind: "step", ref: "solo", in: lit(""), out: path("$.solo") });
    expect(names(await build("single", { agent: "only" }))).toEqual(["only"]);
  });

  it("verdict: three slots, filled and cut to measure, a fixer and a retry", async () => {
    const built = await build("verdict");
    expect(names(built)).toEqual(["analyze", "review", "publish", "fixer"]);
    expect(built.agents[1]).toMatchObject({ verdict: { channel: "part", values: ["PASS", "BLOCKED"] } });
    const loop = JSON.stringify(built.flow);
    expect(loop).toContain('"max":3');
    expect(loop).toContain("$.halted_at");
    expect(names(await build("verdict", { stages: ["look"] }))).toEqual(["look", "review", "publish", "fixer"]);
    expect(names(await build("verdict", { stages: ["a", "b", "c", "x"] }))).toEqual(["a", "b", "c", "fixer"]);
  });

  it("fanout: a cascade of checkers and one that sums up", async () => {
    const built = await build("fanout");
    expect(names(built)).toEqual(["checker1", "checker2", "aggregate"]);
    const lane = (name: string) => step(name, `$.d.${name}`, `$.lane.${name}`);
    expect(built.flow).toEqual(
      seq(
        assign("$.checkers", ["checker1", "checker2"]),
        {
          kind: "fanout",
          items: path("$.checkers"),
          bind: path("$.item"),
          body: branch({ op: "eq", lhs: path("$.item"), rhs: lit("checker1") }, lane("checker1"), lane("checker2")),
          join: "all",
          out: path("$.results"),
        },
        step("aggregate", "$.results", "$.aggregate"),
      ),
    );
  });

  it("the operators' templates share their agents' shape", async () => {
    for (const template of ["pipeline", "single", "verdict", "fanout"]) {
      const built = await build(template, { operator: "desk-2", binding: "general" });
      expect(built["operators"]).toEqual([{ name: "desk-2", kind: "main_ai" }]);
      for (const agent of built.agents) {
        expect(agent).toMatchObject({
          kind: "operator",
          spec: { operator_ref: "desk-2" },
          profile: { tools: [] },
          runner: { backend: "ws_operator", variant: "general" },
        });
      }
    }
  });

  it("lua and subprocess need no operator", async () => {
    for (const [template, kind] of [
      ["lua", "lua"],
      ["subprocess", "subprocess"],
    ] as const) {
      const built = await build(template);
      expect(built["operators"]).toBeUndefined();
      expect(new Set(built.agents.map((agent) => agent.kind))).toEqual(new Set([kind]));
    }
  });

  it("falls back to the template's own stages where none is named", async () => {
    expect(names(await build("pipeline", { stages: [""] }))).toEqual(["stage1", "stage2"]);
    expect(names(await build("pipeline", { stages: [" a ", ""] }))).toEqual(["a"]);
  });

  it("shows the file it is written to, on one line", async () => {
    expect(await scaffold("lua", { file: "my\nflow.bp.lua" })).toContain("run my?flow.bp.lua");
  });
});

describe("a scaffold is refused", () => {
  const refusals: readonly [string, string, Partial<ScaffoldRequest>, ScaffoldError["code"], string][] = [
    ["an unknown template", "nope", {}, "unknown_template", "pipeline / single / verdict / fanout / lua / subprocess"],
    ["an id that is none", "single", { name: "A b" }, "invalid_name", '"A b"'],
    ["an id that climbs", "single", { name: "../x" }, "invalid_name", '"../x"'],
    ["a stage with a dot", "pipeline", { stages: ["a.b"] }, "invalid_name", '"a.b"'],
    ["a stage with a hyphen", "pipeline", { stages: ["a-b"] }, "invalid_name", '"a-b"'],
    ["a stage with a quote", "pipeline", { stages: ['a"] = 1 --'] }, "invalid_name", "letters, digits"],
    ["an agent that is none", "single", { agent: "1st" }, "invalid_name", '"1st"'],
    ["an operator with a line break", "single", { operator: "a\nb" }, "invalid_name", '"a\\nb"'],
    ["a stage called fixer", "verdict", { stages: ["fixer"] }, "name_clash", '"fixer"'],
    ["a checker called aggregate", "fanout", { stages: ["aggregate"] }, "name_clash", '"aggregate"'],
    ["a stage that is the inputs' key", "pipeline", { stages: ["d"] }, "name_clash", '"d"'],
    ["two stages of one name", "pipeline", { stages: ["a", "a"] }, "name_clash", '"a" names two stages'],
    ["a name that a filled slot has", "verdict", { stages: ["publish"] }, "name_clash", '"publish" names two stages'],
  ];

  it.each(refusals)("for %s", async (_, template, more, code, part) => {
    const error = await scaffold(template, more).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ScaffoldError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(part) });
  });
});
