/** A FlowGraph in Graphviz' DOT language. */
import type { FlowGraph, GraphCluster, GraphNode, GraphShape } from "./flow-graph.ts";

const SHAPES: Readonly<Record<GraphShape, string>> = {
  terminal: "oval",
  step: "box",
  write: "note",
  decision: "diamond",
  guard: "hexagon",
};

/** The drawing as text, with a newline at its end. */
export function dot(name: string, graph: FlowGraph): string {
  const lines = [`digraph ${quoted(name)} {`, "  node [fontname=sans];"];
  const add = (member: GraphNode | GraphCluster, indent: string): void => {
    if ("members" in member) {
      // Graphviz draws a frame only around subgraphs whose name starts with "cluster".
      lines.push(`${indent}subgraph cluster_${member.id} {`, `${indent}  label=${quoted(member.label)};`);
      for (const inner of member.members) add(inner, `${indent}  `);
      lines.push(`${indent}}`);
    } else lines.push(`${indent}${member.id} [shape=${SHAPES[member.shape]}, label=${quoted(member.label)}];`);
  };
  for (const member of graph.members) add(member, "  ");
  for (const { from, to, label, onError } of graph.edges) {
    const attributes = [
      ...(label === undefined ? [] : [`label=${quoted(label)}`]),
      ...(onError ? ["style=dashed"] : []),
    ];
    lines.push(`  ${from} -> ${to}${attributes.length === 0 ? "" : ` [${attributes.join(", ")}]`};`);
  }
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

function quoted(text: string): string {
  const escaped = text
    .replace(/["\\]/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replace(/\p{Cc}/gu, " ");
  return `"${escaped}"`;
}
