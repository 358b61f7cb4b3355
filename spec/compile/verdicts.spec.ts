/** Which step's verdict a condition reads, and what is made of it. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/flow/index.ts";
import {
  agent,
  assign,
  branch,
  compile,
  eq,
  fanout,
  isIn,
  judge,
  lint,
  lit,
  loop,
  path,
  seq,
  step,
} from "./documents.ts";

const VERDICT = /^(verdict|unguarded|gate-on-fanout)/;

const found = (document: JsonObject) =>
  compile(document)
    .diagnostics.filter(({ kind }) => VERDICT.test(kind) && kind !== "verdict-value-unhandled")
    .map(({ kind, level }) => `${level} ${kind}`);
const unhandled = (document: JsonObject) =>
  compile(document)
    .diagnostics.filter(({ kind }) => kind === "verdict-value-unhandled")
    .map(({ message }) => /'(\w+)' of '(\w+)'/.exec(message)?.slice(1).join(" of "));

const gate = "$.j.parts.verdict";
const j = judge("j", "part", ["PASS", "BLOCKED"]);

describe("what handles a verdict", () => {
  it.each([
    ["eq", eq(gate, "BLOCKED"), ["PASS of j"]],
    ["eq, the other way round", { op: "eq", lhs: lit("BLOCKED"), rhs: path(gate) }, ["PASS of j"]],
    ["ne", { op: "ne", lhs: path(gate), rhs: lit("PASS") }, ["BLOCKED of j"]],
    ["in", isIn(gate, ["PASS", "BLOCKED"]), []],
    ["the bracketed path", eq('$.j.parts["verdict"]', "PASS"), ["BLOCKED of j"]],
    [
      "not, and, or",
      { op: "not", arg: { op: "or", args: [eq(gate, "PASS"), { op: "and", args: [eq(gate, "BLOCKED")] }] } },
      [],
    ],
    ["another path", eq("$.k.parts.verdict", "PASS"), ["PASS of j", "BLOCKED of j"]],
    ["two paths", { op: "eq", lhs: path(gate), rhs: path("$.x") }, ["PASS of j", "BLOCKED of j"]],
  ])("%s", (_, cond, expected) => {
    expect(unhandled({ flow: seq(step("j"), branch(cond)), agents: [j] })).toEqual(expected);
  });

  it("counts a copied verdict, a kept comparison and a list from the ctx", () => {
    const flow = seq(
      step("j"),
      assign("$.v", path(gate)),
      branch(eq("$.v", "PASS")),
      assign("$.blocked", eq(gate, "BLOCKED")),
    );
    expect(unhandled({ flow, agents: [j] })).toEqual([]);
    const listed = seq(
      step("j"),
      assign("$.bad", lit(["PASS", "BLOCKED"])),
      branch({ op: "in", needle: path(gate), haystack: path("$.bad") }),
    );
    expect(unhandled({ flow: listed, agents: [j] })).toEqual([]);
  });

  it("counts a verdict inside the winner of a race", () => {
    const flow = seq(
      fanout(lit([1, 2]), step("j"), "race"),
      branch(isIn("$.lanes.j.parts.verdict", ["PASS", "BLOCKED"])),
    );
    expect([unhandled({ flow, agents: [j] }), found({ flow, agents: [j] })]).toEqual([[], []]);
  });

  it("compares other literals by their JSON", () => {
    const flow = seq(step("n"), branch(isIn("$.n", [1, true])));
    expect(unhandled({ flow, agents: [judge("n", "body", ["1", "true", "2"])] })).toEqual(["2 of n"]);
  });

  it("denies under the nearest map, and strict_verdict_handling beats every allow", () => {
    const flow = seq(step("j"), branch(eq(gate, "PASS")));
    const levels = (lints: JsonObject, metadata: JsonObject = {}) =>
      compile({ flow, agents: [{ ...j, lints }], metadata })
        .diagnostics.filter(({ kind }) => kind === "verdict-value-unhandled")
        .map(({ level }) => level);
    expect(levels({})).toEqual(["warn"]);
    expect(levels({ "verdict-value-unhandled": "deny" })).toEqual(["error"]);
    expect(levels({ "category:suspicious": "deny", all: "allow" })).toEqual(["error"]);
    expect(levels({ all: "allow" }, { lints: { "verdict-value-unhandled": "deny" } })).toEqual([]);
    expect(levels({ "dead-gate": "allow" }, { lints: { all: "deny" } })).toEqual(["error"]);
    expect(levels({ "verdict-value-unhandled": "allow" }, { strict_verdict_handling: true })).toEqual(["error"]);
  });
});

describe("which step a condition means", () => {
  const good = judge("good", "body", ["YES"]);
  const bad = judge("bad", "body", ["NO"]);

  it("is the one whose write reaches it, not the last in the document", () => {
    // The last writer of $.v in the document is `bad`, but the gate stands before it.
    const flow = seq(step("good", "$.v"), branch(eq("$.v", "YES")), step("bad", "$.v"));
    expect(found({ flow, agents: [good, bad] })).toEqual([]);
  });

  it("is any that may reach it: a word is fine when one of them gives it", () => {
    const flow = seq(
      branch(eq("$.start", 1), step("good", "$.v"), step("bad", "$.v")),
      branch(isIn("$.v", ["YES", "NO"])),
    );
    expect(found({ flow, agents: [good, bad] })).toEqual([]);
    const wrong = seq(branch(eq("$.start", 1), step("good", "$.v"), step("bad", "$.v")), branch(eq("$.v", "YEA")));
    expect(found({ flow: wrong, agents: [good, bad] })).toEqual([
      "warn verdict-value-not-in-contract",
      "error verdict-value-not-in-contract",
    ]);
  });

  it("is one of an earlier turn, too", () => {
    const flow = seq(step("good", "$.v"), loop(eq("$.v", "NO"), step("bad", "$.v")));
    expect(found({ flow, agents: [good, bad] })).toEqual([]);
  });

  it("is not one that a catch has undone", () => {
    const flow = seq(step("good", "$.v"), { kind: "try", body: step("bad", "$.v"), catch: branch(eq("$.v", "NO")) });
    expect(found({ flow, agents: [good, bad] })).toEqual(["warn verdict-value-not-in-contract"]);
  });

  it("is not one that was overwritten with a plain value", () => {
    const flow = seq(step("good", "$.v"), assign("$.v", lit("x")), branch(eq("$.v", "NO")));
    expect(found({ flow, agents: [good] })).toEqual([]);
  });

  it("is none inside a lane for what another lane writes", () => {
    const flow = fanout(lit([1]), seq(branch(eq("$.v", "NO")), step("good", "$.v")));
    expect(found({ flow, agents: [good] })).toEqual([]);
  });
});

describe("channels", () => {
  it.each([
    ["body", "$.j", []],
    ["body", "$.j.parts.verdict", ["error verdict-channel-mismatch"]],
    ["body", "$.j.out", []],
    ["part", "$.j.parts.verdict", []],
    ["part", "$.j", ["error verdict-channel-mismatch"]],
    ["part", "$.j.out", ["warn verdict-channel-mismatch"]],
    ["part", "$.j.parts.other", []],
  ] as const)("a verdict given as %s and read at %s", (channel, at, expected) => {
    const document = { flow: seq(step("j"), branch(eq(at, "PASS"))), agents: [judge("j", channel, ["PASS"])] };
    expect(found(document).sort()).toEqual([...expected].sort());
  });

  it("does not look at values on the wrong channel", () => {
    const document = { flow: seq(step("j"), branch(eq("$.j", "NEVER"))), agents: [j] };
    expect(found(document)).toEqual(["error verdict-channel-mismatch"]);
  });
});

describe("reads that may fail", () => {
  const guarded = {
    op: "and",
    args: [{ op: "exists", arg: path("$.a.parts.verdict") }, eq("$.a.parts.verdict", "NO")],
  };
  const document = (cond: JsonObject): JsonObject => ({ flow: seq(step("a"), branch(cond)), agents: [agent("a")] });

  it("are fine behind exists, in the same condition or around it", () => {
    expect(found(document(guarded))).not.toContain("warn unguarded-verdict-read");
    const around = seq(
      step("a"),
      branch({ op: "exists", arg: path("$.a.parts.verdict") }, branch(eq("$.a.parts.verdict", "NO"))),
    );
    expect(found({ flow: around, agents: [agent("a")] })).not.toContain("warn unguarded-verdict-read");
    const negated = {
      op: "or",
      args: [{ op: "not", arg: { op: "exists", arg: path("$.a.parts.verdict") } }, eq("$.a.parts.verdict", "NO")],
    };
    expect(found(document(negated))).not.toContain("warn unguarded-verdict-read");
  });

  it("are not fine where exists comes too late, or the step runs again in between", () => {
    expect(found(document({ ...guarded, args: guarded.args.toReversed() }))).toContain("warn unguarded-verdict-read");
    const again = seq(
      step("a"),
      branch({ op: "exists", arg: path("$.a.parts.verdict") }, seq(step("a"), branch(eq("$.a.parts.verdict", "NO")))),
    );
    expect(found({ flow: again, agents: [agent("a")] })).toContain("warn unguarded-verdict-read");
  });

  it("include the gate of a stage that may have been skipped", () => {
    const flow = seq(
      step("up"),
      branch(isIn("$.up.parts.verdict", ["PASS"]), seq(), step("j")),
      branch(eq(gate, "BLOCKED")),
    );
    const { diagnostics } = compile({ flow, agents: [judge("up", "part", ["PASS"]), j] });
    expect(diagnostics.find(({ kind }) => kind === "unguarded-verdict-read")?.message).toContain(
      "'j' does not run on every way here",
    );
  });

  it("are not invented where the run starts with the value", () => {
    const flow = seq(branch(eq("$.go", true), step("j")), branch(eq(gate, "BLOCKED")));
    const document = { flow, agents: [j], default_init_ctx: { j: { parts: { verdict: "PASS" } } } };
    expect(found(document)).toEqual([]);
  });

  it("are said once of a path, however often it is read", () => {
    const flow = seq(step("a"), branch(eq("$.a.parts.verdict", "A")), branch(eq("$.a.parts.verdict", "B")));
    const { diagnostics } = compile({ flow, agents: [agent("a")] });
    expect(diagnostics.filter(({ kind }) => kind === "unguarded-verdict-read")).toHaveLength(1);
  });
});

describe("a pipeline as bp_dsl writes it", () => {
  const cond = {
    op: "and",
    args: [{ op: "lt", lhs: path("$.check_n"), rhs: lit(1) }, eq('$.check.parts["verdict"]', "BLOCKED")],
  };
  const pipeline = seq(
    step("plan"),
    seq(
      step("check"),
      loop(cond, seq(step("fixer", "$.mend", path("$.check")), step("check")), "$.check_n"),
      branch(
        eq('$.check.parts["verdict"]', "BLOCKED"),
        assign("$.halted_at", lit("check")),
        seq(step("ship"), assign("$.ok", lit(true))),
      ),
    ),
  );
  const agents = [agent("plan"), judge("check", "part", ["BLOCKED"]), agent("fixer"), agent("ship")];

  it("has nothing to report where its gate has a contract", () => {
    const { compiled, diagnostics } = compile({ flow: pipeline, agents });
    expect(diagnostics).toEqual([]);
    expect(compiled?.program.steps.map(({ ref }) => ref)).toEqual(["plan", "check", "fixer", "check", "ship"]);
  });

  it("is told to declare one where it has not", () => {
    const { diagnostics } = compile({ flow: pipeline, agents: agents.map(({ verdict: _, ...rest }) => rest) });
    expect(diagnostics.map(({ kind, level }) => [kind, level])).toEqual([["unguarded-verdict-read", "warn"]]);
    expect(diagnostics[0]?.help).toContain("declare verdict { channel: part } for 'check'");
  });
});

describe("the analysis", () => {
  it("gives up on a flow past its budget, and then says nothing", () => {
    const arms = Array.from({ length: 2500 }, (_, index) => step("w", `$.k${index}`));
    const forks = arms.map((write) => branch(eq("$.x", 1), write));
    const { diagnostics, compiled } = compile({
      flow: seq(step("j"), ...forks, branch(eq(gate, "NEVER"))),
      agents: [j, agent("w")],
    });
    expect(compiled).toBeDefined();
    expect(diagnostics.filter(({ kind }) => VERDICT.test(kind))).toEqual([]);
  });

  it("takes deep nesting", () => {
    let flow = step("j");
    for (let depth = 0; depth < 400; depth += 1) flow = loop(eq(gate, "PASS"), seq(flow), `$.c${depth}`);
    expect(compile({ flow: seq(step("j"), flow), agents: [j] }).compiled).toBeDefined();
  });

  it("lints contracts only where it went to the end", () => {
    const { diagnostics } = lint({ flow: seq(step("j"), branch(eq(gate, "PASS"))), agents: [j] });
    expect(diagnostics.map(({ kind }) => kind)).not.toContain("verdict-contract-never-read");
  });
});
