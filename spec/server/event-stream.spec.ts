/** Streams of events over a source and a clock that the test holds. */
import { describe, expect, it } from "vitest";
import { type DurableEvent, type EventSource, eventStream, HEARTBEAT_MS } from "../../src/server/event-stream.ts";

class HeldSource implements EventSource {
  readonly events: DurableEvent[] = [];
  readonly reads: number[] = [];
  readonly timers = new Map<() => void, number>();
  rings = 0;
  #ring = (): void => {};
  #say = (_name: string, _data: string): void => {};

  read = async (after: number): Promise<readonly DurableEvent[]> => {
    this.reads.push(after);
    return this.events.filter(({ id }) => id > after).slice(0, 2);
  };
  listen = (ring: () => void): (() => void) => {
    this.rings += 1;
    this.#ring = ring;
    return () => {
      this.rings -= 1;
    };
  };
  passing = (say: (name: string, data: string) => void): (() => void) => {
    this.rings += 1;
    this.#say = say;
    return () => {
      this.rings -= 1;
    };
  };
  timer = (ms: number, fire: () => void): (() => void) => {
    this.timers.set(fire, ms);
    return () => void this.timers.delete(fire);
  };
  add(id: number, over: Partial<DurableEvent> = {}): void {
    this.events.push({ id, name: "entry", data: `{"n":${id}}`, ...over });
    this.#ring();
  }
  say(data: string): void {
    this.#say("step_event", data);
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A stream past its opening comment. */
async function opened(source: HeldSource, after: number, signal = new AbortController().signal) {
  const stream = eventStream(source, after, signal);
  expect((await stream.next()).value).toBe(": open\n\n");
  return stream;
}

describe("a stream of events", () => {
  it("gives what is durable after an id, then what is added, and ends after the last", async () => {
    const source = new HeldSource();
    for (const id of [1, 2, 3, 5]) source.add(id);
    const stream = await opened(source, 1);
    expect((await stream.next()).value).toBe('id: 2\nevent: entry\ndata: {"n":2}\n\n');
    expect((await stream.next()).value).toContain("id: 3\n");
    expect((await stream.next()).value).toContain("id: 5\n");
    const waiting = stream.next();
    await settle();
    source.add(9, { isLast: true });
    expect((await waiting).value).toContain("id: 9\n");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect([source.rings, source.timers.size]).toEqual([0, 0]);
  });

  it("reads no further than its reader", async () => {
    const source = new HeldSource();
    for (let id = 1; id <= 100; id += 1) source.add(id);
    const stream = await opened(source, 0);
    await stream.next();
    await settle();
    expect(source.reads).toEqual([0]);
  });

  it("breaks its silence now and then, and only its silence", async () => {
    const source = new HeldSource();
    const stream = await opened(source, 0);
    const beat = stream.next();
    await settle();
    expect([...source.timers.values()]).toEqual([HEARTBEAT_MS]);
    for (const fire of source.timers.keys()) fire();
    expect((await beat).value).toMatch(/^:.*\n\n$/u);
  });

  it("gives what passes by without an id, and drops the oldest where its reader is too slow", async () => {
    const source = new HeldSource();
    source.add(1);
    const stream = await opened(source, 0);
    await stream.next();
    for (let n = 1; n <= 1000; n += 1) source.say(String(n));
    const passed = String((await stream.next()).value);
    expect(passed).not.toContain("id:");
    expect(passed.match(/data: \d+/gu)).toHaveLength(256);
    expect(passed).toContain("data: 1000\n\n");
    source.say("x".repeat(2_000_000));
    source.say("small");
    expect((await stream.next()).value).toBe("event: step_event\ndata: small\n\n");
  });

  it("ends when its reader has gone", async () => {
    const source = new HeldSource();
    const gone = new AbortController();
    const stream = await opened(source, 0, gone.signal);
    const waiting = stream.next();
    await settle();
    gone.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect([source.rings, source.timers.size]).toEqual([0, 0]);
  });
});
