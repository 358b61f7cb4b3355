/** Expressions as people write them: `$.a == "x" and len($.b) < 3`. For showing only; nothing reads it back. */
import { assertNever, type FlowExpr, type FlowPath, renderJson } from "../../flow/index.ts";

/** Characters of a shown expression at most. */
const MAX_LENGTH = 100;

/** Levels shown; what is deeper is an ellipsis. */
const MAX_DEPTH = 12;

const INFIX: Readonly<Record<string, string>> = {
  eq: "==",
  ne: "!=",
  lt: "<",
  lte: "<=",
  gt: ">",
  gte: ">=",
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  mod: "%",
};

/** The expression on one line. */
export function exprText(expr: FlowExpr): string {
  const text = render(expr, 0);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

/** A target: the path it is, or the expression that is no path and will fail. */
export function pathText(target: FlowExpr | FlowPath): string {
  return "op" in target ? exprText(target) : target.text;
}

function render(expr: FlowExpr, depth: number): string {
  if (depth > MAX_DEPTH) return "…";
  const inner = (below: FlowExpr): string => {
    const text = render(below, depth + 1);
    return Object.hasOwn(INFIX, below.op) || below.op === "and" || below.op === "or" || below.op === "in"
      ? `(${text})`
      : text;
  };
  switch (expr.op) {
    case "path":
      return expr.at.text;
    case "lit":
      return renderJson(expr.value, 40);
    case "eq":
    case "ne":
    case "lt":
    case "lte":
    case "gt":
    case "gte":
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "mod":
      return `${inner(expr.lhs)} ${INFIX[expr.op]} ${inner(expr.rhs)}`;
    case "not":
      return `not ${inner(expr.arg)}`;
    case "and":
    case "or":
      return expr.args.length === 0 ? `${expr.op}()` : expr.args.slice(0, 20).map(inner).join(` ${expr.op} `);
    case "exists":
    case "len":
      return `${expr.op}(${render(expr.arg, depth + 1)})`;
    case "in":
      return `${inner(expr.needle)} in ${inner(expr.haystack)}`;
    case "call_extern":
      return `${expr.ref}(${expr.args
        .slice(0, 20)
        .map((arg) => render(arg, depth + 1))
        .join(", ")})`;
    default:
      return assertNever(expr);
  }
}
