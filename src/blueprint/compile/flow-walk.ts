/**
 * Places in the flow for the compiler: nodes and expressions with their JSON pointers in the Blueprint.
 *
 * The walk over a whole flow is the language's own; what is here goes one level down, for passes that follow control flow.
 */
import { type FlowExpr, type FlowNode, walkNodes } from "../../flow/index.ts";

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

/** Every node from `root` on, parents first, in document order. `pointer` is that of `root`. */
export function nodeSites(root: FlowNode, pointer: string = FLOW_POINTER): readonly NodeSite[] {
  const sites: NodeSite[] = [];
  walkNodes(root, (visit) => sites.push({ node: visit.node, pointer: pointer + visit.pointer }));
  return sites;
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
