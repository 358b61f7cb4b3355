/** Conditions and arms that cannot do what they look like, and those that can. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/flow/index.ts";
import { agent, assign, branch, compile, eq, fanout, isIn, lint, lit, loop, path, seq, step } from "./documents.ts";

const kindsOf = (flow: JsonObject) => compile({ flow, agents: [agent("a")] }).diagnostics.map(({ kind }) => kind);
const places = (flow: JsonObject, kind: string) =>
  compile({ flow, agents: [agent("a")] })
    .diagnostics.filter((found) => found.kind === kind)
    .map(({ pointer }) => pointer);

const and = (...args: readonly JsonObject[]): JsonObject => ({ op: "and", args });
const or = (...args: readonly JsonObject[]): JsonObject => ({ op: "or", args });
const not = (arg: JsonObject): JsonObject => ({ op: "not", arg });

describe("a constant condition", () => {
  it.each<[string, JsonObject, boolean]>([
    ["false, as == on an expression leaves it in Lua", lit(false), true],
    ["and with a false operand", and(eq("$.x", 1), lit(false)), true],
    ["or with a true operand", or(eq("$.x", 1), lit(true)), true],
    ["not of a constant", not(lit(true)), true],
    ["an and of nothing", and(), true],
    ["unequal literals", { op: "ne", lhs: lit({ a: 1 }), rhs: lit({ a: 2 }) }, true],
    ["and with a true operand", and(eq("$.x", 1), lit(true)), false],
    ["or with a false operand", or(eq("$.x", 1), lit(false)), false],
    ["a path", path("$.x"), false],
    ["a path compared with itself", { op: "eq", lhs: path("$.x"), rhs: path("$.x") }, false],
  ])("%s", (_, cond, constant) => {
    expect(places(branch(cond), "constant-condition")).toEqual(constant ? ["/flow/cond"] : []);
  });

  it("is how a loop says how often, when it is true", () => {
    expect(places(loop(lit(true), seq()), "constant-condition")).toEqual([]);
    expect(places(loop(lit(false), seq()), "constant-condition")).toEqual(["/flow/cond"]);
  });
});

describe("a dead gate", () => {
  it.each<[string, JsonObject, readonly string[]]>([
    ["an or of nothing", or(), ["/flow/cond"]],
    ["membership in nothing", isIn("$.x", []), ["/flow/cond"]],
    ["inside an and", and(eq("$.x", 1), or()), ["/flow/cond/args/1"]],
    ["but not inside an or, where the rest can fire", or(eq("$.x", 1), or()), []],
  ])("is %s", (_, cond, expected) => {
    expect(places(branch(cond), "dead-gate")).toEqual(expected);
  });

  it("is said once, as that", () => {
    expect(kindsOf(seq(step("a"), branch(or())))).toEqual(["dead-gate"]);
  });
});

describe("an unreachable lane", () => {
  it("is an arm whose word an earlier arm of its chain has, in either spelling", () => {
    const flipped = { op: "eq", lhs: lit("x"), rhs: path("$.k") };
    const flow = branch(eq("$.k", "x"), seq(), branch(eq("$.k", "y"), seq(), branch(flipped)));
    expect(places(flow, "unreachable-lane")).toEqual(["/flow/else/else/then"]);
  });

  it("is not an arm with another word, another path, or in a chain of its own", () => {
    const inner = branch(eq("$.k", "x"));
    expect(
      places(branch(eq("$.k", "x"), inner, branch(eq("$.l", "x"), seq(), branch(eq("$.k", "y")))), "unreachable-lane"),
    ).toEqual([]);
  });

  it("is a lane of a fanout that no item selects; the last lane takes the rest", () => {
    const lanes = branch(eq("$.item", "a"), step("a"), branch(eq("$.item", "b"), step("a"), step("a", "$.c")));
    expect(places(fanout(lit(["a", "c"]), lanes), "unreachable-lane")).toEqual(["/flow/body/else/then"]);
    expect(places(fanout(path("$.items"), lanes), "unreachable-lane")).toEqual([]);
  });
});

describe("a write under a scalar", () => {
  it.each<[string, JsonObject, readonly string[]]>([
    ["a text", seq(assign("$.x", lit("t")), assign("$.x.y", lit(1))), ["/flow/children/1/at"]],
    ["a list", seq(assign("$.x", lit([])), assign("$.x.y.z", lit(1))), ["/flow/children/1/at"]],
    ["a computed value", seq(assign("$.x", eq("$.y", 1)), step("a", "$.x.y")), ["/flow/children/1/out"]],
    ["a counter", loop(lit(true), step("a", "$.n.y")), ["/flow/body/out"]],
    ["joined lanes", seq(fanout(lit([1]), step("a")), assign("$.lanes.x", lit(1))), ["/flow/children/1/at"]],
    ["an object", seq(assign("$.x", lit({})), assign("$.x.y", lit(1))), []],
    ["null, which gives way", seq(assign("$.x", lit(null)), assign("$.x.y", lit(1))), []],
    ["what only one way leaves there", seq(branch(eq("$.k", 1), assign("$.x", lit(1))), assign("$.x.y", lit(1))), []],
    ["a step's output, which may be anything", seq(step("a", "$.x"), assign("$.x.y", lit(1))), []],
    ["what was overwritten since", seq(assign("$.x", lit(1)), assign("$.x", lit({})), assign("$.x.y", lit(1))), []],
  ])("%s", (_, flow, expected) => {
    expect(places(flow, "write-under-scalar")).toEqual(expected);
  });
});

describe("write targets", () => {
  it("are checked on every node that has one", () => {
    const odd = lit("$.x");
    const flow = seq(
      { kind: "step", ref: "a", in: lit(1), out: odd },
      { kind: "assign", at: odd, value: lit(1) },
      { kind: "loop", counter: odd, cond: lit(true), body: seq(), max: 1 },
      { kind: "fanout", items: lit([]), bind: odd, body: seq(), join: "all", out: odd },
      { kind: "try", body: seq(), catch: seq(), err_at: odd },
    );
    expect(places(flow, "non-path-write-target")).toEqual(
      ["0/out", "1/at", "2/counter", "3/bind", "3/out", "4/err_at"].map((at) => `/flow/children/${at}`),
    );
  });
});

describe("a document without faults", () => {
  it("gives the doctor nothing to say", () => {
    const { diagnostics, suppressed } = lint({
      flow: seq(
        step("judge"),
        branch(eq("$.judge.parts.verdict", "BLOCKED"), assign("$.halted_at", lit("judge"))),
        branch(eq("$.judge.parts.verdict", "PASS"), step("a")),
      ),
      agents: [
        agent("judge", {
          verdict: { channel: "part", values: ["PASS", "BLOCKED"] },
          profile: { system_prompt: "Judge.", extras: { expected_output: { kind: "literal_enum" } } },
        }),
        agent("a"),
      ],
    });
    expect([diagnostics, suppressed]).toEqual([[], []]);
  });
});
