/**
 * Random JSON, paths, expressions and flows for the property tests. Small alphabets, so that reads meet writes, with the
 * names that JavaScript treats specially among the keys.
 */
import fc from "fast-check";
import { decodeExpr, decodeFlow, type FlowExpr, type FlowNode, type Json } from "../../src/flow/index.ts";

/** Every property runs with this seed: a failure is the same tomorrow. */
export const SEED = 20_261_121;

/** Keys of objects and segments of paths. */
export const key = fc.constantFrom("a", "b", "c", "x.y", "__proto__", "constructor", "length", "0");

const scalar: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  null,
  true,
  false,
  0,
  1,
  2,
  -1.5,
  "",
  "a",
  "\u{1f600}",
  "\uffff",
);

/** JSON values up to three levels deep. `__proto__` is an own key where it occurs. */
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries): Json => Object.fromEntries(entries)),
  ),
})).value;

/** An initial ctx: mostly objects. */
export const ctx: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.array(fc.tuple(key, json), { maxLength: 5 }).map((entries): Json => Object.fromEntries(entries)),
  },
  { weight: 1, arbitrary: json },
);

/** Path texts. */
export const pathText = fc
  .tuple(fc.constantFrom("$", "ctx"), fc.array(key, { maxLength: 3 }))
  .map(([root, keys]) => root + keys.map((name) => (name.includes(".") ? `["${name}"]` : `.${name}`)).join(""));

const path = pathText.map((at) => ({ op: "path", at }));

/** Expression documents. */
export const exprDocument: fc.Arbitrary<Json> = fc.letrec<{ expr: Json }>((tie) => {
  const expr = tie("expr");
  const args = fc.array(expr, { maxLength: 3 });
  return {
    expr: fc.oneof(
      { depthSize: "small", maxDepth: 4, withCrossShrink: true },
      path,
      json.map((value) => ({ op: "lit", value })),
      fc.record({ op: fc.constantFrom("eq", "ne", "lt", "lte", "gt", "gte"), lhs: expr, rhs: expr }),
      fc.record({ op: fc.constantFrom("add", "sub", "mul", "div", "mod"), lhs: expr, rhs: expr }),
      fc.record({ op: fc.constantFrom("not", "exists", "len"), arg: expr }),
      fc.record({ op: fc.constantFrom("and", "or"), args }),
      fc.record({ op: fc.constant("in"), needle: expr, haystack: expr }),
      fc.record({ op: fc.constant("call_extern"), ref: fc.constantFrom("list", "first", "absent"), args }),
    ),
  };
}).expr;

const often = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 14, arbitrary: usual }, { weight: 1, arbitrary: odd });

// Mostly what works, so that a random flow comes some way before it fails: values that are there, conditions that are
// booleans, targets that can be written.
const lit = (value: Json): Json => ({ op: "lit", value });
const whole = fc.constant<Json>({ op: "path", at: "$" });
const present = fc.oneof(json.map(lit), whole);
const value = often(present, exprDocument);
const test = fc.oneof(
  fc.boolean().map(lit),
  pathText.map((at): Json => ({ op: "exists", arg: { op: "path", at } })),
  fc.tuple(fc.constantFrom("eq", "ne"), present, present).map(([op, lhs, rhs]): Json => ({ op, lhs, rhs })),
  fc.tuple(key, json).map(
    ([name, needle]): Json => ({
      op: "and",
      args: [
        { op: "exists", arg: { op: "path", at: `$["${name}"]` } },
        { op: "eq", lhs: { op: "path", at: `$["${name}"]` }, rhs: lit(needle) },
      ],
    }),
  ),
);
const cond = often(test, exprDocument);
const topLevel = key.map((name): Json => ({ op: "path", at: `$["${name}"]` }));
const target = often(fc.oneof({ weight: 3, arbitrary: topLevel }, { weight: 1, arbitrary: path }), fc.constant(lit(1)));
const items = often(
  fc.array(json, { maxLength: 3 }).map((elements): Json => lit(elements)),
  exprDocument,
);

/** Flow documents in dialect 0.3. */
export const flowDocument: fc.Arbitrary<Json> = fc.letrec<{ flow: Json; node: Json; composite: Json; step: Json }>(
  (tie) => {
    const node = tie("node");
    const below = fc.oneof({ weight: 3, arbitrary: tie("composite") }, { weight: 2, arbitrary: node });
    return {
      flow: fc.oneof(
        {
          weight: 3,
          arbitrary: fc.record({
            kind: fc.constant("seq"),
            children: fc.array(tie("composite"), { minLength: 2, maxLength: 5 }),
          }),
        },
        { weight: 1, arbitrary: tie("composite") },
      ),
      step: fc.record({ kind: fc.constant("step"), ref: fc.constantFrom("s", "t"), in: value, out: target }),
      node: fc.oneof(
        { depthSize: "large", maxDepth: 6, withCrossShrink: true },
        tie("step"),
        fc.record({
          kind: fc.constant("let"),
          at: often(
            key.map((name) => `$["${name}"]`),
            pathText,
          ),
          value,
        }),
        tie("composite"),
      ),
      composite: fc.oneof(
        { depthSize: "large", maxDepth: 6, withCrossShrink: true },
        { weight: 2, arbitrary: tie("step") },
        fc.record({ kind: fc.constant("seq"), children: fc.array(node, { minLength: 1, maxLength: 4 }) }),
        // biome-ignore lint/suspicious/noThenProperty: the language's own field name, and no promise.
        fc.record({ kind: fc.constant("branch"), cond, then: below, else: node }),
        {
          weight: 3,
          arbitrary: fc.record({
            kind: fc.constant("fanout"),
            items,
            bind: target,
            body: below,
            join: fc.constantFrom("all", "any", "race", "all_settled"),
            out: target,
          }),
        },
        fc.record({ kind: fc.constant("loop"), counter: target, cond, body: below, max: fc.nat({ max: 3 }) }),
        fc.record(
          { kind: fc.constant("try"), body: below, catch: node, err_at: fc.oneof(fc.constant(null), target) },
          { requiredKeys: ["kind", "body", "catch"] },
        ),
      ),
    };
  },
).flow;

/** Decoded expressions. */
export const expr: fc.Arbitrary<FlowExpr> = exprDocument.map((document) => decodeExpr(document));

/** Decoded flows. */
export const flow: fc.Arbitrary<FlowNode> = flowDocument.map((document) => decodeFlow(document));

/** Decisions of a driver: which open step is answered next, and how. */
export const choices = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 12 });
