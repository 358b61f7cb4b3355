import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JournalEntry } from "../../src/kernel/index.ts";
import { budget } from "../../src/middleware/budget.ts";
import { BudgetLedger, NOTHING, type Reservation } from "../../src/middleware/budget-ledger.ts";
import { compose } from "../../src/middleware/index.ts";
import { failureOf, makeCall } from "../workers/step-fixture.ts";
import { HeldWorker, layerParts, PASS, scripted, turns } from "./layer-fixture.ts";

const never = new AbortController().signal;
const usage = (total: number, model = "m") => ({
  model,
  usage: { input_tokens: total, output_tokens: 0, total_tokens: total },
});

describe("the ledger", () => {
  it("never lets spent and set aside pass a limit, and never overspends where shares suffice, in any interleaving", async () => {
    const actions = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("reserve" as const), want: fc.integer({ min: 0, max: 40 }) }),
        fc.record({
          kind: fc.constant("settle" as const),
          which: fc.nat(),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        fc.record({ kind: fc.constant("drop" as const), which: fc.nat() }),
        fc.record({ kind: fc.constant("abort" as const), which: fc.nat() }),
      ),
      { maxLength: 80 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 100 }),
        actions,
        async (limit, before, plan) => {
          const ledger = new BudgetLedger({ tokens: limit }, async () => ({
            ...NOTHING,
            tokens: Math.min(before, limit),
          }));
          const held: { want: number; reservation: Reservation }[] = [];
          const waiting: AbortController[] = [];
          for (const action of plan) {
            if (action.kind === "reserve") {
              const abort = new AbortController();
              waiting.push(abort);
              const { want } = action;
              void ledger.reserve("R", { ...NOTHING, tokens: want }, abort.signal).then((answer) => {
                if (answer !== undefined && "settle" in answer) held.push({ want, reservation: answer });
              });
            } else if (action.kind === "abort") waiting[action.which % Math.max(1, waiting.length)]?.abort();
            else {
              const [one] = held.splice(action.which % Math.max(1, held.length), 1);
              if (action.kind === "drop") one?.reservation.drop();
              else one?.reservation.settle({ ...NOTHING, tokens: Math.floor(one.want * action.share) });
            }
            await turns(8);
            const { spent, reserved } = await ledger.standing("R");
            expect(spent.tokens + reserved.tokens).toBeLessThanOrEqual(limit);
            expect(reserved.tokens).toBe(held.reduce((sum, { want }) => sum + want, 0));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("lets those wait that would fit once others took less, first come first served, and refuses what never will", async () => {
    const ledger = new BudgetLedger({ tokens: 100 }, async () => NOTHING);
    const want = { ...NOTHING, tokens: 60 };
    const first = (await ledger.reserve("R", want, never)) as Reservation;
    const second = ledger.reserve("R", want, never);
    const third = ledger.reserve("R", want, never);
    first.settle({ ...NOTHING, tokens: 10 });
    const granted = (await second) as Reservation;
    granted.settle({ ...NOTHING, tokens: 60 });
    expect(await third).toEqual({ kind: "tokens", limit: 100, spent: 70 });
  });

  it("counts a settlement once, and nothing for a place that is dropped", async () => {
    const ledger = new BudgetLedger({ attempts: 5 }, async () => NOTHING);
    const one = { ...NOTHING, attempts: 1 };
    const first = (await ledger.reserve("R", one, never)) as Reservation;
    first.settle(one);
    first.settle(one);
    first.drop();
    ((await ledger.reserve("R", one, never)) as Reservation).drop();
    expect((await ledger.standing("R")).spent.attempts).toBe(1);
  });

  it("keeps runs apart, and asks for what a run spent before once", async () => {
    const asked: string[] = [];
    const ledger = new BudgetLedger({ tokens: 10 }, async (runId) => {
      asked.push(runId);
      return { ...NOTHING, tokens: runId === "spent" ? 10 : 0 };
    });
    const want = { ...NOTHING, tokens: 1 };
    const answers = await Promise.all([
      ledger.reserve("spent", want, never),
      ledger.reserve("fresh", want, never),
      ledger.reserve("fresh", want, never),
    ]);
    expect(answers[0]).toMatchObject({ kind: "tokens", spent: 10 });
    expect(answers.slice(1)).toEqual([expect.objectContaining({ settle: expect.any(Function) }), expect.anything()]);
    expect(asked).toEqual(["spent", "fresh"]);
  });
});

describe("the budget layer", () => {
  it("does not let a fanout overspend: what no longer fits is refused", async () => {
    const worker = new HeldWorker();
    const stack = compose([budget({ tokens: { limit: 100, per_attempt: 30 } }, layerParts())], worker.dispatch);
    const lanes = Array.from({ length: 6 }, (_, lane) => stack(makeCall({ key: `0.@${lane}` })));
    await turns();
    expect(worker.calls).toHaveLength(3);
    for (let lane = 0; lane < 3; lane += 1) await worker.end({ ...PASS, stats: usage(30) });
    const outcomes = await Promise.all(lanes);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["pass", "pass", "pass", "error", "error", "error"]);
    expect(failureOf(outcomes[5] as never)).toEqual({
      code: "budget_exhausted",
      retryable: false,
      message: expect.stringContaining("budget of 100 tokens: 90 tokens are spent"),
    });
  });

  it("lets more in where the first took less than their share", async () => {
    const worker = new HeldWorker();
    const stack = compose([budget({ tokens: { limit: 100, per_attempt: 60 } }, layerParts())], worker.dispatch);
    const lanes = [stack(makeCall({ key: "1" })), stack(makeCall({ key: "2" }))];
    await turns();
    expect(worker.calls).toHaveLength(1);
    await worker.end({ ...PASS, stats: usage(5) });
    expect(worker.calls).toHaveLength(2);
    await worker.end({ ...PASS, stats: usage(5) });
    expect((await Promise.all(lanes)).map(({ kind }) => kind)).toEqual(["pass", "pass"]);
  });

  it("reckons cost by what the worker says, else by the model's price", async () => {
    const options = {
      cost_usd: { limit: 1, per_attempt: 0.1 },
      prices: { m: { input: 2, output: 10 } },
    };
    const outcomes = [
      { ...PASS, stats: { adapter_data: { cost_usd: 0.5 } } },
      { ...PASS, stats: usage(200_000) },
      { ...PASS, stats: usage(1, "constructor") },
    ];
    const stack = compose([budget(options, layerParts())], scripted(...outcomes));
    const events = makeCall({ key: "1" });
    expect((await stack(events)).kind).toBe("pass");
    expect(events.events).toMatchObject([{ type: "warning", code: "budget" }]);
    expect((await stack(makeCall({ key: "2" }))).kind).toBe("pass");
    expect((await stack(makeCall({ key: "3" }))).kind).toBe("pass");
    const last = await stack(makeCall({ key: "4" }));
    expect(last.kind).toBe("pass");
    const over = compose([budget({ cost_usd: { limit: 0.09, per_attempt: 0.1 } }, layerParts())], scripted());
    expect(failureOf(await over(makeCall())).message).toContain("budget of $0.0900: $0.0000 are spent");
  });

  it("gives an attempt up when its share of the time is over", async () => {
    const parts = layerParts();
    const worker = new HeldWorker();
    const stack = compose([budget({ time_ms: { limit: 100, per_attempt: 60 } }, parts)], worker.dispatch);
    const first = stack(makeCall({ key: "1" }));
    await turns();
    parts.clock.advance(60);
    expect((await first).kind).toBe("timeout");
    expect(failureOf(await stack(makeCall({ key: "2" }))).code).toBe("budget_exhausted");
  });

  it("does not count an attempt that is parked: it is entered again", async () => {
    const stack = (worker: HeldWorker) => compose([budget({ attempts: 1 }, parts)], worker.dispatch);
    const parts = layerParts();
    const worker = new HeldWorker();
    const layer = stack(worker);
    const parked = new AbortController();
    const first = layer(makeCall({ signal: parked.signal }));
    await turns();
    parked.abort({ kind: "parked", message: "the run leaves memory" });
    await first;
    const again = layer(makeCall());
    await turns();
    expect(worker.calls).toHaveLength(2);
    await worker.end();
    await worker.end();
    expect((await again).kind).toBe("pass");
    expect(failureOf(await layer(makeCall({ key: "2" }))).message).toContain("1 attempts are spent");
  });

  it("is rebuilt from the journal: completions by their stats, interrupted attempts, and nothing that was refused", async () => {
    const head = { v: 1, prev: "", fence: 1, at: 100 };
    const digests = { node: "", binding: "", input: "" };
    const step = (over: object) =>
      ({
        ...head,
        type: "step_completed",
        attempt: 1,
        agent: "scout",
        digests,
        outcome: "pass",
        accepted: true,
        started_at: 90,
        ...over,
      }) as JournalEntry;
    const scheduled = (key: string, attempt: number) =>
      ({ ...head, type: "step_scheduled", key, attempt, agent: "scout", digests }) as unknown as JournalEntry;
    const started = (key: string, attempt: number) =>
      ({ ...head, type: "step_started", key, attempt, worker: "function" }) as unknown as JournalEntry;
    const entries = [
      scheduled("1", 1),
      started("1", 1),
      scheduled("1", 2),
      started("1", 2),
      step({ key: "1", attempt: 2, stats: usage(40) }),
      step({ key: "2", outcome: "error", error: { code: "budget_exhausted", message: "" } }),
      step({ key: "3", stats: usage(7), reused_from: { run: "R-0", seq: 1 } }),
      step({ key: "4", agent: "another", stats: usage(1_000) }),
      scheduled("6", 1),
      step({ key: "6" }),
      scheduled("5", 1),
      started("5", 1),
    ];
    const journal = async function* () {
      yield* entries;
    };
    const stack = (options: Parameters<typeof budget>[0]) =>
      compose([budget({ agents: ["scout"], ...options }, { ...layerParts(), journal })], scripted());
    const refused = async (options: Parameters<typeof budget>[0]) =>
      failureOf(await stack(options)(makeCall({ key: "5" }))).message;
    expect(await refused({ tokens: { limit: 41, per_attempt: 2 } })).toContain("40 tokens are spent");
    expect(await refused({ attempts: 2 })).toContain("2 attempts are spent");
    expect(await refused({ time_ms: { limit: 10, per_attempt: 1 } })).toContain("10 ms are spent");
    expect((await stack({ attempts: 3 })(makeCall({ key: "5" }))).kind).toBe("pass");
  });
});
