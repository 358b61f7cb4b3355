/**
 * Walking a flow: every node with its place, every expression of a node. Iterative, in document order.
 */
import { assertNever } from "./error.ts";
import { EXPR_FIELDS, type FlowExpr } from "./expr.ts";
import { type FlowNode, NODE_FIELDS, type StepNode } from "./node.ts";
import { ROOT_KEY } from "./step-key.ts";

/** A node and where it is. */
export interface NodeVisit<Node extends FlowNode = FlowNode> {
  readonly node: Node;
  /** Path of the node, e.g. `2.body.0`; `root` for the flow itself. */
  readonly nodePath: string;
  /** JSON pointer below the flow document, e.g. `/children/2/body/children/0`. */
  readonly pointer: string;
  /** Levels of nodes above it. */
  readonly depth: number;
}

/** An expression and where it is. */
export interface ExprVisit {
  readonly expr: FlowExpr;
  /** JSON pointer below the flow document (or below the pointer the walk was given). */
  readonly pointer: string;
}

/** A node directly below another. */
export interface ChildNode {
  readonly node: FlowNode;
  /** The child's part of node paths and step keys; empty for none of them. */
  readonly label: string;
  /** The child's part of a JSON pointer, with its slash. */
  readonly pointer: string;
}

/** The nodes directly below a node, in document order. */
export const childNodes = (node: FlowNode): readonly ChildNode[] => {
  const child = (label: string, below: FlowNode): ChildNode => ({ node: below, label, pointer: `/${label}` });
  switch (node.kind) {
    case "seq":
      return node.children.map((below, index) => ({ node: below, label: `${index}`, pointer: `/children/${index}` }));
    case "branch":
      return [child("then", node.then), child("else", node.else)];
    case "fanout":
    case "loop":
      return [child("body", node.body)];
    case "try":
      return [child("body", node.body), child("catch", node.catch)];
    case "step":
    case "let":
      return [];
    default:
      return assertNever(node);
  }
};

/** Visits a node and every node below it, parents before children, in document order. */
export const walkNodes = (root: FlowNode, visit: (at: NodeVisit) => void): void => {
  const waiting: NodeVisit[] = [{ node: root, nodePath: ROOT_KEY, pointer: "", depth: 0 }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    visit(at);
    const { nodePath, pointer, depth } = at;
    for (const child of childNodes(at.node).toReversed()) {
      waiting.push({
        node: child.node,
        nodePath: depth === 0 ? child.label : `${nodePath}.${child.label}`,
        pointer: pointer + child.pointer,
        depth: depth + 1,
      });
    }
  }
};

/** Visits every step node, in document order. */
export const walkSteps = (root: FlowNode, visit: (at: NodeVisit<StepNode>) => void): void => {
  walkNodes(root, (at) => {
    if (at.node.kind === "step") visit({ ...at, node: at.node });
  });
};

/** Visits an expression and every expression inside it, in document order. `pointer` is that of `root`. */
export const walkExprs = (root: FlowExpr, pointer: string, visit: (at: ExprVisit) => void): void => {
  const waiting: ExprVisit[] = [{ expr: root, pointer }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    visit(at);
    for (const inner of fieldExprs(at.expr, EXPR_FIELDS[at.expr.op], at.pointer).toReversed()) waiting.push(inner);
  }
};

/** The expressions a node holds itself, in wire order: not those of the nodes below it. */
export const nodeExprs = (node: FlowNode, pointer: string): readonly ExprVisit[] =>
  fieldExprs(node, NODE_FIELDS[node.kind], pointer);

const fieldExprs = (element: object, table: (typeof NODE_FIELDS)["seq"], pointer: string): readonly ExprVisit[] => {
  const found: ExprVisit[] = [];
  for (const [name, kind] of table) {
    const value = (element as Readonly<Record<string, unknown>>)[name];
    if (kind === "exprs") {
      for (const [index, expr] of (value as readonly FlowExpr[]).entries()) {
        found.push({ expr, pointer: `${pointer}/${name}/${index}` });
      }
    } else if ((kind === "expr" || kind === "optional_expr" || kind === "target") && value !== undefined) {
      found.push({ expr: value as FlowExpr, pointer: `${pointer}/${name}` });
    }
  }
  return found;
};
