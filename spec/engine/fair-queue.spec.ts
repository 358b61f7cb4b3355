import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairQueue, type Leave, type QueueLimits, type Ticket } from "../../src/engine/fair-queue.ts";
import { FairQueues } from "../../src/engine/fair-queues.ts";
import { turns } from "../middleware/layer-fixture.ts";
import { ManualClock } from "./manual-clock.ts";

const MANY = { maxWaiting: 1_000 };
const never = new AbortController().signal;

function ticket(runId: string, key: string, scheduledAt = 0): Ticket {
  return { runId, key, attempt: 1, agent: "scout", scheduledAt };
}

/** A queue whose passages the test sees in order. */
class Turnstile {
  readonly clock = new ManualClock();
  readonly queue: FairQueue;
  readonly passed: string[] = [];
  readonly #leaves: Leave[] = [];

  constructor(limits: QueueLimits) {
    this.queue = new FairQueue(limits, this.clock);
  }

  enter(of: Ticket, signal = never): void {
    const entered = this.queue.enter(of, signal);
    if (entered === "full") this.passed.push(`full ${of.runId}${of.key}`);
    else
      void entered.then((leave) => {
        this.passed.push(leave === undefined ? `gone ${of.runId}${of.key}` : `${of.runId}${of.key}`);
        if (leave !== undefined) this.#leaves.push(leave);
      });
  }

  /** The one who passed first gives its place back. */
  async leave(): Promise<void> {
    this.#leaves.shift()?.();
    await turns();
  }
}

describe("a queue with places", () => {
  it("lets steps through at once while there are places", async () => {
    const door = new Turnstile({ ...MANY, concurrency: 2 });
    for (const key of ["1", "2", "3"]) door.enter(ticket("a", key));
    await turns();
    expect(door.passed).toEqual(["a1", "a2"]);
    await door.leave();
    expect(door.passed).toEqual(["a1", "a2", "a3"]);
  });

  it("lets runs take turns, so that a wide one does not hold up a narrow one", async () => {
    const door = new Turnstile({ ...MANY, concurrency: 1 });
    for (const key of ["1", "2", "3", "4"]) door.enter(ticket("a", key));
    door.enter(ticket("b", "1", 5));
    door.enter(ticket("b", "2", 5));
    for (let turn = 0; turn < 6; turn += 1) await door.leave();
    expect(door.passed).toEqual(["a1", "a2", "b1", "a3", "b2", "a4"]);
  });

  it("does not favour a run that comes back one step at a time", async () => {
    const door = new Turnstile({ ...MANY, concurrency: 1 });
    door.enter(ticket("x", "0"));
    for (const key of ["1", "2", "3"]) door.enter(ticket("wide", key, 1));
    for (let turn = 0; turn < 3; turn += 1) {
      door.enter(ticket("narrow", String(turn), 0));
      await door.leave();
    }
    await door.leave();
    await door.leave();
    expect(door.passed.filter((name) => name.startsWith("wide")).length).toBeGreaterThanOrEqual(2);
  });

  it("forgets who is aborted while waiting, and holds nothing for it", async () => {
    const door = new Turnstile({ ...MANY, concurrency: 1 });
    const gone = new AbortController();
    door.enter(ticket("a", "1"));
    door.enter(ticket("a", "2"), gone.signal);
    door.enter(ticket("a", "3"));
    gone.abort();
    await turns();
    expect(door.passed).toEqual(["a1", "gone a2"]);
    await door.leave();
    expect(door.passed).toEqual(["a1", "gone a2", "a3"]);
    expect(door.queue.waiting).toBe(0);
  });

  it("refuses more waiters than it may have", async () => {
    const door = new Turnstile({ concurrency: 1, maxWaiting: 1 });
    for (const key of ["1", "2", "3"]) door.enter(ticket("a", key));
    await turns();
    expect(door.passed).toEqual(["full a3", "a1"]);
  });

  it("gives a place at once to who had one before, and none that is thereby one too many", async () => {
    const queue = new FairQueue({ concurrency: 1 }, new ManualClock());
    const first = (await queue.enter(ticket("a", "1"), never)) as Leave;
    const waiting = queue.enter(ticket("b", "1"), never) as Promise<Leave>;
    const back = queue.take(ticket("c", "1"));
    expect(queue.holders.map(({ runId }) => runId)).toEqual(["a", "c"]);
    first();
    await turns();
    expect(queue.waiting).toBe(1);
    back();
    await waiting;
    expect(queue.holders.map(({ runId }) => runId)).toEqual(["b"]);
  });

  it("lets any number wait where nobody bounds them", async () => {
    const queue = new FairQueue({ concurrency: 1 }, new ManualClock());
    for (let index = 0; index < 20_000; index += 1)
      void queue.enter(ticket("a", `${index}`), new AbortController().signal);
    expect(queue.waiting).toBe(19_999);
  });

  it("gives a place back once, however often it is told", async () => {
    const queue = new FairQueue({ ...MANY, concurrency: 1 }, new ManualClock());
    const first = (await queue.enter(ticket("a", "1"), never)) as Leave;
    const second = queue.enter(ticket("a", "2"), never) as Promise<Leave>;
    const third = queue.enter(ticket("a", "3"), never) as Promise<Leave>;
    first();
    first();
    await second;
    expect(queue.waiting).toBe(1);
    (await second)();
    await third;
    expect(queue.holders.map(({ key }) => key)).toEqual(["3"]);
  });
});

describe("a queue with a rate", () => {
  it("lets so many through in a time, and no more", async () => {
    const door = new Turnstile({ ...MANY, rate: { limit: 2, perMs: 1_000 } });
    for (const key of ["1", "2", "3", "4", "5"]) door.enter(ticket("a", key));
    await turns();
    expect(door.passed).toHaveLength(2);
    door.clock.advance(499);
    await turns();
    expect(door.passed).toHaveLength(2);
    door.clock.advance(1);
    await turns();
    expect(door.passed).toHaveLength(3);
    door.clock.advance(10_000);
    await turns();
    expect(door.passed).toEqual(["a1", "a2", "a3", "a4", "a5"]);
    expect(door.clock.pending).toBe(0);
  });

  it("never lets more through in any window than the allowance and what was saved", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 5, maxLength: 30 }),
        async (limit, pauses) => {
          const clock = new ManualClock();
          const queue = new FairQueue({ ...MANY, rate: { limit, perMs: 100 } }, clock);
          const times: number[] = [];
          const goOn = async (ms: number): Promise<void> => {
            for (let step = 0; step < ms; step += 1) {
              await turns(3);
              clock.advance(1);
            }
          };
          for (const [index, pause] of pauses.entries()) {
            const entered = queue.enter(ticket("a", String(index)), never);
            if (entered !== "full") void entered.then(() => times.push(clock.now()));
            await goOn(pause);
          }
          await goOn(100 * (pauses.length + 1));
          expect(times).toHaveLength(pauses.length);
          for (const from of times)
            expect(times.filter((at) => at >= from && at < from + 100).length).toBeLessThanOrEqual(2 * limit);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe("the order of a queue", () => {
  const arrivals = fc.array(
    fc.record({ runId: fc.constantFrom("a", "b", "c"), scheduledAt: fc.integer({ min: 0, max: 20 }) }),
    { minLength: 1, maxLength: 30 },
  );

  it("is the same after a restart, in whatever order the steps come back", async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, fc.infiniteStream(fc.nat()), async (given, random) => {
        // Steps of one run are scheduled one after the other.
        const tickets = given.map(({ runId, scheduledAt }, index) =>
          ticket(runId, String(index), scheduledAt * 100 + index),
        );
        const order = async (arriving: readonly Ticket[]): Promise<string[]> => {
          const door = new Turnstile({ ...MANY, concurrency: 1 });
          door.queue.hold();
          for (const of of arriving) door.enter(of);
          const shown = door.queue.next(100).map(({ runId, key }) => `${runId}${key}`);
          door.queue.release();
          await turns();
          for (let turn = 0; turn < arriving.length; turn += 1) await door.leave();
          expect(door.passed).toEqual(shown);
          return door.passed;
        };
        const shuffled = tickets
          .map((of) => ({ of, rank: random.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ of }) => of);
        expect(await order(shuffled)).toEqual(await order(tickets));
      }),
      { numRuns: 100 },
    );
  });

  it("is by schedule within a run, and turn by turn between runs that all wait", async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (given) => {
        const tickets = given.map(({ runId, scheduledAt }, index) =>
          ticket(runId, String(index), scheduledAt * 100 + index),
        );
        const door = new Turnstile({ ...MANY, concurrency: 1 });
        door.queue.hold();
        for (const of of tickets) door.enter(of);
        const order = door.queue.next(1_000);
        expect(order).toHaveLength(tickets.length);
        const total = new Map<string, number>();
        for (const { runId } of tickets) total.set(runId, (total.get(runId) ?? 0) + 1);
        const seen = new Map<string, number>();
        for (const of of order) {
          const earlier = order.slice(0, order.indexOf(of)).filter(({ runId }) => runId === of.runId);
          expect(earlier.every(({ scheduledAt }) => scheduledAt < of.scheduledAt)).toBe(true);
          seen.set(of.runId, (seen.get(of.runId) ?? 0) + 1);
          for (const [runId, all] of total) {
            const others = seen.get(runId) ?? 0;
            if (others < all) expect((seen.get(of.runId) ?? 0) - others).toBeLessThanOrEqual(1);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

it("between runs whose turn it equally is, lets the one go first that was scheduled first", () => {
  const door = new Turnstile({ ...MANY, concurrency: 1 });
  door.queue.hold();
  door.enter(ticket("a", "1", 9));
  door.enter(ticket("z", "1", 1));
  door.enter(ticket("m", "1", 5));
  expect(door.queue.next(9).map(({ runId }) => runId)).toEqual(["z", "m", "a"]);
});

describe("the queues of a host", () => {
  it("show who waits for what, and nothing of what is idle", async () => {
    const queues = new FairQueues(new ManualClock());
    const queue = queues.queue("model", { ...MANY, concurrency: 1 });
    queues.queue("idle", { ...MANY, concurrency: 1 });
    const leave = (await queue.enter(ticket("a", "1"), never)) as Leave;
    void queue.enter(ticket("b", "7", 3), never);
    expect(queues.view()).toEqual([
      {
        key: "model",
        limits: { maxWaiting: 1_000, concurrency: 1 },
        holding: 1,
        holders: [ticket("a", "1")],
        waiting: 1,
        waiters: [ticket("b", "7", 3)],
      },
    ]);
    leave();
    expect(queues.view()).toMatchObject([{ holding: 1, waiting: 0 }]);
  });

  it("let nobody through while they are held, also those that come into being meanwhile", async () => {
    const queues = new FairQueues(new ManualClock());
    queues.hold();
    const passed: string[] = [];
    const limits = { ...MANY, concurrency: 1 };
    void (queues.queue("q", limits).enter(ticket("late", "1", 9), never) as Promise<Leave>).then(() =>
      passed.push("late"),
    );
    void (queues.queue("q", limits).enter(ticket("early", "1", 1), never) as Promise<Leave>).then(() =>
      passed.push("early"),
    );
    await turns();
    expect(passed).toEqual([]);
    queues.release();
    await turns();
    expect(passed).toEqual(["early"]);
  });

  it("take the limits of the step that came last", async () => {
    const queues = new FairQueues(new ManualClock());
    await queues.queue("q", { ...MANY, concurrency: 1 }).enter(ticket("a", "1"), never);
    const second = queues.queue("q", { ...MANY, concurrency: 2 }).enter(ticket("a", "2"), never);
    await expect(second).resolves.toBeTypeOf("function");
  });
});
