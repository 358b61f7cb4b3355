/**
 * Walks over a decoded flow for the compiler: every node and every expression with its JSON pointer in the Blueprint.
 *
 * Walks are iterative, so that the depth of a document never is the depth of the stack, and in document order.
 */
import type { FlowExpr, FlowNode } from "../../flow/index.ts";

/** Where the flow is in the document. */
export const FLOW_POINTER = "/flow";

/** A node and where it is. */
export interface NodeSite {
  readonly node: FlowNode;
  /** JSON pointer into the Blueprint. */
  readonly pointer: string;
}

/** An expression and where it is. */
export interface ExprSite {
  readonly expr: FlowExpr;
  /** JSON pointer into the Blueprint. */
  readonly pointer: string;
}

/** Every node, parents first, children in the order they run. */
export function* walkNodes(root: FlowNode, pointer: string = FLOW_POINTER): Generator<NodeSite, void, undefined> {
  const ahead: NodeSite[] = [{ node: root, pointer }];
  for (let site = ahead.pop(); site !== undefined; site = ahead.pop()) {
    yield site;
    ahead.push(...childNodes(site).reverse());
  }
}

/** The nodes directly inside a node, in the order they run. */
export function childNodes({ node, pointer }: NodeSite): NodeSite[] {
  switch (node.kind) {
    case "seq":
      return node.children.map((child, index) => ({ node: child, pointer: `${pointer}/children/${index}` }));
    case "branch":
      return [
        { node: node.then, pointer: `${pointer}/then` },
        { node: node.else, pointer: `${pointer}/else` },
      ];
    case "fanout":
    case "loop":
      return [{ node: node.body, pointer: `${pointer}/body` }];
    case "try":
      return [
        { node: node.body, pointer: `${pointer}/body` },
        { node: node.catch, pointer: `${pointer}/catch` },
      ];
    case "step":
    case "let":
      return [];
  }
}

/** The expressions directly on a node that are evaluated for their value, by field. */
export function valueExprs({ node, pointer }: NodeSite): readonly ExprSite[] {
  switch (node.kind) {
    case "step":
      return [{ expr: node.in, pointer: `${pointer}/in` }];
    case "branch":
    case "loop":
      return [{ expr: node.cond, pointer: `${pointer}/cond` }];
    case "fanout":
      return [{ expr: node.items, pointer: `${pointer}/items` }];
    case "let":
      return [{ expr: node.value, pointer: `${pointer}/value` }];
    case "seq":
    case "try":
      return [];
  }
}

/** The expressions on a node that say where something is written. */
export function targetExprs({ node, pointer }: NodeSite): readonly ExprSite[] {
  switch (node.kind) {
    case "step":
      return [{ expr: node.out, pointer: `${pointer}/out` }];
    case "loop":
      return [{ expr: node.counter, pointer: `${pointer}/counter` }];
    case "fanout":
      return [
        { expr: node.bind, pointer: `${pointer}/bind` },
        { expr: node.out, pointer: `${pointer}/out` },
      ];
    case "let":
      return [{ expr: node.at, pointer: `${pointer}/at` }];
    case "try":
      return node.err_at === undefined ? [] : [{ expr: node.err_at, pointer: `${pointer}/err_at` }];
    case "seq":
    case "branch":
      return [];
  }
}

/** An expression and everything inside it, parents first, left to right. */
export function* walkExpr(site: ExprSite): Generator<ExprSite, void, undefined> {
  const ahead: ExprSite[] = [site];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    yield next;
    ahead.push(...operands(next).reverse());
  }
}

/** The expressions directly inside an expression, left to right. */
export function operands({ expr, pointer }: ExprSite): ExprSite[] {
  switch (expr.op) {
    case "path":
    case "lit":
      return [];
    case "not":
    case "exists":
    case "len":
      return [{ expr: expr.arg, pointer: `${pointer}/arg` }];
    case "and":
    case "or":
    case "call_extern":
      return expr.args.map((arg, index) => ({ expr: arg, pointer: `${pointer}/args/${index}` }));
    case "in":
      return [
        { expr: expr.needle, pointer: `${pointer}/needle` },
        { expr: expr.haystack, pointer: `${pointer}/haystack` },
      ];
    default:
      return [
        { expr: expr.lhs, pointer: `${pointer}/lhs` },
        { expr: expr.rhs, pointer: `${pointer}/rhs` },
      ];
  }
}
