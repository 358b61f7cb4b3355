import { describe, expect, it } from "vitest";
import { decodeExpr, decodeFlow, encodeExpr, encodeFlow, type Json } from "../../src/flow/index.ts";
import { ir, useAuthor } from "./author.ts";

const author = useAuthor();
const A = { op: "path", at: "$.a" };
const lit = (value: Json) => ({ op: "lit", value });

describe("flow_dsl expressions", () => {
  const binary = (op: string) => ({ op, lhs: A, rhs: lit(1) });
  const expressions: readonly [string, Json][] = [
    ['F.p"$.a"', A],
    ["F.p'$[\"a.b\"].c'", { op: "path", at: '$["a.b"].c' }],
    ["F.lit(1)", lit(1)],
    ["F.lit(json.null)", lit(null)],
    ["F.lit{}", lit([])],
    ['F.raw{ op = "path", at = "$.a" }', A],
    ...["eq", "ne", "lt", "lte", "gt", "gte"].map((op): [string, Json] => [`F.p"$.a":${op}(1)`, binary(op)]),
    ['F.p"$.a":And(F.p"$.a")', { op: "and", args: [A, A] }],
    ['F.p"$.a":Or(F.p"$.a"):Or(F.p"$.a")', { op: "or", args: [{ op: "or", args: [A, A] }, A] }],
    ['F.p"$.a":Not()', { op: "not", arg: A }],
    ['F.p"$.a":exists()', { op: "exists", arg: A }],
    ['F.p"$.a":len()', { op: "len", arg: A }],
    ['F.lit{ "x" }:contains(F.p"$.a")', { op: "in", needle: A, haystack: lit(["x"]) }],
    ['F.p"$.a" + 1', binary("add")],
    ['F.p"$.a" - 1', binary("sub")],
    ['F.p"$.a" * 1', binary("mul")],
    ['F.p"$.a" / 1', binary("div")],
    ['F.p"$.a" % 1', binary("mod")],
    ['1 + F.p"$.a"', { op: "add", lhs: lit(1), rhs: A }],
    ['F.call_extern("pick", { F.p"$.a", 2 })', { op: "call_extern", ref: "pick", args: [A, lit(2)] }],
    ['F.call_extern("now")', { op: "call_extern", ref: "now", args: [] }],
    ['F.all{ F.p"$.a", F.p"$.a", F.p"$.a" }', { op: "and", args: [A, A, A] }],
    ["F.any{}", { op: "or", args: [] }],
  ];

  it.each(expressions)("prints %s", async (text, expected) => {
    const value = await author.value(`return (F.unwrap(${text}))`);
    expect(value).toEqual(expected);
    expect(encodeExpr(decodeExpr(value), "0.2")).toEqual(expected);
  });

  it("covers every expression of flow.ir", () => {
    const ops = new Set(JSON.stringify(expressions).match(/"op":"\w+"/g));
    expect(ops.size).toBe(20);
  });
});

describe("flow_dsl nodes", () => {
  const noop = { kind: "seq", children: [] };
  const nodes: readonly [string, Json][] = [
    ['F.step{ id = "n", agent = "w", input = F.p"$.a", out = F.p"$.a" }', { kind: "step", ref: "w", in: A, out: A }],
    ['F.step{ agent = "w", input = { k = 1 }, out = F.p"$.a" }', { kind: "step", ref: "w", in: lit({ k: 1 }), out: A }],
    ["F.seq{}", noop],
    ["F.seq{ F.seq{}, F.seq{} }", { kind: "seq", children: [noop, noop] }],
    ['F.branch{ cond = F.p"$.a", on_true = F.seq{}, on_false = F.seq{} }', ir.branch(A, noop, noop)],
    [
      'F.loop_{ counter = F.p"$.a", cond = F.p"$.a", max = 6 / 2, body = F.seq{} }',
      { kind: "loop", counter: A, cond: A, body: noop, max: 3 },
    ],
    ...["all", "any", "race", "all_settled"].map((join): [string, Json] => [
      `F.fanout{ items = F.p"$.a", bind = F.p"$.a", body = F.seq{}, join = "${join}", out = F.p"$.a" }`,
      { kind: "fanout", items: A, bind: A, body: noop, join, out: A },
    ]),
    ['F.assign{ at = F.p"$.a", value = F.obj() }', { kind: "assign", at: A, value: lit({}) }],
    ["F.try_{ body = F.seq{}, catch = F.seq{} }", { kind: "try", body: noop, catch: noop }],
    [
      'F.try_{ body = F.seq{}, catch = F.seq{}, err_at = F.p"$.a" }',
      { kind: "try", body: noop, catch: noop, err_at: A },
    ],
  ];

  it.each(nodes)("prints %s", async (text, expected) => {
    const value = await author.value(`return (${text})`);
    expect(value).toEqual(expected);
    expect(decodeFlow(encodeFlow(decodeFlow(value), "0.2"))).toEqual(decodeFlow(value));
  });

  it("takes nodes written as plain tables", async () => {
    const value = await author.value('return F.seq{ { kind = "seq", children = {} }, { "seq", {} } }');
    expect(value).toEqual({ kind: "seq", children: [noop, ["seq", []]] });
  });
});

describe("the empty object", () => {
  it("replaces exactly the marker and nothing like it", async () => {
    const key = "[F.EMPTY_OBJECT_MARKER_KEY]";
    const value = await author.value(
      `return { a = F.obj(), b = { F.obj() }, c = {}, d = { ${key} = true, k = 1 }, e = { ${key} = 1 } }`,
    );
    expect(value).toEqual({
      a: {},
      b: [{}],
      c: [],
      d: { __mse_empty_object__: true, k: 1 },
      e: { __mse_empty_object__: 1 },
    });
  });

  it("keeps keys that JavaScript has a meaning for", async () => {
    const { value } = await author.build('return { ["__proto__"] = F.obj(), constructor = { F.obj() } }');
    expect(Object.keys(value as object).sort()).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});
