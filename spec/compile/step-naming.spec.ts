/** The naming table, case by case. */
import { describe, expect, it } from "vitest";
import { buildStepNaming, resolveStepName, stepAliases } from "../../src/blueprint/step-naming.ts";
import { decodeFlow, type JsonObject } from "../../src/flow/index.ts";
import { assign, branch, eq, fanout, lit, loop, seq, step } from "./documents.ts";

const build = (flow: JsonObject, declared: Readonly<Record<string, string>> = {}) =>
  buildStepNaming(decodeFlow(flow), new Map(Object.entries(declared)));

describe("step naming", () => {
  it("takes the declared name, and keeps ref and out key as aliases", () => {
    const { naming } = build(step("planner", "$.plan"), { planner: "plan-out" });
    expect(naming.canonical.get("planner")).toBe("plan-out");
    expect(["planner", "plan", "plan-out", "ghost"].map((name) => resolveStepName(naming, name))).toEqual([
      "plan-out",
      "plan-out",
      "plan-out",
      undefined,
    ]);
  });

  it("takes the ref where nothing is declared", () => {
    const { naming } = build(step("worker", "$.result"));
    expect(naming.canonical.get("worker")).toBe("worker");
    expect(stepAliases(naming, "worker")).toEqual(["worker", "result"]);
  });

  it("has one alias where ref and out key are equal", () => {
    expect(stepAliases(build(step("scout")).naming, "scout")).toEqual(["scout"]);
  });

  it("unites the aliases of a ref that is dispatched several times, without a clash with itself", () => {
    const { naming, collisions, shared } = build(seq(step("a", "$.x"), step("a", "$.y"), step("a", "$.lane.a")));
    expect(stepAliases(naming, "a")).toEqual(["a", "x", "y", "lane"]);
    expect([collisions, shared]).toEqual([[], []]);
  });

  it("refuses a declared name that is another step's ref", () => {
    const { collisions } = build(seq(step("a", "$.x"), step("b", "$.y")), { a: "b" });
    expect(collisions).toEqual([{ name: "b", declaredBy: "a", others: ["b"] }]);
  });

  it("refuses a name declared twice, and one that another step writes to", () => {
    expect(build(seq(step("a"), step("b")), { a: "n", b: "n" }).collisions).toEqual([
      { name: "n", declaredBy: "a", others: ["b"] },
    ]);
    expect(build(seq(step("a", "$.x"), step("b", "$.n")), { a: "n" }).collisions).toHaveLength(1);
  });

  it("gives a contested name to the step whose ref it is, else to the first", () => {
    const byRef = build(seq(step("foo", "$.bar"), step("bar", "$.baz")));
    expect(byRef.shared).toEqual([{ name: "bar", owner: "bar", others: ["foo"] }]);
    expect(resolveStepName(byRef.naming, "bar")).toBe("bar");
    const byOrder = build(seq(step("first", "$.r"), step("second", "$.r")));
    expect(byOrder.shared).toEqual([{ name: "r", owner: "first", others: ["second"] }]);
    expect(resolveStepName(byOrder.naming, "r")).toBe("first");
  });

  it("lets nobody have a name that several steps only write below", () => {
    const { naming, shared } = build(seq(step("a", "$.r.a"), step("b", "$.r.b")));
    expect(resolveStepName(naming, "r")).toBeUndefined();
    expect(shared).toEqual([]);
  });

  it("drops a weak claim in favour of a ref, declared or not, without a word", () => {
    const plain = build(seq(step("r", "$.o"), step("b", "$.r.x")));
    expect([resolveStepName(plain.naming, "r"), plain.shared]).toEqual(["r", []]);
    const declared = build(seq(step("a", "$.o"), step("b", "$.r.x")), { a: "r" });
    expect([declared.collisions, resolveStepName(declared.naming, "r")]).toEqual([[], "r"]);
  });

  it("keeps a weak claim that is alone", () => {
    expect(resolveStepName(build(step("a", "$.r.a")).naming, "r")).toBe("a");
  });

  it("takes a bracketed key as one key", () => {
    const { naming } = build(step("a", '$["x.y"]'));
    expect(stepAliases(naming, "a")).toEqual(["a", "x.y"]);
  });

  it("ignores the root, non-path targets and assigns, and looks into every kind of node", () => {
    const flow = seq(
      step("root", "$"),
      { kind: "step", ref: "odd", in: lit(1), out: lit("$.o") },
      assign("$.z", lit(1)),
      branch(eq("$.z", 1), step("then"), step("else")),
      fanout(lit([1]), step("lane")),
      loop(lit(true), step("turn")),
      { kind: "try", body: step("body"), catch: step("caught") },
    );
    const { naming } = build(flow);
    expect([...naming.canonical.keys()]).toEqual(["root", "odd", "then", "else", "lane", "turn", "body", "caught"]);
    expect(resolveStepName(naming, "z")).toBeUndefined();
  });

  it("has no trouble with names that objects have", () => {
    const { naming } = build(seq(step("__proto__"), step("constructor")));
    expect(["__proto__", "constructor", "toString"].map((name) => resolveStepName(naming, name))).toEqual([
      "__proto__",
      "constructor",
      undefined,
    ]);
  });
});
