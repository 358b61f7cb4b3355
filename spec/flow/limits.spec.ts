import { describe, expect, it } from "vitest";
import {
  checkFlow,
  compileExpr,
  compileFlow,
  DEFAULT_LIMITS,
  decodeFlow,
  encodeFlow,
  FlowError,
  type FlowExpr,
  FlowMachine,
  type FlowNode,
  type Json,
} from "../../src/flow/index.ts";
import { assign, attempt, fanout, lit, loop, path, program, seq, step } from "./flow-text.ts";

const caught = (run: () => unknown): FlowError => {
  try {
    run();
  } catch (error) {
    if (error instanceof FlowError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};
const run = (document: Json, ctx: Json = {}, limits = {}) => FlowMachine.start(program(document, limits), ctx);
const nested = (levels: number, wrap: (inner: Json) => Json, inner: Json): Json => {
  let value = inner;
  for (let level = 0; level < levels; level += 1) value = wrap(value);
  return value;
};

describe("limits of a document", () => {
  it.each([
    ["nodes", (levels: number) => nested(levels, (inner) => seq(inner), seq())],
    [
      "expressions",
      (levels: number) =>
        assign(
          "$.a",
          nested(levels, (arg) => ({ op: "not", arg }), lit(1)),
        ),
    ],
    ["literals", (levels: number) => assign("$.a", lit(nested(levels, (inner) => [inner], 1)))],
    ["tries", (levels: number) => nested(levels, (inner) => attempt(inner), seq())],
  ])("stop %s that are nested ten thousand deep with a parse error, not with a full stack", (_what, document) => {
    const problems = checkFlow(document(10_000));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatchObject({ kind: "parse_error" });
    expect(problems[0]?.message).toMatch(/nested deeper than \d+ levels/);
    expect(caught(() => decodeFlow(document(1_000_000))).kind).toBe("parse_error");
  });

  it("let a document as deep as allowed decode, compile, run and encode", () => {
    const deep = nested(2000, (inner) => attempt(seq(inner)), { kind: "step", ref: "a", in: lit(1), out: path("$.o") });
    const limits = { maxDepth: 2048 };
    expect(caught(() => decodeFlow(deep, { limits })).message).toContain("maxDepth");
    const document = nested(1020, (inner) => attempt(seq(inner)), step("a"));
    const root = decodeFlow(document, { limits });
    const machine = FlowMachine.start(compileFlow(root, limits), {});
    expect([...machine.pending()][0]?.key).toMatch(/^body\.0\.body\.0.*\.body\.0$/);
    const restored = FlowMachine.restore(compileFlow(root, limits), JSON.parse(JSON.stringify(machine.save())) as Json);
    restored.handIn([...restored.pending()][0]?.key as string, { kind: "value", value: 1 });
    expect(restored.ctx).toEqual({ out: 1 });
    expect(decodeFlow(encodeFlow(root, "0.3"), { limits })).toEqual(root);

    const expr = nested(2000, (arg) => ({ op: "not", arg }), lit(true));
    const flow = program(assign("$.a", expr), limits);
    expect(FlowMachine.start(flow, {}).ctx).toEqual({ a: true });
  });

  it("hold for trees that were not decoded", () => {
    let node: FlowNode = { kind: "seq", children: [] };
    for (let level = 0; level < 100_000; level += 1) node = { kind: "seq", children: [node] };
    expect(caught(() => compileFlow(node)).details).toEqual({ limit: "maxDepth", max: 1024 });
    let expr: FlowExpr = { op: "lit", value: 1 };
    for (let level = 0; level < 100_000; level += 1) expr = { op: "not", arg: expr };
    expect(caught(() => compileExpr(expr)).details).toEqual({ limit: "maxDepth", max: 1024 });
  });

  it("count nodes and expressions, and bound literals and paths", () => {
    const many = seq(...Array.from({ length: 100 }, () => assign("$.a", lit(1))));
    expect(checkFlow(many, { limits: { maxNodes: 201 } })).toEqual([]);
    expect(caught(() => decodeFlow(many, { limits: { maxNodes: 200 } })).message).toContain("limit maxNodes");
    const big = assign("$.a", lit(Array.from({ length: 100 }, () => 1)));
    expect(caught(() => decodeFlow(big, { limits: { maxValues: 100 } })).message).toContain("limit maxValues");
    const far = assign(`$.${"a".repeat(9000)}`, lit(1));
    expect(caught(() => decodeFlow(far)).message).toContain("longer than 8192 characters");
  });

  it("must be integers in their range", () => {
    for (const limits of [{ maxDepth: 0 }, { maxSteps: 1.5 }, { maxFanout: Number.NaN }, { maxDepth: 100_000 }]) {
      expect(caught(() => decodeFlow(seq(), { limits })).kind).toBe("invalid_limit");
    }
  });
});

describe("limits of a run", () => {
  const endless = (body: Json) => loop(4_294_967_295, body);

  it("end a loop that never reaches a step", () => {
    for (const body of [seq(), assign("$.x", path("$.n")), attempt(endless(seq()))]) {
      const machine = run(endless(body), {}, { maxTransitions: 50_000 });
      expect(machine.status).toBe("failed");
      expect(machine.error).toMatchObject({
        kind: "limit_exceeded",
        details: { limit: "maxTransitions", max: 50_000 },
      });
    }
  });

  it("end a loop whose turns are few but heavy", () => {
    const ctx = { xs: Array.from({ length: 10_000 }, (_, index) => index), o: { k: 1 } };
    const wide = Object.fromEntries(ctx.xs.map((index) => [`k${index}`, index]));
    const heavy: readonly [Json, Json][] = [
      [endless(assign("$.x", { op: "in", needle: lit(-1), haystack: path("$.xs") })), ctx],
      [endless(assign("$.x", { op: "eq", lhs: path("$.xs"), rhs: lit([...ctx.xs]) })), ctx],
      [endless(assign("$.x", { op: "len", arg: path("$.wide") })), { wide }],
      // Every try takes a snapshot, so every write after it copies the top level.
      [endless(attempt(assign("$.x", lit(1)))), wide],
    ];
    for (const [document, initial] of heavy) {
      const machine = run(document, initial, { maxTransitions: 10_000 });
      expect(machine.error).toMatchObject({ kind: "limit_exceeded", details: { limit: "maxTransitions" } });
      expect((machine.ctx as { n: number }).n).toBeLessThan(200);
    }
  });

  it("end it by default too", () => {
    const machine = run(endless(seq()));
    expect(machine.error?.details).toEqual({ limit: "maxTransitions", max: DEFAULT_LIMITS.maxTransitions });
  });

  it("count transitions between suspensions, not over the whole run", () => {
    const compiled = program(loop(100, seq(loop(50, seq()), step("w"))), { maxTransitions: 200 });
    const machine = FlowMachine.start(compiled, {});
    for (let turn = 0; turn < 100; turn += 1) machine.handIn(`~${turn}.1`, { kind: "value", value: 1 });
    expect(machine.status).toBe("completed");
  });

  it("count dispatches over the whole run, past every try and join, and cancel what is open", () => {
    const machine = run(
      attempt(fanout("all_settled", lit([1, 2, 3]), loop(9, attempt(step("w"))))),
      {},
      { maxSteps: 5 },
    );
    machine.take();
    machine.handIn("body.@0.~0.body", { kind: "error", message: "no" });
    machine.handIn("body.@1.~0.body", { kind: "error", message: "no" });
    expect(machine.status).toBe("running");
    machine.take();
    machine.handIn("body.@0.~1.body", { kind: "error", message: "no" });
    expect(machine.error).toMatchObject({ kind: "limit_exceeded", details: { limit: "maxSteps", max: 5 } });
    expect(machine.error?.key).toBe("body.@0.~2.body");
    expect(machine.take()).toEqual([{ kind: "cancel", keys: ["body.@1.~1.body", "body.@2.~0.body"] }]);
    expect([...machine.pending()]).toEqual([]);
  });

  it("bound the lanes of a fanout", () => {
    const machine = run(fanout("all", lit([1, 2, 3]), seq()), {}, { maxFanout: 2 });
    expect(machine.error).toMatchObject({ kind: "limit_exceeded", details: { limit: "maxFanout", max: 2 } });
  });

  it("bound the depth of the ctx, whichever way it grows", () => {
    const inward = loop(1000, assign("$.a", path("$")));
    const byFanout = loop(1000, fanout("all", lit([1]), seq()));
    for (const document of [inward, byFanout]) {
      expect(run(document).error).toMatchObject({
        kind: "limit_exceeded",
        details: { limit: "maxCtxDepth", max: 512 },
      });
    }
    // Overwriting one place over and over is no growth.
    const steady = seq(assign("$.a.b", lit({ c: {} })), loop(5000, assign("$.x.y", path("$.a"))));
    expect(run(steady).status).toBe("completed");
  });

  it("refuse to let out what nobody could print, and outcomes beyond bounds", () => {
    // Sixty doublings by sharing.
    const doubling = loop(60, seq(assign("$.a", path("$")), assign("$.b", path("$"))));
    const limits = { maxValues: 100_000 };
    expect(run(doubling, {}, limits).error).toMatchObject({ kind: "limit_exceeded", details: { limit: "maxValues" } });
    const machine = run(seq(doubling, step("w", "$.o", path("$"))), {}, limits);
    expect(machine.error).toMatchObject({ kind: "limit_exceeded", nodePath: "1", key: "1" });
    const waiting = run(seq(doubling, step("w"), assign("$", lit(1))), {}, limits);
    expect(caught(() => waiting.save()).kind).toBe("limit_exceeded");

    const answered = run(step("w"), {}, limits);
    answered.handIn("root", { kind: "value", value: nested(600, (inner) => [inner], 1) });
    expect(answered.error).toMatchObject({ kind: "limit_exceeded", key: "root", details: { limit: "maxCtxDepth" } });
    expect(
      caught(() =>
        run(
          seq(),
          nested(600, (inner) => ({ a: inner }), 1),
        ),
      ).details,
    ).toMatchObject({
      limit: "maxCtxDepth",
    });
  });
});
