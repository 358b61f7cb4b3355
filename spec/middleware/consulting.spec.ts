import { describe, expect, it } from "vitest";
import type { CompiledBlueprint, LayerOptions, VerdictContract } from "../../src/blueprint/index.ts";
import type { StepCall, StepOutcome } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { compose } from "../../src/middleware/index.ts";
import { longHold } from "../../src/middleware/long-hold.ts";
import { mainAi } from "../../src/middleware/main-ai.ts";
import { operatorKind, seatOf } from "../../src/middleware/seats.ts";
import { seniorEscalation } from "../../src/middleware/senior-escalation.ts";
import { failureOf, makeAgent, makeBlueprint, makeCall, memoryMemo } from "../workers/step-fixture.ts";
import { BLOCKED, failing, HeldWorker, layerParts, PASS, ScriptedConsult, scripted, turns } from "./layer-fixture.ts";

interface Seated {
  readonly operators?: readonly { readonly name: string; readonly kind?: string }[];
  readonly seat?: string;
  readonly verdict?: VerdictContract;
  readonly default_operator_kind?: string;
}

/** A Blueprint with one function agent, and these seats. */
function seated({
  operators = [{ name: "lead" }],
  seat,
  verdict,
  default_operator_kind,
}: Seated = {}): CompiledBlueprint {
  const spec = seat === undefined ? null : { operator_ref: seat };
  const agent = makeAgent({ kind: "function", fnId: "identity" }, verdict === undefined ? {} : { verdict });
  return makeBlueprint([agent], {
    blueprint: {
      id: "test",
      metadata: {},
      operators,
      agents: [{ name: "scout", kind: "function", spec }],
      ...(default_operator_kind === undefined ? {} : { default_operator_kind }),
    } as unknown as CompiledBlueprint["blueprint"],
  });
}

describe("the operator kind", () => {
  const blueprint = seated({
    operators: [{ name: "lead", kind: "main_ai" }, { name: "other" }],
    seat: "lead",
    default_operator_kind: "composite",
  });

  it.each<[string, CompiledBlueprint, Json, string]>([
    ["the launch for the agent", blueprint, { agents: { scout: "automate" }, default: "composite" }, "automate"],
    ["the launch for all", blueprint, { agents: { another: "composite" }, default: "automate" }, "automate"],
    ["the agent's seat", blueprint, {}, "main_ai"],
    ["the Blueprint", seated({ default_operator_kind: "composite" }), {}, "composite"],
    ["nobody", seated(), {}, "automate"],
    ["nobody, where the launch says nonsense", seated(), { default: "constructor", agents: [] }, "automate"],
  ])("is what %s says", (_, compiled, operator_kinds, kind) => {
    expect(operatorKind(compiled, "scout", { operator_kinds })).toBe(kind);
  });

  it("belongs to the agent's seat, else to the only one", () => {
    expect(seatOf(blueprint, "scout")).toBe("lead");
    expect(seatOf(seated(), "scout")).toBe("lead");
    expect(seatOf(seated({ operators: [{ name: "a" }, { name: "b" }] }), "scout")).toBeUndefined();
    expect(seatOf(seated({ operators: [], seat: "gone" }), "scout")).toBeUndefined();
  });
});

describe("the main-ai layer", () => {
  const main = seated({ operators: [{ name: "lead", kind: "main_ai" }], seat: "lead" });
  const around = (worker: ReturnType<typeof scripted>, consult?: ScriptedConsult, compiled = main) =>
    compose([mainAi({}, { compiled, ...(consult === undefined ? {} : { consult }) })], worker);

  it("tells the seat before and after", async () => {
    const consult = new ScriptedConsult();
    await around(scripted(PASS), consult)(makeCall());
    await around(scripted(failing()), consult)(makeCall());
    expect(consult.before).toEqual(["lead", "lead"]);
    expect(consult.after).toEqual(["done", "it went wrong"]);
  });

  it("does not start a step that is refused", async () => {
    const consult = new ScriptedConsult();
    consult.hook = { ok: false, reason: "not today" };
    const worker = scripted();
    expect(failureOf(await around(worker, consult)(makeCall()))).toEqual({
      code: "hook_refused",
      message: "the main agent in seat 'lead' refused step 1 of 'scout': not today",
      retryable: false,
    });
    expect(worker.calls).toEqual([]);
  });

  it.each<[string, ScriptedConsult | undefined, CompiledBlueprint]>([
    ["no operators are served", undefined, main],
    ["the kind is automate", new ScriptedConsult(), seated()],
    ["there is no seat", new ScriptedConsult(), seated({ operators: [], default_operator_kind: "main_ai" })],
  ])("is not there where %s", async (_, consult, compiled) => {
    const call = makeCall();
    const worker = scripted();
    await around(worker, consult, compiled)(call);
    expect(worker.calls[0]).toBe(call);
    expect(consult?.before ?? []).toEqual([]);
  });

  it("asks once an attempt, however often that is entered again", async () => {
    const consult = new ScriptedConsult();
    const memo = memoryMemo();
    await around(scripted(), consult)(makeCall({ memo }));
    await around(scripted(), consult)(makeCall({ memo }));
    expect(consult.before).toEqual(["lead"]);
  });
});

describe("the senior-escalation layer", () => {
  const DAY = 86_400_000;
  const chain = [{ seat: "junior", timeout_ms: DAY }, { seat: "senior" }];

  function stack(
    worker: ReturnType<typeof scripted>,
    consult: ScriptedConsult,
    over: { compiled?: CompiledBlueprint; options?: NonNullable<LayerOptions["senior_escalation"]> } = {},
  ) {
    const parts = layerParts();
    const layer = seniorEscalation(over.options ?? { chain }, {
      ...parts,
      compiled: over.compiled ?? seated(),
      consult,
    });
    return { run: compose([layer], worker), now: parts.clock.now() };
  }

  it("asks nobody about a step that is not blocked", async () => {
    const consult = new ScriptedConsult();
    for (const outcome of [PASS, failing(), { kind: "skip", value: 1 } as StepOutcome])
      expect(await stack(scripted(outcome), consult).run(makeCall())).toEqual(outcome);
    expect(consult.asked).toEqual([]);
  });

  it("asks one after the other, each with its deadline, and an answer makes the step pass", async () => {
    const consult = new ScriptedConsult();
    consult.answers.set("senior", { kind: "answer", value: "go ahead", by: "S-1" });
    const stats = { worker_kind: "test" };
    const { run, now } = stack(scripted({ ...BLOCKED, stats } as StepOutcome), consult);
    expect(await run(makeCall())).toEqual({
      kind: "pass",
      value: { original: "no", senior_answer: "go ahead" },
      stats,
    });
    const question = { reason: "worker reported ok=false", value: "no" };
    expect(consult.asked).toEqual([
      { name: "senior_escalation/0", seat: "junior", question, deadline: now + DAY },
      { name: "senior_escalation/1", seat: "senior", question, deadline: now + 2 * DAY },
    ]);
  });

  it("leaves the outcome where nobody answers in time", async () => {
    const call = makeCall();
    expect(await stack(scripted(BLOCKED), new ScriptedConsult()).run(call)).toEqual(BLOCKED);
    expect(call.events.map((event) => event.type)).toEqual(["warning", "warning"]);
  });

  it("leaves the outcome, and says so, where asking fails", async () => {
    const consult = new ScriptedConsult();
    consult.answers.set("junior", Promise.reject(new Error("the store is full")));
    const call = makeCall();
    expect(await stack(scripted(BLOCKED), consult).run(call)).toEqual(BLOCKED);
    expect(call.events).toMatchObject([{ message: expect.stringContaining("the store is full") }]);
  });

  it("goes on asking where it was when the attempt is entered again, without the worker and without new time", async () => {
    const memos = new Map<string, Json>();
    const attached: (boolean | undefined)[] = [];
    const memo: StepCall["memo"] = {
      get: (name) => memos.get(name),
      put: async (name, value, options) => {
        attached.push(options?.attach);
        memos.set(name, value);
      },
    };
    const waiting = new ScriptedConsult();
    waiting.answers.set("senior", new Promise(() => {}));
    const { run, now } = stack(scripted(BLOCKED), waiting);
    void run(makeCall({ memo }));
    await turns();
    expect(attached).toEqual([true, true]);

    const consult = new ScriptedConsult();
    consult.answers.set("senior", { kind: "answer", value: 1, by: "S-1" });
    const worker = scripted();
    const again = stack(worker, consult);
    expect(await again.run(makeCall({ memo }))).toMatchObject({ kind: "pass", value: { original: "no" } });
    expect(worker.calls).toEqual([]);
    expect(consult.asked).toMatchObject([{ seat: "senior", deadline: now + 2 * DAY }]);
  });

  it("moves the attempt's deadline behind the link's", async () => {
    const moved: number[] = [];
    const consult = new ScriptedConsult();
    const { run, now } = stack(scripted(BLOCKED), consult);
    await run(makeCall({ deadline: now + 5, extend: async (deadline) => void moved.push(deadline) }));
    expect(moved).toEqual([now + DAY + 1, now + 2 * DAY + 1]);
  });

  it.each<[string, VerdictContract, Json, boolean]>([
    ["of a body", { channel: "body", values: ["no", "yes"] }, "no", false],
    [
      "of a part that the answer staged",
      { channel: "part", values: ["stop"] },
      { out: "x", parts: { verdict: "stop" } },
      true,
    ],
    [
      "of a part with another word",
      { channel: "part", values: ["stop"] },
      { out: "x", parts: { verdict: "go" } },
      false,
    ],
    ["of a part that is missing", { channel: "part", values: ["stop"] }, "x", false],
  ])("heeds a verdict contract %s", async (_, verdict, value, escalated) => {
    const consult = new ScriptedConsult();
    consult.answers.set("junior", { kind: "answer", value: 1, by: "S-1" });
    const outcome = await stack(scripted({ kind: "blocked", value }), consult, { compiled: seated({ verdict }) }).run(
      makeCall(),
    );
    expect([outcome.kind, consult.asked.length]).toEqual(escalated ? ["pass", 1] : ["blocked", 0]);
  });

  it("asks the step's own seat where no chain is given, and nobody where there is none", async () => {
    const consult = new ScriptedConsult();
    await stack(scripted(BLOCKED), consult, { options: {} }).run(makeCall());
    expect(consult.asked).toMatchObject([{ seat: "lead" }]);
    await stack(scripted(BLOCKED), consult, { options: {}, compiled: seated({ operators: [] }) }).run(makeCall());
    expect(consult.asked).toHaveLength(1);
  });

  it("lets go when the attempt is parked", async () => {
    const consult = new ScriptedConsult();
    const parked = new AbortController();
    consult.answers.set(
      "junior",
      new Promise<never>((_, reject) => parked.signal.addEventListener("abort", () => reject(parked.signal.reason))),
    );
    const outcome = stack(scripted(BLOCKED), consult).run(makeCall({ signal: parked.signal }));
    await turns();
    parked.abort(new Error("parked"));
    expect(await outcome).toEqual({ kind: "cancelled" });
  });
});

describe("the long-hold layer", () => {
  const options = { warn_after_ms: 100, extend_by_ms: 50, max_extensions: 2 };

  it("warns every so often, and moves the deadline as often as it may", async () => {
    const parts = layerParts();
    const worker = new HeldWorker();
    const moved: number[] = [];
    const deadline = parts.clock.now() + 1_000;
    const call = makeCall({ deadline, extend: async (at) => void moved.push(at) });
    const outcome = compose([longHold(options, parts)], worker.dispatch)(call);
    parts.clock.advance(350);
    expect(moved).toEqual([deadline + 50, deadline + 100]);
    expect(call.events.map((event) => ("message" in event ? event.message : ""))).toEqual([
      "agent 'scout' has worked on step 1 for 100 ms; its deadline is moved by 50 ms",
      "agent 'scout' has worked on step 1 for 200 ms; its deadline is moved by 50 ms",
      "agent 'scout' has worked on step 1 for 300 ms",
    ]);
    expect(worker.calls[0]).not.toHaveProperty("deadline");
    await worker.end();
    expect(await outcome).toEqual(PASS);
    expect(parts.clock.pending).toBe(0);
  });

  it("lets only a step rest whose worker is outside", async () => {
    for (const [kind, rests] of [
      ["operator", 1],
      ["function", 0],
    ] as const) {
      const parts = layerParts();
      const plan = kind === "operator" ? { kind, seat: "lead", systemPrompt: "" } : { kind, fnId: "identity" };
      const worker = new HeldWorker();
      let resting = 0;
      const rest = () => {
        resting += 1;
        return () => {
          resting -= 1;
        };
      };
      const compiled = makeBlueprint([makeAgent(plan)]);
      const outcome = compose([longHold(options, { ...parts, compiled })], worker.dispatch)(makeCall({ rest }));
      parts.clock.advance(500);
      expect(resting).toBe(rests);
      await worker.end();
      await outcome;
      expect(resting).toBe(0);
    }
  });

  it("says where a deadline cannot be moved", async () => {
    const parts = layerParts();
    const worker = new HeldWorker();
    const call = makeCall({ deadline: parts.clock.now() + 1_000, extend: () => Promise.reject(new Error("over")) });
    const outcome = compose([longHold(options, parts)], worker.dispatch)(call);
    parts.clock.advance(100);
    await worker.end();
    await outcome;
    expect(call.events).toContainEqual({
      type: "warning",
      code: "long_hold",
      message: "the deadline of step 1 cannot be moved: over",
    });
  });
});
