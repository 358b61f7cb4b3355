/**
 * Schema of flow.ir as it is written in a document, in both dialects.
 *
 * For editors, and for finding every mistake of a broken flow at once. The decoder of `src/flow` has the last word; a
 * test keeps the field tables of the two equal.
 */
import { type TSchema, type TUnsafe, Type } from "@sinclair/typebox";
import type { JsonObject } from "../../flow/index.ts";
import { closed, free, list, maybe, named, oneWord, tagged, text, whole } from "./object.ts";

const node = (description: string): TUnsafe<JsonObject> => named("FlowNode", description);
const expr = (description: string): TUnsafe<JsonObject> => named("FlowExpr", description);
const path = (description: string) =>
  text(
    `${description} A path is \`$\` or \`ctx\`, then \`.key\` or \`["key"]\` segments; there are no array indexes.`,
    {
      examples: ["$.input", '$.result["a.b"]'],
    },
  );

const variant =
  (tag: string, prefix: string) =>
  (word: string, description: string, fields: Readonly<Record<string, TSchema>>): TSchema =>
    closed(`${prefix}${pascal(word)}`, description, {
      [tag]: Type.Literal(word, { description }),
      ...fields,
    });

const pascal = (word: string): string => word.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

const nodeOf = variant("kind", "Node");
const exprOf = variant("op", "Expr");

const target = (what: string) => expr(`${what}; must be a \`path\` expression.`);

export const FlowNodeSchema = tagged("FlowNode", "kind", "A node of the flow, told apart by `kind`.", [
  nodeOf("step", "Dispatches one agent and writes its value.", {
    ref: text("Name of the agent."),
    in: expr("The step's input."),
    out: target("Where the step's value is written"),
  }),
  nodeOf("seq", "Runs its children in order.", {
    children: list(named("FlowNode"), "The nodes, first to last; may be empty."),
  }),
  nodeOf("branch", "Runs one of two arms.", {
    cond: expr("What decides; must yield a boolean."),
    // biome-ignore lint/suspicious/noThenProperty: the field is called so on the wire
    then: node("Runs when the condition is true."),
    else: node('Runs when the condition is false; `{"kind":"seq","children":[]}` does nothing.'),
  }),
  nodeOf("loop", "Runs its body while the condition holds.", {
    counter: target("Where the number of finished turns is kept"),
    cond: expr("Looked at before each turn; null and false end the loop."),
    body: node("Runs once a turn."),
    max: whole("Turns at most.", 0, 4_294_967_295),
  }),
  nodeOf("fanout", "Runs its body once for each item, each lane in a ctx of its own.", {
    items: expr("The items; must yield an array."),
    bind: target("Where a lane finds its item"),
    body: node("Runs once an item."),
    join: oneWord("How the lanes become one result.", {
      all: "The final ctx of every lane; the first error ends the fanout.",
      any: "The first lane that succeeds; the others are cancelled.",
      race: "The first lane that ends, well or badly; the others are cancelled.",
      all_settled: "What became of every lane; no lane's error ends the fanout.",
    }),
    out: target("Where the joined result is written"),
  }),
  nodeOf("try", "Runs its body; on an error runs `catch` with the ctx as it was before.", {
    body: node("Runs first."),
    catch: node("Runs when the body failed."),
    err_at: maybe(expr("Where the error's text is written; must be a `path` expression.")),
  }),
  nodeOf("assign", "Writes a value (dialect 0.2).", {
    at: target("Where the value is written"),
    value: expr("The value."),
  }),
  nodeOf("let", "Writes a value (dialect 0.3).", {
    at: path("Where the value is written."),
    value: expr("The value."),
  }),
]);

const left = expr("Left operand.");
const right = expr("Right operand.");
const binary = { lhs: left, rhs: right };

export const FlowExprSchema = tagged("FlowExpr", "op", "An expression, told apart by `op`.", [
  exprOf("path", "Reads the ctx; a missing path is an error outside `exists`.", { at: path("What is read.") }),
  exprOf("lit", "A value as it stands.", { value: free("Any JSON value; nothing inside it is evaluated.") }),
  exprOf("eq", "Whether two values are equal, all the way down.", binary),
  exprOf("ne", "Whether two values differ.", binary),
  exprOf("lt", "Whether the left is less: two numbers or two strings.", binary),
  exprOf("lte", "Whether the left is less or equal.", binary),
  exprOf("gt", "Whether the left is greater.", binary),
  exprOf("gte", "Whether the left is greater or equal.", binary),
  exprOf("not", "Negation; only null and false are false.", { arg: expr("What is negated.") }),
  exprOf("and", "Whether all hold; evaluates no further than it must. Empty: true.", {
    args: list(named("FlowExpr"), "What must hold."),
  }),
  exprOf("or", "Whether any holds; evaluates no further than it must. Empty: false.", {
    args: list(named("FlowExpr"), "What may hold."),
  }),
  exprOf("exists", "Whether a value is there and not null.", { arg: expr("Usually a `path`.") }),
  exprOf("add", "Sum of two numbers.", binary),
  exprOf("sub", "Difference of two numbers.", binary),
  exprOf("mul", "Product of two numbers.", binary),
  exprOf("div", "Quotient of two numbers; division by zero is an error.", binary),
  exprOf("mod", "Remainder with the sign of the divisor.", binary),
  exprOf("len", "Elements of an array, keys of an object, characters of a string.", { arg: expr("What is measured.") }),
  exprOf("in", "Whether an array holds an element.", {
    needle: expr("The element."),
    haystack: expr("The array."),
  }),
  exprOf("call_extern", "Calls a pure function registered with the host.", {
    ref: text("Name of the function."),
    args: list(named("FlowExpr"), "Arguments, in order; may be empty."),
  }),
]);
