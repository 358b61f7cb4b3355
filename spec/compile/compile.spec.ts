/** The compiler as a whole: all findings at once, what is compiled, and documents it must take. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileBlueprint, explainAgent, resolveStepName } from "../../src/blueprint/index.ts";
import { parseBlueprint } from "../../src/blueprint/parse.ts";
import type { JsonObject } from "../../src/flow/index.ts";
import { agent, blueprint, branch, compile, eq, host, judge, lit, operator, path, seq, step } from "./documents.ts";

describe("compiling", () => {
  it("reports everything at once, and compiles nothing then", () => {
    const { compiled, diagnostics } = compile({
      flow: seq(
        step("ghost"),
        step("a", "$.a", lit({ $step_meta: { ref: "m1" } })),
        step("j"),
        branch(eq("$.j", "MAYBE")),
        step("n1", "$.n1"),
        step("n2", "$.n2"),
      ),
      agents: [
        agent("a", { meta: { meta_ref: "m2" } }),
        agent("a"),
        { name: "f", kind: "function", spec: { fn_id: "nope" } },
        operator("o", { spec: { operator_ref: "seatless" } }),
        { name: "o2", kind: "operator", spec: { operator_ref: "main" } },
        { name: "r", kind: "lua", spec: { source: "" }, runner_ref: "ghost-runner" },
        judge("j", "body", ["YES"]),
        agent("n1", { meta: { projection_name: "n2" } }),
        agent("n2"),
      ],
      operators: [{ name: "main" }],
      audits: [{ agent: "nobody" }],
      spawner_hints: { layers: ["operator_delegate"] },
      projection_placement: { dir_template: "flat" },
    });
    expect(compiled).toBeUndefined();
    const errors = diagnostics.filter(({ level }) => level === "error");
    expect([...new Set(errors.map(({ kind }) => kind))].sort()).toEqual(
      [
        "bound-agent-resolution",
        "duplicate-agent-name",
        "invalid-agent-spec",
        "invalid-projection-placement",
        "removed-spawner-hint",
        "step-naming-collision",
        "unresolved-agent-ref",
        "unresolved-audit-agent",
        "unresolved-meta-ref",
        "unresolved-operator-ref",
        "verdict-value-not-in-contract",
        "worker-binding-missing",
      ].sort(),
    );
    for (const { kind, message, pointer } of errors) {
      expect({ kind, pointer }).toMatchObject({ pointer: expect.stringMatching(/^\//) });
      // The offender is named.
      expect(message).toMatch(/'[^']+'|projection_placement/);
    }
  });

  it("lists the names that are defined where one is not", () => {
    const { diagnostics } = compile({ flow: step("b"), agents: [agent("a")], audits: [{ agent: "aa" }] });
    expect(diagnostics.find(({ kind }) => kind === "unresolved-agent-ref")?.notes).toEqual(["agents: 'a'"]);
    expect(diagnostics.find(({ kind }) => kind === "unresolved-audit-agent")).toMatchObject({
      notes: ["agents: 'a'"],
      help: "did you mean 'a'?",
    });
  });

  it("returns the program, the agents and everything a run needs", () => {
    const document = blueprint({
      id: "whole",
      flow: seq(step("a", "$.x"), step("b")),
      agents: [agent("a", { meta: { projection_name: "first" } }), agent("b"), agent("checker")],
      metas: [
        { name: "m", ctx: { k: 1 } },
        { name: "odd", ctx: 5 },
      ],
      audits: [{ agent: "checker", steps: ["a"], mode: "sync" }],
      spawner_hints: { layers: ["senior_escalation", "main_ai"] },
    });
    const { compiled } = compileBlueprint(document, host);
    expect(compiled?.program.steps.map(({ ref, pointer }) => [ref, pointer])).toEqual([
      ["a", "/children/0"],
      ["b", "/children/1"],
    ]);
    expect([...(compiled?.agents.keys() ?? [])]).toEqual(["a", "b", "checker"]);
    expect(compiled?.layers).toEqual(["senior_escalation", "main_ai"]);
    expect([...(compiled?.metas ?? [])]).toEqual([["m", { k: 1 }]]);
    expect(compiled?.audits).toEqual([{ agent: "checker", steps: ["a"], mode: "sync" }]);
    expect(compiled?.version).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(compiled?.blueprint).toBe(document);
    expect(compiled && resolveStepName(compiled.naming, "x")).toBe("first");
    expect(compiled?.placement.root).toBe("work_dir");
  });

  it("is pure: the same document gives an equal result, and is not changed", () => {
    const document = blueprint({ flow: step("a"), agents: [agent("a", { meta: { ctx: { k: [1] } } })] });
    const before = JSON.stringify(document);
    const [first, second] = [compileBlueprint(document, host), compileBlueprint(document, host)];
    expect(second.compiled?.version).toBe(first.compiled?.version);
    expect(second.compiled?.agents).toEqual(first.compiled?.agents);
    expect(JSON.stringify(document)).toBe(before);
  });

  it("takes a flow of either dialect", () => {
    const flow = seq(step("a", "ctx.a"), { kind: "let", at: "ctx.x", value: path("ctx.a") });
    const { compiled, diagnostics } = compile({ flow, agents: [agent("a")] });
    expect([compiled?.program.steps.length, diagnostics]).toEqual([1, []]);
  });

  it("reports a flow past the host's limits, and still checks the rest", () => {
    let flow = seq();
    for (let depth = 0; depth < 30; depth += 1) flow = seq(flow);
    const { compiled, diagnostics } = compileBlueprint(blueprint({ flow, agents: [{ name: "f", kind: "function" }] }), {
      ...host,
      limits: { maxDepth: 10 },
    });
    expect(compiled).toBeUndefined();
    expect(diagnostics.map(({ kind }) => kind)).toEqual(["invalid-flow", "invalid-agent-spec"]);
    expect(diagnostics.find(({ kind }) => kind === "invalid-flow")?.pointer).toMatch(/^\/flow/);
  });

  it("leaves agents with names that objects have alone", () => {
    const names = ["__proto__", "constructor", "hasOwnProperty"];
    const { compiled } = compile({
      flow: seq(...names.map((name) => step(name))),
      agents: names.map((name) => agent(name)),
    });
    expect([...(compiled?.agents.keys() ?? [])]).toEqual(names);
  });
});

describe("what the reference system compiles", () => {
  it.each<[string, JsonObject]>([
    ["operators of one name", { operators: [{ name: "x" }, { name: "x" }] }],
    ["write targets that are no paths", { flow: { kind: "assign", at: lit("$.x"), value: lit(1) } }],
    ["a meta that is no object", { metas: [{ name: "m", ctx: [] }] }],
    ["a contract without values", { flow: step("j"), agents: [judge("j", "part", [])] }],
    [
      "an unparsable prompt",
      {
        flow: step("o"),
        agents: [operator("o", { profile: { system_prompt: "{% if" } })],
        operators: [{ name: "main" }],
      },
    ],
    [
      "a runner of another kind",
      { flow: step("a"), agents: [agent("a", { runner: { backend: "ws_operator", variant: "v" } })] },
    ],
    ["hints for nobody", { hints: { per_agent: { x: 1 }, global: 2 } }],
    ["an unregistered extern", { flow: branch({ op: "call_extern", ref: "x", args: [] }) }],
    ["an audit of an unknown step", { agents: [agent("a")], audits: [{ agent: "a", steps: ["x"] }] }],
    ["an unguarded gate", { flow: seq(step("a"), branch(eq("$.a.parts.verdict", "X"))), agents: [agent("a")] }],
    ["a dead gate", { flow: branch({ op: "or", args: [] }) }],
    ["lints that deny all", { metadata: { lints: { all: "deny" } }, agents: [agent("unused")] }],
  ])("compiles here, with a word about it: %s", (_, document) => {
    const { compiled, diagnostics } = compile(document);
    expect(compiled).toBeDefined();
    expect(diagnostics.length).toBeGreaterThan(0);
  });
});

describe("Blueprints shaped like the reference's samples", () => {
  const fixtures = new URL("../blueprint/fixtures/", import.meta.url);
  const files = readdirSync(fixtures).filter((name) => name.endsWith(".json"));

  it("are there", () => {
    expect(files.map((name) => name.slice(0, 2))).toEqual(["01", "02", "03", "04", "05", "11"]);
  });

  it.each(files)("%s compiles, and every agent can be explained", (name) => {
    const { blueprint: parsed } = parseBlueprint(JSON.parse(readFileSync(new URL(name, fixtures), "utf8")));
    if (parsed === undefined) throw new Error(`${name} does not parse`);
    const { compiled, diagnostics } = compileBlueprint(parsed, host);
    expect(diagnostics.filter(({ level }) => level === "error")).toEqual([]);
    expect(compiled?.agents.size).toBe(parsed.agents.length);
    for (const { name: agentName, runner } of compiled?.agents.values() ?? []) {
      expect(compiled && explainAgent(compiled, agentName)).toMatchObject({ agent: { name: agentName } });
      expect(
        runner === undefined ||
          runner.backend !== "subprocess" ||
          parsed.subprocesses.some((t) => t.name === runner.template),
      ).toBe(true);
    }
    for (const compiledAgent of compiled?.agents.values() ?? []) {
      expect(compiledAgent.runnerSource).not.toBe("legacy_worker_binding");
    }
  });
});
