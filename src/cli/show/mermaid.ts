/** A FlowGraph in Mermaid's flowchart language. */
import type { FlowGraph, GraphCluster, GraphNode, GraphShape } from "./flow-graph.ts";

const BRACKETS: Readonly<Record<GraphShape, readonly [string, string]>> = {
  terminal: ["([", "])"],
  step: ["[", "]"],
  write: ["[/", "/]"],
  decision: ["{", "}"],
  guard: ["{{", "}}"],
};

/** The drawing as text, with a newline at its end. */
export function mermaid(graph: FlowGraph): string {
  const lines = ["flowchart TD"];
  const add = (member: GraphNode | GraphCluster, indent: string): void => {
    if ("members" in member) {
      lines.push(`${indent}subgraph ${member.id}[${quoted(member.label)}]`);
      for (const inner of member.members) add(inner, `${indent}  `);
      lines.push(`${indent}end`);
    } else {
      const [open, close] = BRACKETS[member.shape];
      lines.push(`${indent}${member.id}${open}${quoted(member.label)}${close}`);
    }
  };
  for (const member of graph.members) add(member, "  ");
  for (const { from, to, label, onError } of graph.edges) {
    lines.push(`  ${from} ${onError ? "-.->" : "-->"}${label === undefined ? "" : `|${label}|`} ${to}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Mermaid has no escapes inside quotes but its own entity codes. */
function quoted(text: string): string {
  const safe = text
    .replace(/[#&<>"`|]/g, (character) => `#${character.charCodeAt(0)};`)
    .replaceAll("\n", "<br/>")
    .replace(/\p{Cc}/gu, " ");
  return `"${safe}"`;
}
