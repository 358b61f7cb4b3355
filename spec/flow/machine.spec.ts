import { describe, expect, it } from "vitest";
import { type ExternSite, type FlowEvent, FlowMachine, FlowPath, type Json } from "../../src/flow/index.ts";
import { assign, attempt, binary, branch, fanout, lit, loop, path, program, seq, step } from "./flow-text.ts";

/** Keys of the steps among events. */
const steps = (events: readonly FlowEvent[]): readonly string[] =>
  events.flatMap((event) => (event.kind === "step" ? [event.request.key] : []));
const pass = (value: Json) => ({ kind: "value", value }) as const;
const start = (document: Json, ctx: Json = {}) => FlowMachine.start(program(document), ctx);

describe("step keys", () => {
  it("are computed from the flow, one for every execution", () => {
    const document = seq(
      step("a"),
      branch(lit(true), seq(step("b")), step("never")),
      loop(2, seq(fanout("all", lit(["x", "y"]), step("c")), step("d"))),
      attempt(seq(step("e"), step("f")), branch(lit(false), seq(), step("g"))),
      loop(1, loop(1, branch(lit(true), step("h")))),
    );
    const machine = start(document);
    const seen: string[] = [];
    for (let keys = steps(machine.take()); keys.length > 0; keys = steps(machine.take())) {
      seen.push(...keys);
      for (const key of keys) {
        machine.handIn(key, key === "3.body.1" ? { kind: "error", message: "no" } : pass(key));
      }
    }
    expect(seen).toEqual([
      "0",
      "1.then.0",
      "2.~0.0.@0",
      "2.~0.0.@1",
      "2.~0.1",
      "2.~1.0.@0",
      "2.~1.0.@1",
      "2.~1.1",
      "3.body.0",
      "3.body.1",
      "3.catch.else",
      "4.~0.~0.then",
    ]);
    expect(machine.status).toBe("completed");
  });

  it("is 'root' where the step is the whole flow", () => {
    const machine = start(step("a", "$.o", path("$")), { x: 1 });
    const [event] = machine.take();
    expect(event).toMatchObject({ kind: "step", request: { key: "root", ref: "a", input: { x: 1 } } });
    machine.handIn("root", pass(7));
    expect([machine.status, machine.ctx]).toEqual(["completed", { x: 1, o: 7 }]);
  });

  it("come with the node, its path and its pointer", () => {
    const compiled = program(seq(step("a"), loop(1, seq(step("b"))), attempt(seq(), step("c"))));
    expect(compiled.steps.map(({ index, nodePath, pointer, ref }) => [index, nodePath, pointer, ref])).toEqual([
      [0, "0", "/children/0", "a"],
      [1, "1.body.0", "/children/1/body/children/0", "b"],
      [2, "2.catch", "/children/2/catch", "c"],
    ]);
    const [event] = FlowMachine.start(compiled, {}).take();
    expect(event?.kind === "step" && event.request.step).toBe(compiled.steps[0]);
  });
});

describe("outcomes", () => {
  it("write nothing when a step was skipped, even where out is no path", () => {
    const machine = start(seq(step("a", "$.kept"), { ...(step("b") as object), out: lit(1) } as Json), { kept: 1 });
    machine.handIn("0", { kind: "skip" });
    machine.handIn("1", { kind: "skip" });
    expect([machine.status, machine.ctx]).toEqual(["completed", { kept: 1 }]);
  });

  it("fail a step with the language's text and the step's place", () => {
    const machine = start(seq(assign("$.a", lit(1)), loop(3, step("w"))));
    machine.handIn("1.~0", { kind: "error", message: "no luck" });
    expect(machine.status).toBe("failed");
    expect(machine.error).toMatchObject({
      kind: "dispatcher_error",
      message: "dispatcher error for ref 'w': no luck",
      ref: "w",
      nodePath: "1.body",
      pointer: "/children/1/body",
      key: "1.~0",
    });
    expect(machine.ctx).toEqual({ a: 1, n: 0 });
    expect(() => machine.handIn("1.~0", pass(1))).toThrow("no open step has the key '1.~0': the run has failed");
  });

  it("are refused, and change nothing, where the value is not JSON", () => {
    const machine = start(step("a"));
    const before = machine.save();
    for (const value of [undefined, Number.NaN, { a: [1n] }, () => 1] as unknown as Json[]) {
      expect(() => machine.handIn("root", pass(value))).toThrow("the outcome of step 'root' is not JSON");
    }
    expect(machine.save()).toEqual(before);
    expect(() => FlowMachine.start(program(seq()), undefined as unknown as Json)).toThrow(
      "the initial ctx is not JSON",
    );
  });

  it("may be handed in for steps that were not taken, which then are not announced", () => {
    const machine = start(fanout("all", lit([1, 2]), step("a", "$.o", path("$.item"))));
    machine.handIn("@0", pass("first"));
    expect(steps(machine.take())).toEqual(["@1"]);
    expect([...machine.pending()].map((request) => request.input)).toEqual([2]);
  });
});

describe("joins", () => {
  const body = seq(step("w", "$.o", path("$.item")), step("again", "$.p"));

  it("let the first lane handed in win a race, and cancel the others", () => {
    const machine = start(fanout("race", lit(["a", "b", "c"]), step("w")), { k: 1 });
    expect(steps(machine.take())).toEqual(["@0", "@1", "@2"]);
    machine.handIn("@1", pass("B"));
    expect(machine.take()).toEqual([
      { kind: "joined", key: "root", join: "race", winner: 1, order: [1] },
      { kind: "cancel", keys: ["@0", "@2"] },
    ]);
    expect(machine.ctx).toEqual({ k: 1, results: { k: 1, item: "b", out: "B" } });
    expect(() => machine.handIn("@0", pass("A"))).toThrow("no open step has the key '@0'");
    expect([...machine.pending()]).toEqual([]);
  });

  it("let an error win a race", () => {
    const machine = start(seq(attempt(fanout("race", lit(["a", "b"]), step("w")))));
    machine.take();
    machine.handIn("0.body.@1", { kind: "error", message: "B" });
    expect(machine.take()).toEqual([
      { kind: "joined", key: "0.body", join: "race", winner: 1, order: [1] },
      { kind: "cancel", keys: ["0.body.@0"] },
    ]);
    expect(machine.ctx).toEqual({ err: "dispatcher error for ref 'w': B" });
  });

  it("let the first success win an any, and report the last error where there is none", () => {
    const machine = start(fanout("any", lit(["a", "b", "c"]), body));
    machine.take();
    machine.handIn("@2.0", { kind: "error", message: "C" });
    machine.handIn("@0.0", pass(1));
    machine.handIn("@1.0", pass(2));
    machine.handIn("@1.1", pass(3));
    // Nobody has seen the second step of lane 0, so there is nothing to cancel.
    expect(machine.take()).toEqual([{ kind: "joined", key: "root", join: "any", winner: 1, order: [2, 1] }]);
    expect(machine.ctx).toEqual({ results: { item: "b", o: 2, p: 3 } });

    const losing = start(fanout("any", lit(["a", "b"]), step("w")));
    losing.handIn("@1", { kind: "error", message: "B" });
    losing.handIn("@0", { kind: "error", message: "A" });
    expect(losing.take()).toEqual([{ kind: "joined", key: "root", join: "any", order: [1, 0] }]);
    expect(losing.error).toMatchObject({
      kind: "dispatcher_error",
      message: "dispatcher error for ref 'w': A",
      key: "@0",
    });
  });

  it("keep item order for all, whatever the order of hand-ins, and fail with the first error handed in", () => {
    const machine = start(fanout("all", lit(["a", "b"]), step("w")));
    machine.handIn("@1", pass("B"));
    machine.handIn("@0", pass("A"));
    expect(machine.take()).toEqual([{ kind: "joined", key: "root", join: "all", order: [1, 0] }]);
    expect(machine.ctx).toEqual({
      results: [
        { item: "a", out: "A" },
        { item: "b", out: "B" },
      ],
    });

    const failing = start(fanout("all", lit(["a", "b", "c"]), step("w")), { k: 1 });
    failing.take();
    failing.handIn("@2", { kind: "error", message: "C" });
    expect(failing.take()).toEqual([
      { kind: "joined", key: "root", join: "all", order: [2] },
      { kind: "cancel", keys: ["@0", "@1"] },
    ]);
    expect([failing.status, failing.error?.message, failing.ctx]).toEqual([
      "failed",
      "dispatcher error for ref 'w': C",
      { k: 1 },
    ]);
  });

  it("record every lane for all_settled", () => {
    const machine = start(fanout("all_settled", lit(["a", "b"]), step("w")));
    machine.handIn("@1", { kind: "error", message: "B" });
    machine.handIn("@0", pass("A"));
    expect(machine.ctx).toEqual({
      results: [
        { status: "fulfilled", value: { item: "a", out: "A" } },
        { status: "rejected", reason: "dispatcher error for ref 'w': B" },
      ],
    });
    expect(machine.take()).toEqual([{ kind: "joined", key: "root", join: "all_settled", order: [1, 0] }]);
  });

  it("settle lanes without steps where they start, so that the lowest wins and later lanes never begin", () => {
    const item = (value: Json) => binary("eq", path("$.item"), lit(value));
    const machine = start(fanout("race", lit(["a", "b", "c"]), branch(item("a"), step("slow"), step("late"))));
    expect(steps(machine.take())).toEqual(["@0.then", "@1.else", "@2.else"]);

    const pure = start(fanout("race", lit(["a", "b", "c"]), branch(item("b"), seq(), step("w"))));
    // Lane 0 wanted a step before lane 1 won; nobody has seen it, so there is nothing to announce or to cancel.
    expect(pure.take()).toEqual([{ kind: "joined", key: "root", join: "race", winner: 1, order: [1] }]);
    expect(pure.status).toBe("completed");
  });

  it("cancel everything below the losers, nested fanouts included", () => {
    const inner = fanout("all", lit([1, 2]), step("deep"));
    const machine = start(fanout("any", lit(["a", "b"]), seq(step("w"), inner)));
    machine.take();
    machine.handIn("@0.0", pass(1));
    machine.handIn("@1.0", pass(1));
    expect(steps(machine.take())).toEqual(["@0.1.@0", "@0.1.@1", "@1.1.@0", "@1.1.@1"]);
    machine.handIn("@1.1.@0", pass(1));
    machine.handIn("@1.1.@1", pass(1));
    expect(machine.take()).toEqual([
      { kind: "joined", key: "@1.1", join: "all", order: [0, 1] },
      { kind: "joined", key: "root", join: "any", winner: 1, order: [1] },
      { kind: "cancel", keys: ["@0.1.@0", "@0.1.@1"] },
    ]);
  });

  it("run one lane at a time where they are told to", () => {
    const machine = FlowMachine.start(
      program(fanout("any", lit(["a", "b", "c"]), step("w"))),
      {},
      { lanes: "in_turn" },
    );
    expect(steps(machine.take())).toEqual(["@0"]);
    machine.handIn("@0", { kind: "error", message: "A" });
    expect(steps(machine.take())).toEqual(["@1"]);
    machine.handIn("@1", pass(1));
    expect(machine.take()).toEqual([{ kind: "joined", key: "root", join: "any", winner: 1, order: [0, 1] }]);
    expect(machine.status).toBe("completed");
  });

  it("announce an empty fanout and fail one that must have a winner", () => {
    const machine = start(fanout("all", lit([]), step("w")));
    expect(machine.take()).toEqual([{ kind: "joined", key: "root", join: "all", order: [] }]);
    expect(machine.ctx).toEqual({ results: [] });
    const error = start(fanout("race", lit([]), step("w"))).error;
    expect(error).toMatchObject({ kind: "type_error", op: "fanout.race", nodePath: "root" });
  });
});

describe("externs", () => {
  it("are told which call they are, the same in every replay", () => {
    const call: Json = { op: "call_extern", ref: "f", args: [path("$.n")] };
    const sites: [string, ExternSite][] = [];
    const externs = {
      call(_ref: string, args: readonly Json[], site: ExternSite): Json {
        sites.push([JSON.stringify(args), site]);
        return (args[0] as number) < 2;
      },
    };
    const compiled = program(
      seq(loop(9, step("w", "$.o", { op: "and", args: [call, call] }), call), assign("$.x", call)),
    );
    let machine = FlowMachine.start(compiled, {}, { externs });
    for (let pending = [...machine.pending()]; pending.length > 0; pending = [...machine.pending()]) {
      const saved = JSON.parse(JSON.stringify(machine.save())) as Json;
      machine = FlowMachine.restore(compiled, saved, { externs });
      machine.handIn(pending[0]?.key as string, pass(1));
    }
    expect(sites.map(([args, { key, ordinal }]) => `${args} ${key} ${ordinal}`)).toEqual([
      "[0] 0 0",
      "[0] 0.~0 0",
      "[0] 0.~0 1",
      "[1] 0 1",
      "[1] 0.~1 0",
      "[1] 0.~1 1",
      "[2] 0 2",
      "[2] 1 0",
    ]);
  });
});

describe("writes from outside", () => {
  it("land in the ctx of the whole flow, and lanes do not see them", () => {
    const machine = start(
      seq(fanout("all", lit([1]), seq(step("w"), assign("$.saw", { op: "exists", arg: path("$.ext") })))),
    );
    machine.write(FlowPath.parse("$.ext"), 5);
    machine.handIn("0.@0.0", pass(1));
    expect(machine.ctx).toEqual({ ext: 5, results: [{ item: 1, out: 1, saw: false }] });
    expect(() => machine.write(FlowPath.parse("$.a"), 1)).toThrow("cannot write '$.a': the run has completed");
  });

  it("are taken back by a try that fails, and refused whole where they conflict", () => {
    const machine = start(attempt(step("w")), { a: "text" });
    machine.write(FlowPath.parse("$.b"), 1);
    expect(() => machine.write(FlowPath.parse("$.a.c"), 1)).toThrow("existing value at this position is not an object");
    machine.handIn("body", { kind: "error", message: "no" });
    expect(machine.ctx).toEqual({ a: "text", err: "dispatcher error for ref 'w': no" });
  });
});
