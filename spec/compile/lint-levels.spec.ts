/** What `lints` maps make of findings: layers, keys, and what no map can change. */
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../src/blueprint/diagnostic.ts";
import { levelFindings } from "../../src/blueprint/lint-levels.ts";
import { diagnose, type LintKind } from "../../src/blueprint/lint-registry.ts";
import type { LintMap } from "../../src/blueprint/schema.ts";
import { agent, blueprint, compile, lint, step } from "./documents.ts";

const finding = (kind: LintKind, name?: string): Diagnostic =>
  diagnose(kind, {
    stage: "compile",
    message: kind,
    ...(name === undefined ? {} : { element: { type: "agent", name } }),
  });

interface Maps {
  readonly call?: LintMap;
  readonly agent?: LintMap;
  readonly blueprint?: LintMap;
}

function level(found: Diagnostic, maps: Maps, linting = true): string {
  const document = blueprint({
    agents: [agent("a", maps.agent === undefined ? {} : { lints: maps.agent })],
    metadata: maps.blueprint === undefined ? {} : { lints: maps.blueprint },
  });
  const { diagnostics, suppressed } = levelFindings([found], document, {
    linting,
    ...(maps.call === undefined ? {} : { lints: maps.call }),
  });
  return suppressed[0] === undefined ? (diagnostics[0]?.level ?? "lost") : `suppressed by ${suppressed[0].source}`;
}

describe("a lints map", () => {
  const gate = finding("dead-gate", "a");

  it.each<[string, Maps, string]>([
    ["no map", {}, "warn"],
    ["allow", { blueprint: { "dead-gate": "allow" } }, "suppressed by blueprint"],
    ["deny", { blueprint: { "dead-gate": "deny" } }, "error"],
    ["a category", { blueprint: { "category:suspicious": "deny" } }, "error"],
    ["a category in any case", { blueprint: { "Category:SUSPICIOUS": "deny" } }, "error"],
    ["another category", { blueprint: { "category:style": "deny" } }, "warn"],
    ["all", { blueprint: { all: "allow" } }, "suppressed by blueprint"],
    [
      "exact over category",
      { blueprint: { "dead-gate": "allow", "category:suspicious": "deny" } },
      "suppressed by blueprint",
    ],
    ["category over all", { blueprint: { "category:suspicious": "deny", all: "allow" } }, "error"],
    [
      "the agent's over the Blueprint's",
      { agent: { all: "allow" }, blueprint: { "dead-gate": "deny" } },
      "suppressed by agent:a",
    ],
    ["the call's over the agent's", { call: { all: "deny" }, agent: { "dead-gate": "allow" } }, "error"],
    [
      "a layer that says nothing of the kind",
      { call: { "lua-syntax": "allow" }, agent: { all: "allow" } },
      "suppressed by agent:a",
    ],
  ])("decides: %s", (_, maps, expected) => {
    expect(level(gate, maps)).toBe(expected);
  });

  it("of an agent is only about findings that span that agent", () => {
    expect(level(finding("dead-gate"), { agent: { all: "allow" } })).toBe("warn");
    expect(level(finding("dead-gate", "b"), { agent: { all: "allow" } })).toBe("warn");
  });

  it("cannot make a hard error less, but can make less of an error that could still run", () => {
    expect(level(finding("unresolved-agent-ref", "a"), { agent: { "unresolved-agent-ref": "allow" } })).toBe("error");
    expect(level(finding("lua-syntax", "a"), { agent: { "lua-syntax": "warn" } })).toBe("warn");
    expect(level(finding("unknown-layer"), { blueprint: { all: "allow" } })).toBe("suppressed by blueprint");
  });

  it("leaves information what it is, unless it is named", () => {
    const info = finding("binding-requirements-info", "a");
    expect(level(info, { blueprint: { all: "warn" } })).toBe("info");
    expect(level(info, { blueprint: { "binding-requirements-info": "warn" } })).toBe("warn");
  });

  it("has keys that objects have, without effect", () => {
    expect(level(finding("dead-gate"), { blueprint: JSON.parse('{"__proto__":"deny","constructor":"deny"}') })).toBe(
      "warn",
    );
  });
});

describe("a wide deny", () => {
  it("makes errors when linting, but keeps nothing from compiling that the reference system compiles", () => {
    const maps = { blueprint: { all: "deny" } } as const;
    expect(level(finding("dead-gate"), maps, true)).toBe("error");
    expect(level(finding("dead-gate"), maps, false)).toBe("warn");
    expect(level(finding("verdict-value-unhandled"), maps, false)).toBe("error");
    expect(level(finding("dead-gate"), { blueprint: { "dead-gate": "deny" } }, false)).toBe("error");
  });

  it("does so in a whole document", () => {
    const document = {
      flow: step("a"),
      agents: [agent("a"), agent("unused")],
      degradation_policy: "warn",
      metadata: { lints: { all: "deny" } },
    };
    expect(compile(document).compiled).toBeDefined();
    expect(lint(document).compiled?.version).toBe(compile(document).compiled?.version);
    expect(
      lint(document)
        .diagnostics.filter((found) => found.level === "error")
        .map(({ kind }) => kind),
    ).toEqual(["unused-agent", "inert-field"]);
  });
});

describe("what is suppressed", () => {
  it("is returned with the map that silenced it", () => {
    const { diagnostics, suppressed } = lint({
      flow: step("a"),
      agents: [agent("a"), agent("spare", { lints: { "unused-agent": "allow" } })],
    });
    expect(diagnostics).toEqual([]);
    expect(suppressed).toMatchObject([
      { source: "agent:spare", diagnostic: { kind: "unused-agent", pointer: "/agents/1" } },
    ]);
  });
});
