/** A flow as an indented tree: one line a node, in document order. */
import { assertNever, type FlowNode } from "../../flow/index.ts";
import { oneLine, type Style } from "../style.ts";
import { exprText, pathText } from "./expr-text.ts";

/** The kind of the agent a step names, or `undefined` where there is none. */
export type KindOf = (ref: string) => string | undefined;

interface Branching {
  readonly label: string;
  readonly node: FlowNode;
}

/** The tree's lines, the first of which is the flow itself. */
export function flowTree(root: FlowNode, kindOf: KindOf, style: Style): readonly string[] {
  const lines: string[] = [];
  const visit = (node: FlowNode, label: string, head: string, tail: string): void => {
    const name = label === "" ? "" : `${style.faint(label)} `;
    lines.push(`${style.faint(head)}${name}${nodeText(node, kindOf, style)}`);
    const below = branches(node);
    for (const [index, child] of below.entries()) {
      const last = index === below.length - 1;
      const { tee, elbow, bar } = style.glyphs;
      visit(child.node, child.label, `${tail}${last ? elbow : tee} `, `${tail}${last ? " " : bar}  `);
    }
  };
  visit(root, "", "", "");
  return lines;
}

function nodeText(node: FlowNode, kindOf: KindOf, style: Style): string {
  switch (node.kind) {
    case "step": {
      const kind = kindOf(node.ref);
      const worker = kind === undefined ? style.bad("(no such agent)") : style.faint(`(${kind})`);
      const data = style.faint(oneLine(`${exprText(node.in)} -> ${pathText(node.out)}`));
      return `${style.strong(oneLine(node.ref))} ${worker} ${data}`;
    }
    case "seq":
      return node.children.length === 0 ? "nothing" : "in order";
    case "branch":
      return `if ${style.active(oneLine(exprText(node.cond)))}`;
    case "fanout": {
      const lanes = `${pathText(node.bind)} of ${exprText(node.items)}`;
      return `fanout ${style.active(node.join)} ${oneLine(lanes)} ${style.faint(`-> ${oneLine(pathText(node.out))}`)}`;
    }
    case "loop": {
      const turns = `at most ${node.max} turns, counted in ${pathText(node.counter)}`;
      return `while ${style.active(oneLine(exprText(node.cond)))} ${style.faint(oneLine(turns))}`;
    }
    case "try":
      return node.err_at === undefined ? "try" : `try ${style.faint(`error -> ${oneLine(pathText(node.err_at))}`)}`;
    case "let":
      return oneLine(`${pathText(node.at)} = ${exprText(node.value)}`);
    default:
      return assertNever(node);
  }
}

function branches(node: FlowNode): readonly Branching[] {
  switch (node.kind) {
    case "seq":
      return node.children.map((child) => ({ label: "", node: child }));
    case "branch":
      return [
        { label: "then", node: node.then },
        { label: "else", node: node.else },
      ];
    case "fanout":
    case "loop":
      return [{ label: "", node: node.body }];
    case "try":
      return [
        { label: "do", node: node.body },
        { label: "catch", node: node.catch },
      ];
    case "step":
    case "let":
      return [];
    default:
      return assertNever(node);
  }
}
