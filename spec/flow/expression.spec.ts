import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codePointCount, compareStrings } from "../../src/flow/code-points.ts";
import { compileExpr, decodeExpr, deepEqual, FlowError, type Json, renderJson } from "../../src/flow/index.ts";
import { evaluateNaively, keysReversed } from "./naive-evaluator.ts";
import { ctx, expr, json, SEED } from "./random-flow.ts";
import { externs } from "./scripted-driver.ts";

const outcome = (run: () => Json): Json | FlowError => {
  try {
    return run();
  } catch (error) {
    if (error instanceof FlowError) return error;
    throw error;
  }
};
const evaluate = (document: Json, value: Json = {}) => compileExpr(decodeExpr(document)).evaluate(value, externs);
const lit = (value: Json): Json => ({ op: "lit", value });
const error = (document: Json, value: Json = {}): FlowError => {
  const result = outcome(() => evaluate(document, value));
  if (result instanceof FlowError) return result;
  throw new Error(`evaluated to ${JSON.stringify(result)}`);
};

describe("expressions", () => {
  it("agree with a naive evaluator in value, error kind and error text", () => {
    const seen = { values: 0, errors: 0 };
    fc.assert(
      fc.property(expr, ctx, (tree, value) => {
        const ours = outcome(() => compileExpr(tree).evaluate(value, externs));
        const theirs = outcome(() => evaluateNaively(tree, value, externs));
        if (theirs instanceof FlowError) {
          expect(ours).toBeInstanceOf(FlowError);
          expect([(ours as FlowError).kind, (ours as FlowError).message]).toEqual([theirs.kind, theirs.message]);
          seen.errors += 1;
        } else {
          expect(ours).toEqual(theirs);
          seen.values += 1;
        }
      }),
      { seed: SEED, numRuns: 4000 },
    );
    expect(Math.min(seen.values, seen.errors)).toBeGreaterThan(1000);
  });

  it("say where in the document they failed", () => {
    const document = { op: "and", args: [lit(true), { op: "lt", lhs: lit(1), rhs: { op: "path", at: "$.a.b" } }] };
    expect(error(document).pointer).toBe("/args/1/rhs");
    expect(error(document, { a: { b: "x" } })).toMatchObject({ kind: "type_error", op: "cmp", pointer: "/args/1" });
  });

  it("bound the values they show, without splitting a character", () => {
    const long = { a: Array.from({ length: 100_000 }, (_, index) => index), b: "x" };
    const message = error({ op: "len", arg: { op: "not", arg: lit(long) } }).message;
    expect(message).toBe("type error in 'expr.len': len: unsupported type false");
    const text = error({ op: "add", lhs: lit(long), rhs: lit(1) }).message;
    expect(text).toMatch(/^type error in 'add': expected number, got \{"a":\[0,1,2,.*\.\.\.$/);
    expect(text.length).toBeLessThan(260);
    expect(renderJson("\u{1f600}".repeat(300)).isWellFormed()).toBe(true);
  });

  it("show values the same whatever the order of their keys", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(renderJson(value)).toBe(renderJson(keysReversed(value)));
        if (renderJson(value).length < 200) expect(deepEqual(JSON.parse(renderJson(value)) as Json, value)).toBe(true);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  it("order and measure strings by code point", () => {
    const points = fc.string({ unit: "binary", maxLength: 6 });
    fc.assert(
      fc.property(points, points, (a, b) => {
        const bytes = Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
        expect(Math.sign(compareStrings(a, b))).toBe(bytes);
        expect(codePointCount(a)).toBe([...a].length);
      }),
      { seed: SEED, numRuns: 1500 },
    );
    expect(evaluate({ op: "lt", lhs: lit("\uffff"), rhs: lit("\u{10000}") })).toBe(true);
  });

  it("wrap what a host function throws and refuse what is not JSON", () => {
    const call = compileExpr(decodeExpr({ op: "call_extern", ref: "f", args: [] }));
    const from = (value: () => unknown) =>
      outcome(() => call.evaluate({}, { call: () => value() as Json })) as FlowError;
    const boom = new RangeError("boom");
    const wrapped = from(() => {
      throw boom;
    });
    expect(wrapped).toMatchObject({ kind: "extern_error", ref: "f", message: "extern error for ref 'f': boom" });
    expect(wrapped.cause).toBe(boom);
    expect(from(() => ({ a: [undefined] })).message).toBe(
      "extern error for ref 'f': returned a value that is not JSON at /a/0: undefined is not a JSON value",
    );
    expect(from(() => Number.NaN).kind).toBe("extern_error");
    expect(from(() => 1n).kind).toBe("extern_error");
  });

  it("compare structures of any depth and give up on endless ones", () => {
    const nest = (depth: number): Json => JSON.parse("[".repeat(depth) + "]".repeat(depth)) as Json;
    expect(deepEqual(nest(100_000), nest(100_000))).toBe(true);
    expect(deepEqual(nest(100_000), nest(99_999))).toBe(false);
    // Forty doublings of shared arrays: a trillion pairs if they were all looked at.
    const doubled = () => {
      let value: Json = [1];
      for (let turn = 0; turn < 40; turn += 1) value = [value, value];
      return value;
    };
    const tree = decodeExpr({ op: "eq", lhs: { op: "path", at: "$.a" }, rhs: { op: "path", at: "$.b" } });
    const result = outcome(() => compileExpr(tree, { maxTransitions: 1000 }).evaluate({ a: doubled(), b: doubled() }));
    expect(result).toMatchObject({ kind: "limit_exceeded" });
  });
});
