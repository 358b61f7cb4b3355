import { describe, expect, it } from "vitest";
import { FlowError, FlowMachine, type Json } from "../../src/flow/index.ts";
import { attempt, fanout, lit, loop, path, program, seq, step } from "./flow-text.ts";

const compiled = program(
  seq(loop(3, attempt(fanout("all", lit([1, 2, 3]), seq(step("w", "$.o", path("$.item")), step("again"))))), step("z")),
);

/** A run inside a loop, a try and a fanout, one lane settled, one ahead of the other. */
const midway = () => {
  const machine = FlowMachine.start(compiled, { k: [1] });
  machine.take();
  machine.handIn("0.~0.body.@1.0", { kind: "value", value: { deep: [1] } });
  machine.handIn("0.~0.body.@1.1", { kind: "value", value: 1 });
  machine.handIn("0.~0.body.@0.0", { kind: "skip" });
  return machine;
};
const saved = (): Json => JSON.parse(JSON.stringify(midway().save())) as Json;

describe("a saved run", () => {
  it("is plain JSON that says where the run stands", () => {
    expect(saved()).toEqual({
      v: 1,
      lanes: "together",
      status: "running",
      error: null,
      dispatched: 5,
      events: [{ kind: "step", key: "0.~0.body.@0.1" }],
      root: {
        ctx: { k: [1], n: 0 },
        frames: [
          { at: "root", child: 0 },
          { at: "0", turn: 0, externs: 0 },
          { at: "0.body", before: { k: [1], n: 0 } },
        ],
        waiting: {
          at: "0.body.body",
          width: 3,
          started: 3,
          order: [1],
          results: [[1, { k: [1], n: 0, item: 2, o: { deep: [1] }, out: 1 }]],
          error: null,
          pending: null,
          lanes: [
            [
              0,
              {
                ctx: { k: [1], n: 0, item: 1 },
                frames: [{ at: "0.body.body.body", child: 1 }],
                waiting: { at: "0.body.body.body.1", serial: 4, announced: false, input: null },
              },
            ],
            [
              2,
              {
                ctx: { k: [1], n: 0, item: 3 },
                frames: [{ at: "0.body.body.body", child: 0 }],
                waiting: { at: "0.body.body.body.0", serial: 2, announced: true, input: 3 },
              },
            ],
          ],
        },
      },
    });
  });

  it("keeps a run that has ended as it ended", () => {
    const done = program(step("a"));
    const machine = FlowMachine.start(done, {});
    machine.handIn("root", { kind: "error", message: "no" });
    const restored = FlowMachine.restore(done, JSON.parse(JSON.stringify(machine.save())) as Json);
    expect([restored.status, restored.error?.toJson(), restored.ctx]).toEqual(["failed", machine.error?.toJson(), {}]);
  });

  it("shares nothing with the machine that can change", () => {
    const machine = midway();
    const form = machine.save();
    const text = JSON.stringify(form);
    const restored = FlowMachine.restore(compiled, form);
    for (const run of [machine, restored]) {
      run.handIn("0.~0.body.@0.1", { kind: "value", value: { x: 1 } });
      run.handIn("0.~0.body.@2.0", { kind: "error", message: "no" });
      expect(run.ctx).toMatchObject({ n: 1, err: "dispatcher error for ref 'w': no" });
    }
    expect(JSON.stringify(form)).toBe(text);
  });

  // Every change of one field of the saved form that makes it untrue is refused, whole.
  const edits: readonly [string, (form: Record<string, unknown>) => void][] = [
    ["another version", (form) => Object.assign(form, { v: 2 })],
    ["no version", (form) => Reflect.deleteProperty(form, "v")],
    ["an unknown status", (form) => Object.assign(form, { status: "paused" })],
    ["a status that disagrees", (form) => Object.assign(form, { status: "completed" })],
    ["an error that is none", (form) => Object.assign(form, { status: "failed", error: { kind: "x" } })],
    ["fewer dispatches than steps", (form) => Object.assign(form, { dispatched: 2 })],
    ["an event for a step that is not open", (form) => Object.assign(form, { events: [{ kind: "step", key: "0" }] })],
    ["an unknown event", (form) => Object.assign(form, { events: [{ kind: "leaf", key: "0" }] })],
    ["a scope that is no object", (form) => Object.assign(form, { root: [] })],
    ["a thread that waits nowhere", (form) => Object.assign(at(form, "root"), { waiting: null })],
    ["a node that is not there", (form) => Object.assign(at(form, "root", "frames", 1), { at: "7" })],
    ["a node of another kind", (form) => Object.assign(at(form, "root", "frames", 1), { at: "1" })],
    [
      "a node outside its frame",
      (form) => Object.assign(at(form, "root", "waiting", "lanes", 0, 1, "waiting"), { at: "1" }),
    ],
    ["a child that is not there", (form) => Object.assign(at(form, "root", "frames", 0), { child: 2 })],
    ["a turn past the last", (form) => Object.assign(at(form, "root", "frames", 1), { turn: 4 })],
    ["a negative turn", (form) => Object.assign(at(form, "root", "frames", 1), { turn: -1 })],
    ["a missing snapshot", (form) => Reflect.deleteProperty(at(form, "root", "frames", 2), "before")],
    ["lanes that do not add up", (form) => Object.assign(at(form, "root", "waiting"), { order: [] })],
    [
      "a lane twice",
      (form) => Object.assign(at(form, "root", "waiting", "lanes"), { 1: at(form, "root", "waiting", "lanes", 0) }),
    ],
    ["a lane outside the fanout", (form) => Object.assign(at(form, "root", "waiting", "lanes", 0), { 0: 3 })],
    ["a width beyond the limit", (form) => Object.assign(at(form, "root", "waiting"), { width: 1e9 })],
    [
      "a serial beyond the dispatches",
      (form) => Object.assign(at(form, "root", "waiting", "lanes", 0, 1, "waiting"), { serial: 5 }),
    ],
    [
      "an input that is not JSON",
      (form) => Object.assign(at(form, "root", "waiting", "lanes", 0, 1, "waiting"), { input: 1n }),
    ],
    [
      "a ctx that is too deep",
      (form) => Object.assign(at(form, "root"), { ctx: JSON.parse("[".repeat(600) + "]".repeat(600)) }),
    ],
  ];
  it.each(edits)("is refused with %s", (_what, edit) => {
    const form = saved() as Record<string, Json>;
    edit(form);
    try {
      FlowMachine.restore(compiled, form);
    } catch (error) {
      expect(error).toBeInstanceOf(FlowError);
      expect(error).toMatchObject({ kind: "invalid_state" });
      expect((error as Error).message).toMatch(/^saved run does not fit this program: /);
      return;
    }
    throw new Error("it was restored");
  });

  it("of another program is refused", () => {
    for (const other of [seq(), step("a"), seq(seq(), step("z")), seq(loop(3, attempt(seq(step("w")))), step("z"))]) {
      expect(() => FlowMachine.restore(program(other), saved())).toThrow("saved run does not fit this program");
    }
  });
});

const at = (value: unknown, ...tokens: (string | number)[]): object =>
  tokens.reduce<unknown>((inner, token) => (inner as Record<string | number, unknown>)[token], value) as object;
