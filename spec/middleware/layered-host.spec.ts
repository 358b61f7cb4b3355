import { describe, expect, it } from "vitest";
import type { StepCall } from "../../src/engine/index.ts";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import type { Consult, SeatAnswer, SeatQuestion } from "../../src/middleware/index.ts";
import { blocked, FunctionRegistry } from "../../src/workers/index.ts";
import { LayeredHost } from "./layered-host.ts";

const path = (at: string): Json => ({ op: "path", at });
const step = (ref: string, input: Json = path("$.in"), out = "$.out"): Json => ({
  kind: "step",
  ref,
  in: input,
  out: path(out),
});
const fn = (name: string): Json => ({ name, kind: "function", spec: { fn_id: name } });

/** A consult that keeps what is asked and lets go when the attempt is let go of, as the port demands. */
class DeskStandIn implements Consult {
  readonly asked: (SeatQuestion & { readonly attempt: number })[] = [];
  readonly #asked = Promise.withResolvers<void>();
  readonly first: Promise<void> = this.#asked.promise;
  readonly #answer: (question: SeatQuestion) => SeatAnswer | undefined;

  /** @param answer what a question gets at once; undefined: it waits. */
  constructor(answer: (question: SeatQuestion) => SeatAnswer | undefined) {
    this.#answer = answer;
  }

  ask(call: StepCall, question: SeatQuestion): Promise<SeatAnswer> {
    this.asked.push({ ...question, attempt: call.attempt });
    const wake = call.rest(question.deadline);
    this.#asked.resolve();
    const answer = this.#answer(question);
    if (answer !== undefined) {
      wake();
      return Promise.resolve(answer);
    }
    return new Promise((_, reject) =>
      call.signal.addEventListener("abort", () => reject(call.signal.reason as Error), { once: true }),
    );
  }

  hookBefore(): Promise<{ readonly ok: boolean }> {
    return Promise.resolve({ ok: true });
  }

  hookAfter(): Promise<void> {
    return Promise.resolve();
  }
}

describe("senior escalation across a restart", () => {
  const document = {
    flow: step("risky"),
    agents: [fn("risky")],
    operators: [{ name: "senior" }],
    spawner_hints: {
      layers: ["senior_escalation"],
      options: { senior_escalation: { chain: [{ seat: "senior", timeout_ms: 172_800_000 }] } },
    },
  };

  function registry(): { readonly functions: FunctionRegistry; readonly calls: Json[] } {
    const calls: Json[] = [];
    const functions = new FunctionRegistry().register("risky", {
      pure: false,
      run: (input) => {
        calls.push(input);
        return blocked("too risky");
      },
    });
    return { functions, calls };
  }

  it("does not repeat the worker, keeps the question and its deadline, and the answer makes the run go on", async () => {
    const { functions, calls } = registry();
    const silent = new DeskStandIn(() => undefined);
    const first = new LayeredHost({ functions, consult: silent });
    const run = await first.launch(document, { in: 1 });
    run.result.catch(() => {});
    await silent.first;
    await first.stop();
    expect(calls).toEqual([1]);

    first.clock.advance(3_600_000);
    const answering = new DeskStandIn(() => ({ kind: "answer", value: "I know them: go ahead", by: "S-1" }));
    await using second = new LayeredHost({ functions, consult: answering, after: first });
    await second.engine.recover();
    const result = await (await second.engine.attach(run.runId)).result;
    expect(result).toEqual({
      status: "done",
      ctx: { in: 1, out: { original: "too risky", senior_answer: "I know them: go ahead" } },
    });
    expect(calls).toEqual([1]);
    expect(answering.asked).toEqual(silent.asked);
    expect(answering.asked).toHaveLength(1);
    const journal = await second.journal(run.runId);
    expect(journal.map(({ type }) => type)).toEqual([
      "run_started",
      "step_scheduled",
      "step_started",
      "step_memo",
      "step_completed",
      "run_finished",
    ]);
  });

  it("lets the run leave memory while the senior thinks, and end blocked when the time is over", async () => {
    const { functions, calls } = registry();
    let now = (): number => 0;
    const silent = new DeskStandIn(({ deadline = 0 }) => (now() < deadline ? undefined : { kind: "expired" }));
    await using host = new LayeredHost({ functions, consult: silent });
    now = () => host.clock.now();
    const run = await host.launch(document, { in: 1 });
    await silent.first;
    const parked = Promise.withResolvers<void>();
    host.engine.observe(run.runId, ({ type }) => {
      if (type === "run_parked") parked.resolve();
    });
    host.clock.advance(2_000);
    await parked.promise;
    expect((await host.stores.runs.get(run.runId))?.status).toBe("waiting");
    expect(host.engine.live).toBe(0);
    host.clock.advance(172_800_000);
    expect(await run.result).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("too risky") },
    });
    expect(calls).toHaveLength(1);
    expect(silent.asked).toHaveLength(2);
  });
});

describe("a Lua policy in a run", () => {
  const source = `
    function before(call)
      if call.input == "secret" then return { refuse = "secrets stay here" } end
      if call.input == "big" then return { route = "large", input = "BIG" } end
    end
    function after(call, outcome)
      if outcome.value == "draft" then return { value = "final" } end
    end`;
  const document = (input: string): JsonObject => ({
    flow: step("small", { op: "lit", value: input }),
    agents: [fn("small"), fn("large")],
    spawner_hints: { layers: ["lua_layer"], options: { lua_layer: { source } } },
  });
  const functions = new FunctionRegistry()
    .register("small", { pure: true, run: (input) => (input === "write" ? "draft" : `small ${input as string}`) })
    .register("large", { pure: false, run: (input) => `large ${input as string}` });

  it("is part of what outcomes are recorded with, so that a fork under another policy executes again", async () => {
    await using host = new LayeredHost({ functions });
    const digests = async (over: JsonObject): Promise<unknown> => {
      const run = await host.launch({ ...document("plain"), ...over });
      await run.result;
      const completed = (await host.journal(run.runId)).find(({ type }) => type === "step_completed");
      return completed?.["digests"];
    };
    const hints = (text: string): JsonObject => ({
      spawner_hints: { layers: ["lua_layer"], options: { lua_layer: { source: text } } },
    });
    const plain = await digests({ spawner_hints: { layers: [] } });
    const one = await digests(hints("function before() end"));
    expect(await digests(hints("function before() end"))).toEqual(one);
    expect(one).not.toEqual(plain);
    expect(await digests(hints("function after() end"))).not.toEqual(one);
    expect(await digests({ spawner_hints: { layers: ["audit"] } })).toEqual(plain);
  });

  it.each([
    ["plain", { status: "done", ctx: { out: "small plain" } }],
    ["big", { status: "done", ctx: { out: "large BIG" } }],
    ["write", { status: "done", ctx: { out: "final" } }],
    ["secret", { status: "failed", error: { message: expect.stringContaining("secrets stay here") } }],
  ])("decides about %s, and its decisions are in the journal", async (input, result) => {
    await using host = new LayeredHost({ functions });
    const run = await host.launch(document(input));
    expect(await run.result).toMatchObject(result);
    const memos = (await host.journal(run.runId)).filter(({ type }) => type === "step_memo").map(({ name }) => name);
    expect(memos).toEqual(input === "secret" ? ["lua_layer/before"] : ["lua_layer/before", "lua_layer/after-1"]);
  });
});

describe("audits of a run", () => {
  it("of both modes are over before it ends, and are seen as artifacts", async () => {
    const functions = new FunctionRegistry()
      .register("work", { pure: false, run: () => "done" })
      .register("check", { pure: false, run: (input) => ({ saw: (input as JsonObject)["final_value"] ?? null }) })
      .register("slow_check", {
        pure: false,
        run: async () => {
          await Promise.resolve();
          return "looked";
        },
      });
    await using host = new LayeredHost({ functions });
    const run = await host.launch(
      {
        flow: step("work"),
        agents: [fn("work"), fn("check"), fn("slow_check")],
        audits: [{ agent: "check", mode: "sync" }, { agent: "slow_check" }],
      },
      { in: 1 },
    );
    await run.result;
    const seen: unknown[] = host.events.flatMap((event): unknown[] =>
      event.type === "step_event" && event.event.type === "artifact"
        ? [event.event]
        : event.type === "run_finished"
          ? ["end"]
          : [],
    );
    expect(seen).toEqual([
      { type: "artifact", name: "audit:work", content: { saw: "done" } },
      { type: "artifact", name: "audit:work", content: "looked" },
      "end",
    ]);
    expect((await host.journal(run.runId)).filter(({ type }) => type === "step_memo")).toMatchObject([
      { name: "after_run_audit/check", value: { inline: { saw: "done" } } },
    ]);
  });
});

describe("queues and budgets in a run", () => {
  const fanout = (body: Json, count: number): Json => ({
    kind: "fanout",
    items: { op: "lit", value: Array.from({ length: count }, (_, index) => index) },
    bind: path("$.in"),
    body,
    join: "all_settled",
    out: path("$.all"),
  });

  it("hold a fanout to the limit, in the order of its lanes", async () => {
    let underWay = 0;
    let most = 0;
    const order: Json[] = [];
    const functions = new FunctionRegistry().register("work", {
      pure: false,
      run: async (input) => {
        order.push(input);
        underWay += 1;
        most = Math.max(most, underWay);
        await Promise.resolve();
        underWay -= 1;
        return input;
      },
    });
    await using host = new LayeredHost({ functions });
    const run = await host.launch({
      flow: fanout(step("work"), 20),
      agents: [fn("work")],
      spawner_hints: { layers: ["rate_limit"], options: { rate_limit: { rules: [{ key: "model", concurrency: 3 }] } } },
    });
    expect(await run.result).toMatchObject({ status: "done" });
    expect(most).toBeLessThanOrEqual(3);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(host.queues.view()).toEqual([]);
  });

  it("keep their order over a restart", async () => {
    const started: string[] = [];
    let open = Promise.withResolvers<void>();
    const functions = new FunctionRegistry().register("work", {
      pure: false,
      run: async (input, { signal }) => {
        started.push(String(input));
        const stopped = new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        await Promise.race([open.promise, stopped]);
        return input;
      },
    });
    const document = {
      flow: fanout(step("work"), 4),
      agents: [fn("work")],
      spawner_hints: { layers: ["rate_limit"], options: { rate_limit: { rules: [{ key: "model", concurrency: 1 }] } } },
    };
    const first = new LayeredHost({ functions });
    const run = await first.launch(document);
    run.result.catch(() => {});
    while (first.queues.view()[0]?.waiting !== 3) await new Promise<void>((resolve) => setImmediate(resolve));
    const waited = first.queues.view()[0]?.waiters.map(({ key, scheduledAt }) => ({ key, scheduledAt }));
    await first.stop();
    expect(started).toEqual(["0"]);

    first.clock.advance(60_000);
    await using second = new LayeredHost({ functions, after: first });
    second.queues.hold();
    await second.engine.recover();
    while (second.queues.view()[0]?.waiting !== 4) await new Promise<void>((resolve) => setImmediate(resolve));
    const again = second.queues.view()[0]?.waiters.map(({ key, scheduledAt }) => ({ key, scheduledAt }));
    expect(again?.slice(1)).toEqual(waited);
    open.resolve();
    open = Promise.withResolvers<void>();
    open.resolve();
    second.queues.release();
    expect(await (await second.engine.attach(run.runId)).result).toMatchObject({ status: "done" });
    expect(started).toEqual(["0", "0", "1", "2", "3"]);
  });

  it("refuse what a run can no longer afford, also after a restart", async () => {
    const functions = new FunctionRegistry().register("work", { pure: false, run: (input) => input });
    const document = {
      flow: {
        kind: "seq",
        children: [
          step("work", path("$.in"), "$.a"),
          step("pause", { op: "lit", value: { name: "go" } }, "$.s"),
          step("work", path("$.in"), "$.b"),
          step("work", path("$.in"), "$.c"),
        ],
      },
      agents: [fn("work"), { name: "pause", kind: "function", spec: { fn_id: "wait_signal" } }],
      spawner_hints: { layers: ["budget"], options: { budget: { attempts: 2 } } },
    };
    const first = new LayeredHost({ functions });
    const run = await first.launch(document, { in: 1 });
    run.result.catch(() => {});
    while (!(await first.journal(run.runId)).some(({ type, key }) => type === "step_completed" && key === "0")) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await first.stop();
    await using second = new LayeredHost({ functions, after: first });
    await second.engine.recover();
    await second.engine.signal(run.runId, { name: "go", id: "1", value: null });
    expect(await (await second.engine.attach(run.runId)).result).toMatchObject({
      status: "failed",
      error: { key: "3", message: expect.stringContaining("2 attempts are spent") },
    });
  });
});
