/** Expression evaluations a second, compiled once. */
import { compileExpr, decodeExpr, type Json } from "../../src/flow/index.ts";
import { medianMs, type Row, rate } from "./row.ts";

const EVALUATIONS = 200_000;

const expressions: Readonly<Record<string, Json>> = {
  "path $.a.b.c": { op: "path", at: "$.a.b.c" },
  "eq(path, lit)": { op: "eq", lhs: { op: "path", at: "$.a.b.c" }, rhs: { op: "lit", value: "PASS" } },
  "and(exists, lt, in)": {
    op: "and",
    args: [
      { op: "exists", arg: { op: "path", at: "$.a.b" } },
      { op: "lt", lhs: { op: "path", at: "$.n" }, rhs: { op: "lit", value: 10 } },
      { op: "in", needle: { op: "path", at: "$.a.b.c" }, haystack: { op: "lit", value: ["FAIL", "PASS"] } },
    ],
  },
};

/** A row an expression. */
export async function* expressionRows(): AsyncIterable<Row> {
  const ctx: Json = { a: { b: { c: "PASS" } }, n: 3 };
  for (const [name, document] of Object.entries(expressions)) {
    const { evaluate } = compileExpr(decodeExpr(document));
    const ms = await medianMs(5, () => {
      for (let index = 0; index < EVALUATIONS; index += 1) evaluate(ctx);
    });
    yield rate("expression", name, (EVALUATIONS * 1000) / ms, "evaluations/s");
  }
}
