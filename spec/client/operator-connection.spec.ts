/** The client's socket over a wire that is cut, against a real host. */
import { describe, expect, it } from "vitest";
import { OperatorConnection, type RequestFrame } from "../../src/client/index.ts";
import { ManualClock } from "../engine/manual-clock.ts";
import { type Joined, operatorBlueprint, ServedHost } from "../operators/served-host.ts";
import { CuttableWire } from "./cuttable-wire.ts";

interface Told {
  readonly request: RequestFrame;
  readonly signal: AbortSignal;
}

/** An attached client that remembers what it is told. */
class Attached implements AsyncDisposable {
  readonly connection: OperatorConnection;
  readonly told: Told[] = [];
  readonly clock = new ManualClock();
  #news = Promise.withResolvers<void>();
  #lost = Promise.withResolvers<string>();
  #greeted = Promise.withResolvers<void>();

  constructor(
    url: string,
    { session, secret }: Joined,
    options: { codec?: "json" | "msgpack"; hold?: Promise<void> } = {},
  ) {
    const { codec = "msgpack", hold } = options;
    this.connection = new OperatorConnection({
      address: { url, credential: secret },
      sessionId: session.sessionId,
      codec,
      clock: this.clock,
      onConnected: () => this.#greeted.resolve(),
      onDisconnected: (reason) => this.#lost.resolve(reason),
      onRequest: (request, signal) => {
        this.told.push({ request, signal });
        this.#news.resolve();
        this.#news = Promise.withResolvers();
        return hold;
      },
    });
  }

  /** The first `count` requests, once it was told of them. */
  async requests(count: number): Promise<readonly Told[]> {
    while (this.told.length < count) await this.#news.promise;
    return this.told.slice(0, count);
  }

  async lost(): Promise<string> {
    const reason = await this.#lost.promise;
    this.#lost = Promise.withResolvers();
    return reason;
  }

  /** Lets the time pass until it connects again, and waits for the greeting. */
  async again(): Promise<void> {
    this.#greeted = Promise.withResolvers();
    this.clock.advance(15_000);
    await this.#greeted.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}

const aborted = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted
    ? Promise.resolve(signal.reason)
    : new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason), { once: true }));

const final = (value: string) => ({ verdict: "pass", answer: { value } }) as const;

describe("an operator's connection", () => {
  it.each(["json", "msgpack"] as const)("is told of a request and of its end, in %s", async (codec) => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    await using attached = new Attached(served.url, joined, { codec });
    await attached.connection.ready;
    const run = await served.launch(operatorBlueprint(), joined);
    const [{ request, signal } = expect.fail()] = await attached.requests(1);
    expect(request).toMatchObject({ kind: "step", run: run.runId, directive: "write it", delivery: 1 });
    await attached.connection.ack(request.id, "on it");
    await served.host.operators.submit({ requestId: request.id }, final("so"));
    expect(await aborted(signal)).toBe("completed");
    expect(await run.result).toMatchObject({ ctx: { said: "so" } });
  });

  it("tells of a request once, however often the wire is cut", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    await using wire = await CuttableWire.to(served.url);
    await using attached = new Attached(wire.url, joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const [{ request, signal } = expect.fail()] = await attached.requests(1);
    for (const _cut of [1, 2]) {
      wire.cut();
      await attached.lost();
      wire.mend(served.url);
      await attached.again();
      await attached.connection.ack(request.id);
    }
    expect(signal.aborted).toBe(false);
    expect(attached.told).toHaveLength(1);
    expect((await served.host.operators.request(request.id)).deliveries).toBe(3);
    await attached.connection.halt(request.id, null);
    expect(await run.result).toMatchObject({ status: "done" });
  });

  it("says what was said without a wire once there is one, and goes on at a host that was started anew", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    await using wire = await CuttableWire.to(served.url);
    await using attached = new Attached(wire.url, joined);
    const { runId } = await served.launch(operatorBlueprint(), joined);
    const [{ request } = expect.fail()] = await attached.requests(1);
    wire.cut();
    await attached.lost();
    const halted = attached.connection.halt(request.id, 1, "enough");
    await served.stop();
    await served.start();
    wire.mend(served.url);
    await attached.again();
    await halted;
    const run = await served.host.attach(runId);
    expect(await run.result).toMatchObject({ ctx: { said: { halted: true, value: 1 } } });
  });

  it("learns of what was over meanwhile", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    await using wire = await CuttableWire.to(served.url);
    await using attached = new Attached(wire.url, joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const [{ request, signal } = expect.fail()] = await attached.requests(1);
    wire.cut();
    await attached.lost();
    await served.host.operators.submit({ requestId: request.id }, final("by another way"));
    await run.result;
    wire.mend(served.url);
    await attached.again();
    expect(await aborted(signal)).toContain("no connection");
    await expect(attached.connection.ack(request.id)).rejects.toMatchObject({ code: "request_closed" });
  });

  it("gets no more than the window while it takes its time", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const hold = Promise.withResolvers<void>();
    await using attached = new Attached(served.url, joined, { hold: hold.promise });
    await served.launch(operatorBlueprint({ lanes: 100 }), joined);
    await attached.requests(64);
    // An answer shows that the host has sent what it would.
    await attached.connection.ack(attached.told[0]?.request.id ?? "");
    expect(attached.told).toHaveLength(64);
    hold.resolve();
    expect(new Set((await attached.requests(100)).map(({ request }) => request.id)).size).toBe(100);
  });

  it("is told of a request again under the seat's next generation", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    await using attached = new Attached(served.url, joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const [first = expect.fail()] = await attached.requests(1);
    await served.seat(run.runId, joined);
    expect(await aborted(first.signal)).toBe("taken_over");
    const [, second = expect.fail()] = await attached.requests(2);
    expect(second.request).toMatchObject({ id: first.request.id, generation: 2 });
    await attached.connection.error(second.request.id, "cannot");
    expect(await run.result).toMatchObject({ status: "failed" });
  });

  it("ends for good where another socket takes its place, or the session has left", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    await using first = new Attached(served.url, joined);
    await first.connection.ready;
    await using second = new Attached(served.url, joined);
    await expect(first.connection.closed).rejects.toMatchObject({ code: "session_replaced" });
    await second.connection.ready;
    await served.host.operators.leave(joined.session.sessionId);
    await second.lost();
    second.clock.advance(15_000);
    await expect(second.connection.closed).rejects.toMatchObject({ code: "unauthorized" });
    await expect(second.connection.ack("Q-1")).rejects.toMatchObject({ code: "connection_closed" });
  });

  it("is not opened with a wrong secret, and the error does not show it", async () => {
    await using served = await ServedHost.start();
    const { session } = await served.join();
    const connection = new OperatorConnection({
      address: { url: served.url, credential: "not-the-secret" },
      sessionId: session.sessionId,
      onRequest: () => {},
    });
    const error = await connection.ready.catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "unauthorized" });
    expect(String(error)).not.toContain("not-the-secret");
  });
});
