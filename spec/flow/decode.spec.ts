import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkFlow,
  type DecodeOptions,
  decodeExpr,
  decodeFlow,
  deepEqual,
  encodeExpr,
  encodeFlow,
  FlowError,
  type Json,
  nodeExprs,
  walkExprs,
  walkNodes,
  walkSteps,
} from "../../src/flow/index.ts";
import { assign, attempt, fanout, lit, loop, path, seq, step } from "./flow-text.ts";
import { exprDocument, flowDocument, SEED } from "./random-flow.ts";

const problems = (document: unknown, options: DecodeOptions = {}) =>
  checkFlow(document, options).map((problem) => [
    problem.pointer,
    problem.message.replace(/^parse error at [^:]*: /, ""),
  ]);

describe("decoding and encoding", () => {
  it("round-trip in both dialects", () => {
    fc.assert(
      fc.property(flowDocument, exprDocument, (document, expr) => {
        const root = decodeFlow(document);
        const newer = encodeFlow(root, "0.3");
        expect(decodeFlow(newer, { dialect: "0.3" })).toEqual(root);
        expect(deepEqual(encodeFlow(decodeFlow(newer), "0.3"), newer)).toBe(true);
        const older = encodeFlow(root, "0.2");
        const again = decodeFlow(older, { dialect: "0.2" });
        expect(deepEqual(encodeFlow(again, "0.2"), older)).toBe(true);
        expect(JSON.stringify(older)).not.toContain('"kind":"let"');

        const tree = decodeExpr(expr);
        expect(decodeExpr(encodeExpr(tree, "0.3"))).toEqual(tree);
        expect(deepEqual(encodeExpr(decodeExpr(encodeExpr(tree, "0.2")), "0.2"), encodeExpr(tree, "0.2"))).toBe(true);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  it("make one tree of both dialects", () => {
    const older = { kind: "assign", at: path("$.a"), value: lit(1) };
    const newer = { kind: "let", at: "$.a", value: lit(1) };
    expect(decodeFlow(older)).toEqual(decodeFlow(newer));
    expect(encodeFlow(decodeFlow(older), "0.3")).toEqual(newer);
    expect(encodeFlow(decodeFlow({ kind: "let", at: "ctx.a", value: path("ctx") }), "0.2")).toEqual({
      ...older,
      value: path("$"),
    });
  });

  it("cannot write every 0.2 document in 0.3, and says so", () => {
    const root = decodeFlow({ kind: "assign", at: lit("x"), value: lit(1) });
    expect(() => encodeFlow(root, "0.3")).toThrow(
      "dialect 0.3 cannot write a let whose target is the expression 'lit'",
    );
  });

  it("freeze the tree and leave the document as it was", () => {
    const document = seq(step("a"), fanout("all", lit([{ a: 1 }]), seq()));
    const before = JSON.stringify(document);
    const root = decodeFlow(document);
    expect(JSON.stringify(document)).toBe(before);
    walkNodes(root, ({ node }) => expect(Object.isFrozen(node)).toBe(true));
    if (root.kind === "seq") expect(Object.isFrozen(root.children)).toBe(true);
  });

  it("accept the positional form", () => {
    expect(decodeFlow(["step", "r", ["lit", 1], ["path", "$.o"]])).toEqual(decodeFlow(step("r", "$.o", lit(1))));
    expect(decodeFlow(["try", ["seq", []], ["seq", []]])).toEqual(
      decodeFlow({ ...(attempt(seq()) as object), err_at: null }),
    );
    expect(problems(["seq", [], 1])).toEqual([["", "'seq' as an array has 2 fields, expected 1: children"]]);
    expect(problems([])[0]?.[1]).toContain("unknown kind a value that is not JSON (undefined)");
  });
});

describe("what is wrong with a document", () => {
  it("is said all at once, in document order, each with its place", () => {
    const document = {
      kind: "seq",
      comment: "no",
      children: [
        { kind: "step", ref: 5, in_: lit(1), out: "$.o" },
        { kind: "loop", counter: path("$x"), cond: { op: "ge", lhs: lit(1) }, body: null, max: 3.5 },
        { kind: "Seq", children: [] },
        fanout("allSettled", lit(1), seq()),
        { kind: "let", at: path("$.a"), value: lit(undefined as unknown as Json) },
        "seq",
      ],
    };
    expect(problems(document, { basePointer: "/flow" })).toEqual([
      ["/flow/comment", "unknown field 'comment' in 'seq', expected children"],
      ["/flow/children/0/in_", "unknown field 'in_' (did you mean 'in'?) in 'step', expected ref, in, out"],
      ["/flow/children/0", "missing field 'in' of 'step'"],
      ["/flow/children/0/ref", "expected a string, found number 5"],
      ["/flow/children/0/out", "expected an expression (an object with 'op'), found the string '$.o'"],
      ["/flow/children/1/max", "expected an integer from 0 to 4294967295, found number 3.5"],
      ["/flow/children/1/counter/at", "invalid path syntax '$x': expected '.', '[', or end-of-string right after '$'"],
      [
        "/flow/children/1/cond/op",
        "unknown op 'ge' (did you mean 'gte'?), expected one of path, lit, eq, ne, lt, lte, gt, gte, not, and, or, " +
          "exists, add, sub, mul, div, mod, len, in, call_extern",
      ],
      ["/flow/children/1/body", "expected a node (an object with 'kind'), found null"],
      [
        "/flow/children/2/kind",
        "unknown kind 'Seq' (did you mean 'seq'?), expected one of step, seq, branch, fanout, loop, try, let, assign",
      ],
      [
        "/flow/children/3/join",
        "unknown join 'allSettled' (did you mean 'all_settled'?), expected one of all, any, race, all_settled",
      ],
      ["/flow/children/4/at", "expected a path (a string that starts with '$'), found an object"],
      ["/flow/children/4/value/value", "the literal cannot be used: undefined is not a JSON value"],
      ["/flow/children/5", "expected a node (an object with 'kind'), found the string 'seq'"],
    ]);
    expect(() => decodeFlow(document)).toThrow("parse error at /comment: unknown field 'comment'");
  });

  it("is bounded in number and in length", () => {
    const bad = seq(...Array.from({ length: 1000 }, () => ({ kind: "x".repeat(1000) })));
    const found = checkFlow(bad);
    expect(found).toHaveLength(100);
    for (const problem of found) expect(problem.message.length).toBeLessThan(300);
  });

  it("names special keys as any other", () => {
    const document = JSON.parse('{"kind":"seq","children":[],"__proto__":1,"constructor":2}') as Json;
    expect(problems(document).map(([pointer]) => pointer)).toEqual(["/__proto__", "/constructor"]);
    for (const kind of ["__proto__", "constructor", "toString"]) {
      expect(problems({ kind })[0]?.[1]).toContain(`unknown kind '${kind}'`);
      expect(() => decodeExpr({ op: kind })).toThrow(`unknown op '${kind}'`);
    }
  });

  it("does not depend on where the tag comes from: inherited names are not fields", () => {
    expect(() => decodeFlow(Object.create({ kind: "seq", children: [] }))).toThrow("missing field 'kind'");
  });

  it("holds a document to one dialect where it is told to", () => {
    expect(problems(assign("$.a", lit(1)), { dialect: "0.2" })[0]?.[1]).toContain("unknown kind 'let'");
    expect(problems({ kind: "assign", at: path("$.a"), value: lit(1) }, { dialect: "0.3" })[0]?.[1]).toContain(
      "unknown kind 'assign'",
    );
    expect(problems(step("a", "ctx.o"), { dialect: "0.2" })).toEqual([
      ["/out/at", "invalid path syntax 'ctx.o': path must start with '$'"],
    ]);
    expect(problems(step("a", "ctx.o"))).toEqual([]);
  });
});

describe("walking a flow", () => {
  const root = decodeFlow(seq(step("a"), loop(2, fanout("all", path("$.xs"), step("b"))), attempt(seq(), step("c"))));

  it("visits nodes in document order with their places", () => {
    const nodes: string[] = [];
    walkNodes(root, (at) => nodes.push(`${at.nodePath} ${at.node.kind} ${at.pointer} ${at.depth}`));
    expect(nodes).toEqual([
      "root seq  0",
      "0 step /children/0 1",
      "1 loop /children/1 1",
      "1.body fanout /children/1/body 2",
      "1.body.body step /children/1/body/body 3",
      "2 try /children/2 1",
      "2.body seq /children/2/body 2",
      "2.catch step /children/2/catch 2",
    ]);
    const steps: string[] = [];
    walkSteps(root, (at) => steps.push(at.node.ref));
    expect(steps).toEqual(["a", "b", "c"]);
  });

  it("visits every expression with a pointer that leads to it in the document", () => {
    fc.assert(
      fc.property(flowDocument, (document) => {
        const flow = decodeFlow(document);
        const encoded = encodeFlow(flow, "0.2");
        walkNodes(flow, ({ node, pointer }) => {
          for (const { expr, pointer: at } of nodeExprs(node, pointer)) {
            walkExprs(expr, at, (visit) => {
              const found = visit.pointer
                .split("/")
                .slice(1)
                .reduce<unknown>((value, token) => (value as Record<string, unknown>)[token], encoded);
              expect(deepEqual(found as Json, encodeExpr(visit.expr, "0.2"))).toBe(true);
            });
          }
        });
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

describe("a flow error", () => {
  it("is read back from its JSON with everything but cause and stack", () => {
    const error = new FlowError("type_error", "type error in 'cmp': x", {
      op: "cmp",
      pointer: "/a",
      details: { n: 1 },
      cause: new Error("inner"),
    }).at({ nodePath: "1.body", pointer: "/elsewhere", key: "1.~0" });
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.pointer).toBe("/a");
    const json = JSON.parse(JSON.stringify(error.toJson())) as Json;
    expect(FlowError.fromJson(json)?.toJson()).toEqual(error.toJson());
    for (const other of [null, {}, { kind: "type_error" }, { kind: "nope", message: "x" }, "x"]) {
      expect(FlowError.fromJson(other)).toBeUndefined();
    }
  });
});
