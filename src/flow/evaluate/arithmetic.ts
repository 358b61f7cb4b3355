/**
 * `add`, `sub`, `mul`, `div`, `mod`: doubles in, a finite double out, or an error.
 */
import { assertNever } from "../error.ts";
import type { ArithExpr } from "../expr.ts";
import { arithError, typeError } from "../failures.ts";
import type { Json } from "../json.ts";
import { renderJson } from "../json-render.ts";
import type { Evaluate } from "./evaluation.ts";

type Operator = ArithExpr["op"];

const calculate = (op: Operator, a: number, b: number): number => {
  switch (op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "div":
      return a / b;
    case "mod":
      // Lua's: the sign follows the divisor. The formula and not `%`, whose rounding differs.
      return a - Math.floor(a / b) * b;
    default:
      return assertNever(op);
  }
};

const infinity = (result: number): string => (Number.isNaN(result) ? "NaN" : result > 0 ? "inf" : "-inf");

/** Compiles an arithmetic operation. Both operands are evaluated before either is checked, the left one first. */
export const compileArithmetic = (op: Operator, lhs: Evaluate, rhs: Evaluate, pointer: string): Evaluate => {
  const divides = op === "div" || op === "mod";
  const notANumber = (value: Json) => typeError(op, `expected number, got ${renderJson(value)}`, pointer);
  return (world) => {
    const a = lhs(world);
    const b = rhs(world);
    if (typeof a !== "number") throw notANumber(a);
    if (typeof b !== "number") throw notANumber(b);
    if (divides && b === 0) throw arithError(op, "arithmetic failure (division by zero)", pointer);
    const result = calculate(op, a, b);
    if (!Number.isFinite(result)) {
      throw arithError(op, `result not f64-representable: ${infinity(result)}`, pointer);
    }
    return result;
  };
};
