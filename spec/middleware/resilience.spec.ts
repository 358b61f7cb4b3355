import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bulkhead } from "../../src/middleware/bulkhead.ts";
import { circuitBreaker } from "../../src/middleware/circuit-breaker.ts";
import { deduplicate } from "../../src/middleware/deduplicate.ts";
import { compose } from "../../src/middleware/index.ts";
import { rateLimit } from "../../src/middleware/rate-limit.ts";
import { retry } from "../../src/middleware/retry.ts";
import { timeout } from "../../src/middleware/timeout.ts";
import { failureOf, makeCall } from "../workers/step-fixture.ts";
import { BLOCKED, failing, HeldWorker, layerParts, PASS, scripted, turns } from "./layer-fixture.ts";

describe("the timeout layer", () => {
  it("aborts what is inside when the time is over, and says so", async () => {
    const parts = layerParts();
    const worker = new HeldWorker();
    const outcome = compose([timeout({ timeout_ms: 50 }, parts)], worker.dispatch)(makeCall());
    expect(worker.calls[0]?.deadline).toBe(parts.clock.now() + 50);
    parts.clock.advance(50);
    expect(await outcome).toEqual({
      kind: "timeout",
      error: {
        code: "step_timeout",
        message: expect.stringContaining("within 50 ms (the layer 'timeout')"),
        retryable: true,
      },
    });
    expect(parts.clock.pending).toBe(0);
  });

  it("leaves a nearer deadline, and what ends in time", async () => {
    const parts = layerParts();
    const spawner = scripted();
    const call = makeCall({ deadline: parts.clock.now() + 10 });
    await compose([timeout({ timeout_ms: 50 }, parts)], spawner)(call);
    expect(spawner.calls[0]).toBe(call);
    expect(parts.clock.pending).toBe(0);
  });
});

describe("layers over cockatiel", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("retry repeats what is retryable, with growing pauses, and gives up after the last try", async () => {
    const spawner = scripted(failing());
    const call = makeCall();
    const outcome = compose([retry({ attempts: 3, backoff_ms: 100 })], spawner)(call);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(failureOf(await outcome).code).toBe("boom");
    expect(spawner.calls).toHaveLength(3);
    expect(call.events).toMatchObject([
      { stage: "retry", note: "try 2 of 3 at 'scout'" },
      { stage: "retry", note: "try 3 of 3 at 'scout'" },
    ]);
  });

  it.each([
    ["a pass", PASS],
    ["a verdict", BLOCKED],
    ["a failure that will not go away", failing(false)],
  ])("retry does not repeat %s", async (_, outcome) => {
    const spawner = scripted(outcome);
    expect(await compose([retry({})], spawner)(makeCall())).toEqual(outcome);
    expect(spawner.calls).toHaveLength(1);
  });

  it("retry lets go at once when the attempt is aborted in a pause", async () => {
    const spawner = scripted(failing());
    const abort = new AbortController();
    const outcome = compose(
      [retry({ backoff_ms: 60_000, max_backoff_ms: 60_000 })],
      spawner,
    )(makeCall({ signal: abort.signal }));
    await vi.advanceTimersByTimeAsync(1);
    abort.abort();
    expect(await outcome).toEqual({ kind: "cancelled" });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(spawner.calls).toHaveLength(1);
  });

  it("the circuit breaker opens after failures in a row, tries once later, and closes when that passes", async () => {
    const spawner = scripted(failing(), failing(), PASS, PASS);
    const stack = compose([circuitBreaker({ failures: 2, half_open_after_ms: 1_000 })], spawner);
    await stack(makeCall());
    await stack(makeCall());
    expect(failureOf(await stack(makeCall()))).toMatchObject({ code: "circuit_open", retryable: true });
    expect(spawner.calls).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await stack(makeCall())).toEqual(PASS);
    expect(await stack(makeCall())).toEqual(PASS);
  });

  it("the circuit breaker opens again where the trial fails, and does not count verdicts", async () => {
    const spawner = scripted(BLOCKED, BLOCKED, failing(), failing());
    const stack = compose([circuitBreaker({ failures: 1, half_open_after_ms: 1_000 })], spawner);
    expect(await stack(makeCall())).toEqual(BLOCKED);
    expect(await stack(makeCall())).toEqual(BLOCKED);
    await stack(makeCall());
    await vi.advanceTimersByTimeAsync(1_000);
    expect(failureOf(await stack(makeCall())).code).toBe("boom");
    expect(failureOf(await stack(makeCall())).code).toBe("circuit_open");
    expect(spawner.calls).toHaveLength(4);
  });

  it("keeps a breaker for each agent", async () => {
    const spawner = scripted(failing());
    const stack = compose([circuitBreaker({ failures: 1 })], spawner);
    await stack(makeCall({ agent: "one" }));
    expect(failureOf(await stack(makeCall({ agent: "one" }))).code).toBe("circuit_open");
    expect(failureOf(await stack(makeCall({ agent: "two" }))).code).toBe("boom");
  });
});

describe("the bulkhead layer", () => {
  it("lets so many through, so many wait, and refuses the rest", async () => {
    const worker = new HeldWorker();
    const stack = compose([bulkhead({ limit: 1, queue: 1 })], worker.dispatch);
    const outcomes = [stack(makeCall()), stack(makeCall()), stack(makeCall())];
    expect(failureOf(await (outcomes[2] as Promise<typeof PASS>))).toMatchObject({
      code: "bulkhead_full",
      retryable: true,
    });
    expect(worker.calls).toHaveLength(1);
    await worker.end();
    expect(worker.calls).toHaveLength(2);
    await worker.end();
    expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(["pass", "pass", "error"]);
  });

  it("lets go of who is aborted while waiting, and never gives it to a worker", async () => {
    const worker = new HeldWorker();
    const stack = compose([bulkhead({ limit: 1, queue: 5 })], worker.dispatch);
    const abort = new AbortController();
    const first = stack(makeCall());
    const second = stack(makeCall({ signal: abort.signal }));
    abort.abort();
    expect(await second).toEqual({ kind: "cancelled" });
    await worker.end();
    await first;
    await turns();
    expect(worker.calls).toHaveLength(1);
  });
});

describe("the deduplicate layer", () => {
  const stats = { usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } };

  it("lets equal steps under way share one outcome, whose stats are counted once", async () => {
    const worker = new HeldWorker();
    const stack = compose([deduplicate({})], worker.dispatch);
    const outcomes = [
      stack(makeCall({ key: "1", input: { a: 1, b: 2 } })),
      stack(makeCall({ key: "2", input: { b: 2, a: 1 } })),
    ];
    await turns();
    expect(worker.calls).toHaveLength(1);
    await worker.end({ ...PASS, stats });
    expect(await Promise.all(outcomes)).toEqual([{ ...PASS, stats }, PASS]);
    const later = stack(makeCall({ key: "3", input: { a: 1, b: 2 } }));
    await turns();
    expect(worker.calls).toHaveLength(2);
    await worker.end();
    await later;
  });

  it.each([
    ["input", { input: "other" }],
    ["agent", { agent: "other" }],
    ["context", { context: { lane: 1 } }],
    ["run", { runId: "R-00000000000000ff" }],
  ])("does not share between steps of another %s", async (_, over) => {
    const worker = new HeldWorker();
    const stack = compose([deduplicate({})], worker.dispatch);
    const outcomes = [stack(makeCall()), stack(makeCall(over))];
    await turns();
    expect(worker.calls).toHaveLength(2);
    await worker.end();
    await worker.end();
    await Promise.all(outcomes);
  });

  it("shares between runs where it is told to", async () => {
    const worker = new HeldWorker();
    const stack = compose([deduplicate({ scope: "host" })], worker.dispatch);
    const outcomes = [stack(makeCall()), stack(makeCall({ runId: "R-00000000000000ff" }))];
    await turns();
    expect(worker.calls).toHaveLength(1);
    await worker.end();
    await Promise.all(outcomes);
  });

  it("lets another take the place of a first that is aborted", async () => {
    const worker = new HeldWorker();
    const stack = compose([deduplicate({})], worker.dispatch);
    const abort = new AbortController();
    const first = stack(makeCall({ signal: abort.signal }));
    const rest = [stack(makeCall({ key: "2" })), stack(makeCall({ key: "3" }))];
    await turns();
    abort.abort();
    expect(await first).toEqual({ kind: "cancelled" });
    await turns();
    expect(worker.calls).toHaveLength(2);
    await worker.end();
    await worker.end();
    expect(await Promise.all(rest)).toEqual([PASS, PASS]);
  });
});

describe("the rate-limit layer", () => {
  it("holds steps back by key, and lets the next in when one ends, however it ends", async () => {
    const parts = layerParts();
    const worker = new HeldWorker();
    const stack = compose([rateLimit({ rules: [{ key: "model", concurrency: 1 }] }, parts)], worker.dispatch);
    const outcomes = [stack(makeCall({ key: "1" })), stack(makeCall({ key: "2" }))];
    await turns();
    expect(worker.calls).toHaveLength(1);
    expect(parts.queues.view()).toMatchObject([{ key: "model", holding: 1, waiting: 1, waiters: [{ key: "2" }] }]);
    await worker.end(failing());
    expect(worker.calls).toHaveLength(2);
    await worker.end();
    expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(["error", "pass"]);
    expect(parts.queues.view()).toEqual([]);
  });

  it("has a queue for each value of the input where it is told to", async () => {
    const worker = new HeldWorker();
    const rules = [{ key: "tenant", by: "$.tenant", concurrency: 1 }];
    const stack = compose([rateLimit({ rules }, layerParts())], worker.dispatch);
    const lanes = ["a", "b", "a"].map((tenant, lane) => stack(makeCall({ key: `${lane}`, input: { tenant } })));
    await turns();
    expect(worker.calls).toHaveLength(2);
    for (let lane = 0; lane < 3; lane += 1) await worker.end();
    await Promise.all(lanes);
    for (const input of ["text", { tenant: null }, { tenant: {} }, {}])
      expect(failureOf(await stack(makeCall({ input }))).code).toBe("queue_key");
  });

  it("refuses a step where too many wait", async () => {
    const worker = new HeldWorker();
    const rules = [{ key: "k", concurrency: 1, max_waiting: 0 }];
    const stack = compose([rateLimit({ rules }, layerParts())], worker.dispatch);
    const first = stack(makeCall());
    await turns();
    expect(failureOf(await stack(makeCall()))).toMatchObject({ code: "queue_full", retryable: true });
    await worker.end();
    await first;
  });

  it("does not lock two steps that want the same two keys, whatever order their rules have", async () => {
    const parts = layerParts();
    const worker = new HeldWorker();
    const a = { key: "a", concurrency: 1 };
    const b = { key: "b", concurrency: 1 };
    const one = compose([rateLimit({ rules: [a, b] }, parts)], worker.dispatch);
    const two = compose([rateLimit({ rules: [b, a] }, parts)], worker.dispatch);
    const outcomes = [one(makeCall({ runId: "R-1" })), two(makeCall({ runId: "R-2" }))];
    await turns();
    await worker.end();
    await worker.end();
    expect(await Promise.all(outcomes)).toEqual([PASS, PASS]);
  });

  it("gives back the places it has where the step is aborted at a later queue", async () => {
    const parts = layerParts();
    const worker = new HeldWorker();
    const rules = [
      { key: "a", concurrency: 2 },
      { key: "b", concurrency: 1 },
    ];
    const stack = compose([rateLimit({ rules }, parts)], worker.dispatch);
    const abort = new AbortController();
    const first = stack(makeCall({ key: "1" }));
    const second = stack(makeCall({ key: "2", signal: abort.signal }));
    await turns();
    expect(parts.queues.view()).toMatchObject([
      { key: "a", holding: 2 },
      { key: "b", holding: 1, waiting: 1 },
    ]);
    abort.abort();
    expect(await second).toEqual({ kind: "cancelled" });
    expect(parts.queues.view()).toMatchObject([
      { key: "a", holding: 1 },
      { key: "b", waiting: 0 },
    ]);
    await worker.end();
    await first;
  });
});
