import { describe, expect, it } from "vitest";
import { dot } from "../../src/cli/show/dot.ts";
import { exprText } from "../../src/cli/show/expr-text.ts";
import { type FlowGraph, flowGraph, type GraphCluster, type GraphNode } from "../../src/cli/show/flow-graph.ts";
import { flowTree } from "../../src/cli/show/flow-tree.ts";
import { mermaid } from "../../src/cli/show/mermaid.ts";
import { makeStyle } from "../../src/cli/style.ts";
import { decodeExpr, decodeFlow } from "../../src/flow/index.ts";

const path = (at: string): object => ({ op: "path", at });
const lit = (value: unknown): object => ({ op: "lit", value });
const step = (ref: string): object => ({ kind: "step", ref, in: path("$.in"), out: path(`$.${ref}`) });
const kindOf = (ref: string): string | undefined => (ref === "ghost" ? undefined : "lua");

const everything = decodeFlow({
  kind: "seq",
  children: [
    step("fetch"),
    {
      kind: "fanout",
      items: path("$.items"),
      bind: path("$.item"),
      join: "any",
      out: path("$.first"),
      body: step("ghost"),
    },
    {
      kind: "loop",
      counter: path("$.n"),
      max: 3,
      cond: { op: "lt", lhs: path("$.n"), rhs: lit(2) },
      body: {
        kind: "branch",
        cond: { op: "exists", arg: path("$.x") },
        // biome-ignore lint/suspicious/noThenProperty: the wire name of flow.ir
        then: step("mend"),
        else: { kind: "seq", children: [] },
      },
    },
    {
      kind: "try",
      body: step("risky"),
      catch: { kind: "assign", at: path("$.ok"), value: lit(false) },
      err_at: path("$.err"),
    },
  ],
});

function nodesOf(graph: FlowGraph): readonly GraphNode[] {
  const flat = (members: readonly (GraphNode | GraphCluster)[]): readonly GraphNode[] =>
    members.flatMap((member) => ("members" in member ? flat(member.members) : [member]));
  return flat(graph.members);
}

describe("a flow as a tree", () => {
  it("has one line a node", () => {
    expect(flowTree(everything, kindOf, makeStyle(false))).toEqual([
      "in order",
      "├─ fetch (lua) $.in -> $.fetch",
      "├─ fanout any $.item of $.items -> $.first",
      "│  └─ ghost (no such agent) $.in -> $.ghost",
      "├─ while $.n < 2 at most 3 turns, counted in $.n",
      "│  └─ if exists($.x)",
      "│     ├─ then mend (lua) $.in -> $.mend",
      "│     └─ else nothing",
      "└─ try error -> $.err",
      "   ├─ do risky (lua) $.in -> $.risky",
      "   └─ catch $.ok = false",
    ]);
  });
});

describe("a flow as a graph", () => {
  const graph = flowGraph(everything, kindOf);

  it("leads from start to every node and to the end", () => {
    const reached = new Set<string>();
    const waiting = ["n0"];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      for (const edge of graph.edges) if (edge.from === id) waiting.push(edge.to);
    }
    expect([...reached].sort()).toEqual(
      nodesOf(graph)
        .map(({ id }) => id)
        .sort(),
    );
    expect(nodesOf(graph).filter(({ shape }) => shape === "terminal")).toHaveLength(2);
  });

  it("passes an arm without nodes by, and comes back from a loop's body", () => {
    const loop = nodesOf(graph).find(({ label }) => label === "$.n < 2")?.id;
    const into = graph.edges.filter(({ to }) => to === loop);
    expect(into.map(({ label }) => label)).toEqual([undefined, undefined, "no"]);
  });

  it("is an error's way where a try catches", () => {
    expect(graph.edges.filter(({ onError }) => onError)).toHaveLength(1);
  });

  it("is Mermaid", () => {
    expect(mermaid(graph).split("\n").slice(0, 12)).toEqual([
      "flowchart TD",
      '  n0(["start"])',
      '  n1["fetch<br/>lua"]',
      '  subgraph c0["fanout any: $.item of $.items -#62; $.first"]',
      '    n2["ghost<br/>no such agent"]',
      "  end",
      '  subgraph c1["loop, at most 3 turns"]',
      '    n3{"$.n #60; 2"}',
      '    n4{"exists($.x)"}',
      '    n5["mend<br/>lua"]',
      "  end",
      '  n6{{"try"}}',
    ]);
    expect(mermaid(graph)).toContain("  n6 -.->|error| n8\n");
  });

  it("is DOT", () => {
    const text = dot('a "name"', graph);
    expect(text.startsWith('digraph "a \\"name\\"" {\n')).toBe(true);
    expect(text).toContain('    n2 [shape=box, label="ghost\\nno such agent"];');
    expect(text).toContain('  n6 -> n8 [label="error", style=dashed];');
    expect(text.split("{").length).toBe(text.split("}").length);
  });

  it("keeps names that mean something to the drawing languages as they are", () => {
    const hostile = flowGraph(decodeFlow(step('x"]; end <b>&#\\')), kindOf);
    expect(mermaid(hostile)).toContain('n1["x#34;]; end #60;b#62;#38;#35;\\<br/>lua"]');
    expect(dot("d", hostile)).toContain('label="x\\"]; end <b>&#\\\\\\nlua"');
  });
});

describe("expressions", () => {
  it.each([
    [
      {
        op: "and",
        args: [
          { op: "eq", lhs: path("$.a"), rhs: lit("x") },
          { op: "not", arg: path("$.b") },
        ],
      },
      '($.a == "x") and not $.b',
    ],
    [{ op: "or", args: [] }, "or()"],
    [{ op: "in", needle: path("$.v"), haystack: lit(["A", "B"]) }, '$.v in ["A","B"]'],
    [
      { op: "mul", lhs: { op: "add", lhs: lit(1), rhs: lit(2) }, rhs: { op: "len", arg: path("$.l") } },
      "(1 + 2) * len($.l)",
    ],
    [{ op: "call_extern", ref: "best", args: [path("$.a"), lit(null)] }, "best($.a, null)"],
  ])("%j", (document, text) => {
    expect(exprText(decodeExpr(document))).toBe(text);
  });

  it("are short, however large they are", () => {
    let deep: object = path("$.x");
    for (let level = 0; level < 500; level += 1) deep = { op: "not", arg: deep };
    expect(exprText(decodeExpr(deep)).length).toBeLessThan(110);
    expect(exprText(decodeExpr(lit("y".repeat(10_000)))).length).toBeLessThan(110);
  });
});
