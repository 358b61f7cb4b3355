import { describe, expect, it } from "vitest";
import { compileBlueprint, explainAgent, LAYER_NAMES, layersOf, parseBlueprint } from "../../src/blueprint/index.ts";
import { environmentOf } from "../../src/blueprint-check.ts";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import { FunctionRegistry } from "../../src/workers/index.ts";

const environment = environmentOf({
  functions: new FunctionRegistry(),
  luaScripts: new Map(),
  hostFunctions: new Map(),
  externs: new Map(),
});

const agent = (name: string): JsonObject => ({ name, kind: "function", spec: { fn_id: "identity" } });

function compiled(spawner_hints: JsonObject, more: JsonObject = {}) {
  const parsed = parseBlueprint({
    id: "layers",
    flow: { kind: "step", ref: "a", in: { op: "lit", value: 1 }, out: { op: "path", at: "$.a" } },
    agents: [agent("a")],
    operators: [{ name: "lead" }],
    spawner_hints,
    ...more,
  });
  const findings = (list: readonly { kind: string; level: string; pointer?: string }[]): readonly string[] =>
    list
      .filter(({ kind }) => !kind.startsWith("unused"))
      .map(({ kind, level, pointer }) => `${level} ${kind} ${pointer}`);
  if (parsed.blueprint === undefined) return { found: findings(parsed.diagnostics) };
  const result = compileBlueprint(parsed.blueprint, environment);
  return { found: findings(result.diagnostics), compiled: result.compiled };
}

/** Options that every layer takes. */
const everything: JsonObject = {
  audit: { agents: ["a"] },
  long_hold: { warn_after_ms: 1, extend_by_ms: 1, max_extensions: 1 },
  main_ai: { seat: "lead" },
  senior_escalation: { chain: [{ seat: "lead", timeout_ms: 1 }, { seat: "lead" }] },
  input_inject: { refs: ["x"] },
  resolver: { map: { a: "a" } },
  sink: { endpoint: "http://127.0.0.1/" },
  lua_layer: { source: "function before() end", label: "p.lua", max_retries: 1 },
  timeout: { timeout_ms: 1 },
  retry: { attempts: 2, backoff_ms: 1, max_backoff_ms: 1 },
  circuit_breaker: { failures: 1, half_open_after_ms: 1 },
  bulkhead: { limit: 1, queue: 1 },
  deduplicate: { scope: "host" },
  rate_limit: { rules: [{ key: "k", by: "$.x", concurrency: 1, rate: { limit: 1, per_ms: 1 }, max_waiting: 1 }] },
  budget: { tokens: { limit: 1, per_attempt: 1 }, prices: { m: { input: 1, output: 1 } }, attempts: 1 },
};

describe("layers that a Blueprint asks for", () => {
  it("compile with every option", () => {
    expect(Object.keys(everything)).toEqual(LAYER_NAMES);
    const { found, compiled: blueprint } = compiled({ layers: [...LAYER_NAMES], options: everything });
    expect(found).toEqual([]);
    expect(blueprint?.layers).toEqual(LAYER_NAMES);
    expect(blueprint?.layerOptions).toEqual(everything);
  });

  it.each<[string, JsonObject, readonly string[]]>([
    ["options of no layer", { options: { bulkhed: {} } }, ["error unknown-field /spawner_hints/options/bulkhed"]],
    [
      "an option that does not exist",
      { options: { retry: { tries: 1 } } },
      ["error unknown-field /spawner_hints/options/retry/tries"],
    ],
    [
      "an option out of range",
      { options: { bulkhead: { limit: 0 } } },
      ["error invalid-value /spawner_hints/options/bulkhead/limit"],
    ],
    ["an option that is missing", { options: { timeout: {} } }, ["error missing-field /spawner_hints/options/timeout"]],
    ["no options where there must be some", { layers: ["lua_layer"] }, ["error missing-field /spawner_hints"]],
    ["a layer twice", { layers: ["audit", "audit"] }, ["warn duplicate-name /spawner_hints/layers/1"]],
    [
      "options of a layer that is not listed",
      { options: { audit: {} } },
      ["warn inert-field /spawner_hints/options/audit"],
    ],
    [
      "agents that are not there",
      { layers: ["audit"], options: { audit: { agents: ["a", "b"] } } },
      ["warn unknown-hinted-agent /spawner_hints/options/audit/agents/1"],
    ],
    [
      "a seat that is not there",
      { layers: ["main_ai"], options: { main_ai: { seat: "led" } } },
      ["error unresolved-operator-ref /spawner_hints/options/main_ai/seat"],
    ],
    [
      "a chain with a seat that is not there",
      {
        layers: ["senior_escalation"],
        options: { senior_escalation: { chain: [{ seat: "lead" }, { seat: "boss" }] } },
      },
      ["error unresolved-operator-ref /spawner_hints/options/senior_escalation/chain/1/seat"],
    ],
    [
      "a resolver to nobody",
      { layers: ["resolver"], options: { resolver: { map: { a: "b" } } } },
      ["error unresolved-agent-ref /spawner_hints/options/resolver/map/a"],
    ],
    [
      "a policy that does not parse",
      { layers: ["lua_layer"], options: { lua_layer: { source: "function (" } } },
      ["error lua-syntax /spawner_hints/options/lua_layer/source"],
    ],
    [
      "a queue by no path",
      { layers: ["rate_limit"], options: { rate_limit: { rules: [{ key: "k", by: "tenant" }] } } },
      ["error invalid-value /spawner_hints/options/rate_limit/rules/0/by"],
    ],
    [
      "two rules of one key",
      { layers: ["rate_limit"], options: { rate_limit: { rules: [{ key: "k" }, { key: "k" }] } } },
      ["warn duplicate-name /spawner_hints/options/rate_limit/rules/1/key"],
    ],
  ])("are told of %s", (_, hints, findings) => {
    expect(compiled({ layers: [], ...hints }).found).toEqual(findings);
  });

  it("are left out, with a warning, where the strategy is lenient", () => {
    const strategy: JsonObject = { strict_refs: false };
    const { found, compiled: blueprint } = compiled({ layers: ["main-ai", "budget", "audit"] }, { strategy });
    expect(found).toEqual(["warn unknown-layer /spawner_hints/layers/0", "warn missing-field /spawner_hints"]);
    expect(blueprint?.layers).toEqual(["audit"]);
  });

  it("do not change the version of a Blueprint that has no options", () => {
    const plain = compiled({ layers: ["main_ai"] }).compiled;
    expect(plain?.canonical).toContain('"spawner_hints":{"layers":["main_ai"]}');
  });
});

describe("the stack of an agent", () => {
  const stackOf = (hints: JsonObject, more: JsonObject = {}, name = "a"): readonly string[] => {
    const { compiled: blueprint, found } = compiled(hints, more);
    if (blueprint === undefined) throw new Error(found.join("\n"));
    expect(explainAgent(blueprint, name)?.layers).toEqual(layersOf(blueprint, name));
    return layersOf(blueprint, name);
  };

  it("is the context layers where nothing else is asked for", () => {
    expect(stackOf({ layers: [] })).toEqual(["step_context", "agent_context"]);
  });

  it("has the hint layers between the base layers, the last the outermost", () => {
    const metadata: Json = { project_name_alias: "atlas" };
    const agents = [agent("a"), agent("checker"), { ...agent("b"), runner: { backend: "ws_operator", variant: "v" } }];
    const audits = [{ agent: "checker", steps: ["a"] }];
    const hints = { layers: ["senior_escalation", "main_ai"] };
    expect(stackOf(hints, { metadata, agents, audits })).toEqual([
      "after_run_audit",
      "project_name_alias",
      "step_context",
      "main_ai",
      "senior_escalation",
      "agent_context",
      "worker_binding",
    ]);
    expect(stackOf(hints, { metadata, agents, audits }, "checker")).not.toContain("after_run_audit");
    expect(stackOf(hints, { metadata, agents, audits }, "b")).not.toContain("after_run_audit");
  });

  it("leaves out what is for other agents", () => {
    const agents = [agent("a"), agent("b")];
    const hints = { layers: ["audit"], options: { audit: { agents: ["b"] } } };
    expect(stackOf(hints, { agents })).not.toContain("audit");
    expect(stackOf(hints, { agents }, "b")).toContain("audit");
  });
});
