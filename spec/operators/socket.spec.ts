/** Operators over real sockets, a real port and a real database. */
import { describe, expect, it } from "vitest";
import { operatorBlueprint, ServedHost } from "./served-host.ts";

const final = (value: string) => ({ verdict: "pass", answer: { value } }) as const;

describe("a step that is done outside", () => {
  it("is handed to the seat's holder, acknowledged, and completed by the worker's answer", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    expect(request).toMatchObject({
      kind: "step",
      run: run.runId,
      agent: "writer",
      seat: "main",
      generation: 1,
      delivery: 1,
      directive: "write it",
      worker: { backend: "ws_operator", variant: "coder", tools: ["Read"] },
      handle: expect.stringMatching(/^wh-[0-9a-f]{32}$/u),
    });
    expect(await client.ask({ type: "ack", id: request.id, note: "on it" })).toMatchObject({ type: "done" });
    const found = await served.host.operators.byHandle(request.handle);
    expect(found).toMatchObject({ generation: 1, request: { requestId: request.id } });
    expect((await served.host.operators.handover(run.runId)).requests).toMatchObject([
      { id: request.id, state: "open", deliveries: 1, working: { note: "on it" } },
    ]);
    await served.host.operators.stage({ requestId: request.id }, { kind: "part", name: "notes", text: '"n"' });
    expect(await served.host.operators.submit({ requestId: request.id, generation: 1 }, final("done so"))).toBe("done");
    expect(await run.result).toMatchObject({
      status: "done",
      ctx: { said: { out: "done so", parts: { notes: "n" } } },
    });
    expect(await client.next("withdrawn")).toMatchObject({ id: request.id, reason: "completed" });
    expect(await served.host.operators.submit({ requestId: request.id, generation: 1 }, final("done so"))).toBe("same");
    await expect(
      served.host.operators.submit({ requestId: request.id, generation: 1 }, final("other")),
    ).rejects.toMatchObject({ code: "submission_conflict" });
    expect(served.defects).toEqual([]);
  });

  it("waits for a holder where the seat is vacant", async () => {
    await using served = await ServedHost.start();
    const run = await served.launch();
    const joined = await served.join();
    const client = await served.attach(joined);
    await served.seat(run.runId, joined);
    const { request } = await client.next("request");
    expect(await client.ask({ type: "halt", id: request.id, value: 7, reason: "enough" })).toMatchObject({
      type: "done",
    });
    expect(await run.result).toMatchObject({ ctx: { said: { halted: true, reason: "enough", value: 7 } } });
  });

  it("fails where the operator says that it cannot be done", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    await client.ask({ type: "error", id: request.id, message: "no such variant" });
    expect(await run.result).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("no such variant") },
    });
  });

  it("is withdrawn when its run is cancelled, and answers to it are refused", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    await run.cancel({ reason: "enough", by: "test" });
    expect(await client.next("withdrawn")).toMatchObject({ id: request.id, reason: "cancelled" });
    expect(await client.ask({ type: "ack", id: request.id })).toMatchObject({
      type: "refused",
      code: "request_closed",
    });
    await expect(served.host.operators.submit({ requestId: request.id }, final("x"))).rejects.toMatchObject({
      code: "request_closed",
    });
  });

  it("speaks MessagePack as well", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined, { packed: true });
    const run = await served.launch(operatorBlueprint(), joined);
    const { request, seq } = await client.next("request");
    client.send({ type: "seen", seq });
    expect(await client.ask({ type: "halt", id: request.id, value: null })).toMatchObject({ type: "done" });
    expect(await run.result).toMatchObject({ status: "done" });
  });
});

describe("a connection that drops", () => {
  it("loses nothing and does nothing twice: what is open comes again, what was answered does not", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const first = await served.attach(joined);
    const run = await served.launch(operatorBlueprint({ lanes: 3 }), joined);
    const seen = [await first.next("request"), await first.next("request"), await first.next("request")];
    const [answered, ...open] = seen.map(({ request }) => request);
    await served.host.operators.submit({ requestId: answered!.id, generation: 1 }, final("a"));
    first.drop();
    await first.closed;
    // While nobody is attached, a worker goes on.
    await served.host.operators.submit({ requestId: open[0]!.id, generation: 1 }, final("b"));
    const second = await served.attach(joined);
    const again = await second.next("request");
    expect(again.request).toMatchObject({ id: open[1]!.id, delivery: 2, generation: 1, handle: open[1]!.handle });
    expect(again.seq).toBeGreaterThan(seen[2]!.seq);
    await served.host.operators.submit({ requestId: open[1]!.id, generation: 1 }, final("c"));
    const result = await run.result;
    expect(result).toMatchObject({ status: "done" });
    const completions = (await served.host.journal(run.runId)).filter(({ entry }) => entry.type === "step_completed");
    expect(completions).toHaveLength(3);
    expect(second.frames.filter(({ type }) => type === "request")).toEqual([]);
  });

  it("is replaced by the newest socket of the session", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const first = await served.attach(joined);
    const second = await served.attach(joined);
    expect(await first.closed).toBe(4001);
    const run = await served.launch(operatorBlueprint(), joined);
    expect((await second.next("request")).request.run).toBe(run.runId);
    expect(await served.host.operators.session(joined.session.sessionId)).toMatchObject({ connected: true });
  });
});

describe("a seat that is taken over", () => {
  it("withdraws from the one, hands to the other, and refuses the one's late answer", async () => {
    await using served = await ServedHost.start();
    const [one, other] = [await served.join("one"), await served.join("other")];
    const [first, second] = [await served.attach(one), await served.attach(other)];
    const run = await served.launch(operatorBlueprint(), one);
    const before = (await first.next("request")).request;
    const taken = await served.seat(run.runId, other);
    expect(taken).toMatchObject({ seat: { generation: 2 }, previous: { holder: one.session.sessionId } });
    expect(await first.next("withdrawn")).toMatchObject({ id: before.id, reason: "taken_over" });
    const after = (await second.next("request")).request;
    expect(after).toMatchObject({ id: before.id, generation: 2, delivery: 2 });
    expect(after.handle).not.toBe(before.handle);
    expect(await first.ask({ type: "halt", id: before.id, value: 1 })).toMatchObject({ code: "seat_moved" });
    const late = served.host.operators.submit({ requestId: before.id, generation: 1 }, final("late"));
    await expect(late).rejects.toMatchObject({ code: "seat_moved" });
    expect(await served.host.operators.byHandle(before.handle)).toMatchObject({ generation: 1 });
    await served.host.operators.submit({ requestId: after.id, generation: 2 }, final("in time"));
    expect(await run.result).toMatchObject({ ctx: { said: "in time" } });
    const changes = (await served.host.journal(run.runId)).flatMap(({ entry }) =>
      entry.type === "seat_changed" ? [entry] : [],
    );
    expect(changes).toMatchObject([
      { seat: "main", generation: 1, reason: "acquired" },
      { seat: "main", generation: 2, reason: "taken_over" },
    ]);
  });

  it("counts as new for the session that held it: what was meant under the former generation is not taken", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    await served.seat(run.runId, joined);
    expect(await client.next("withdrawn")).toMatchObject({ id: request.id, reason: "taken_over" });
    expect((await client.next("request")).request).toMatchObject({ id: request.id, generation: 2, delivery: 2 });
    const late = served.host.operators.submit({ requestId: request.id, generation: 1 }, final("late"));
    await expect(late).rejects.toMatchObject({ code: "seat_moved" });
  });

  it("is vacant when its holder leaves, and waits for the next", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    await served.host.operators.leave(joined.session.sessionId);
    expect(await client.closed).toBe(1000);
    expect(await served.host.operators.seats(run.runId)).toMatchObject([{ seat: "main", generation: 2, holder: null }]);
    const next = await served.join();
    const other = await served.attach(next);
    await served.seat(run.runId, next);
    expect((await other.next("request")).request).toMatchObject({ id: request.id, generation: 3 });
  });
});

describe("a host that stops and starts again", () => {
  it("hands out what was open, and takes what was answered meanwhile and not taken", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint({ lanes: 2 }), joined);
    const ids = [(await client.next("request")).request, (await client.next("request")).request];
    await served.host.operators.submit({ requestId: ids[0]!.id, generation: 1 }, final("before"));
    await served.stop();
    run.result.catch(() => {});
    expect(await client.closed).toBe(1001);
    await served.start();
    const again = await served.attach(joined);
    const { request } = await again.next("request");
    expect(request).toMatchObject({ id: ids[1]!.id, generation: 1, delivery: 2, handle: ids[1]!.handle });
    await served.host.operators.submit({ requestId: request.id, generation: 1 }, final("after"));
    const handle = await served.host.attach(run.runId);
    expect(await handle.result).toMatchObject({ status: "done" });
    const journal = await served.host.journal(run.runId);
    const completed = journal.flatMap(({ entry }) => (entry.type === "step_completed" ? [entry.attempt] : []));
    expect(completed).toEqual([1, 1]);
    expect(journal.filter(({ entry }) => entry.type === "step_started")).toHaveLength(2);
  });

  it("wakes a run that is parked over its request when the answer comes", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    await new Promise<void>((resolve) => {
      served.host.observe(run.runId, ({ type }) => {
        if (type === "run_parked") resolve();
      });
    });
    expect(await served.host.run(run.runId)).toMatchObject({ status: "waiting" });
    await served.host.operators.submit({ requestId: request.id, generation: 1 }, final("late"));
    expect(await run.result).toMatchObject({ status: "done", ctx: { said: "late" } });
    expect(served.defects).toEqual([]);
  });
});

describe("a client that does not read", () => {
  it("is handed a window, no more, until it says what it has seen", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    await served.launch(operatorBlueprint({ lanes: 100 }), joined);
    for (let delivered = 0; delivered < 64; delivered += 1) await client.next("request");
    // An answer to a frame of ours comes after whatever was on its way.
    await client.ask({ type: "ack", id: "none" });
    expect(client.frames).toEqual([]);
    const last = (await client.ask({ type: "ack", id: "none" })).seq;
    client.send({ type: "seen", seq: last });
    for (let delivered = 64; delivered < 100; delivered += 1) await client.next("request");
  });
});

describe("who may not attach", () => {
  it("is answered in HTTP", async () => {
    await using served = await ServedHost.start();
    const [one, other] = [await served.join("one"), await served.join("other")];
    const attach = (sessionId: string, secret: string) =>
      served.attach({ session: { ...one.session, sessionId }, secret });
    await expect(attach(one.session.sessionId, "wrong")).rejects.toThrow("status 401");
    await expect(attach(one.session.sessionId, other.secret)).rejects.toThrow("status 403");
    await expect(attach(`S-${"0".repeat(32)}`, one.secret)).rejects.toThrow("status 403");
    await expect(attach("..%2f", one.secret)).rejects.toThrow("status 403");
    await served.host.operators.leave(other.session.sessionId);
    await expect(attach(other.session.sessionId, other.secret)).rejects.toThrow("status 401");
    expect((await served.ask(`/v1/operators/${one.session.sessionId}/socket`)).status).toBe(426);
    expect(served.defects).toEqual([]);
  });

  it("may carry the secret as a subprotocol, as browsers must", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined, {
      headers: {} as never,
      protocols: [`swarm-host.bearer.${joined.secret}`],
    });
    expect(client.socket.protocol).toBe("swarm-host.v1+json");
  });
});

describe("hostile frames", () => {
  it("are refused, one by one, and then the socket is closed", async () => {
    await using served = await ServedHost.start();
    const client = await served.attach(await served.join());
    const hostile: readonly string[] = [
      "",
      "{",
      "null",
      "[]",
      '{"type":"spawn","n":1}',
      '{"type":"ack","n":"1","id":"x"}',
      '{"type":"ack","n":1}',
      '{"type":"ack","n":1,"id":"x","extra":1}',
      '{"type":"__proto__","n":1}',
      `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
      '{"type":"seen","n":1,"seq":9007199254740991}',
    ];
    for (const text of hostile) {
      client.socket.send(text);
      expect(await client.next("refused")).toMatchObject({ code: "frame_invalid" });
    }
    client.socket.send(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]));
    expect(await client.next("refused")).toMatchObject({ code: "frame_invalid", re: null });
    for (let count = hostile.length + 1; count < 20; count += 1) client.socket.send("x");
    expect(await client.closed).toBe(1008);
    expect(served.defects).toEqual([]);
  });

  it("that come twice or out of order are refused by their n, and do nothing", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    client.sendRaw({ type: "ack", n: 9, id: request.id, note: "first" });
    expect(await client.next("done")).toMatchObject({ re: 9 });
    for (const n of [9, 3]) {
      client.sendRaw({ type: "ack", n, id: request.id, note: "again" });
      expect(await client.next("refused")).toMatchObject({ re: n, code: "frame_invalid" });
    }
    const [view] = (await served.host.operators.handover(run.runId)).requests;
    expect(view?.working?.note).toBe("first");
  });

  it("that are larger than a message may be end the connection", async () => {
    await using served = await ServedHost.start();
    const client = await served.attach(await served.join());
    client.socket.send(`"${"x".repeat(1024 * 1024)}"`);
    expect(await client.closed).toBe(1009);
    expect(served.defects).toEqual([]);
  });

  it("about what is not theirs are refused", async () => {
    await using served = await ServedHost.start();
    const [one, other] = [await served.join(), await served.join()];
    const [client, stranger] = [await served.attach(one), await served.attach(other)];
    await served.launch(operatorBlueprint(), one);
    const { request } = await client.next("request");
    expect(await stranger.ask({ type: "halt", id: request.id, value: 1 })).toMatchObject({ code: "seat_moved" });
    expect(await stranger.ask({ type: "ack", id: "Q-none" })).toMatchObject({ code: "request_unknown" });
    expect(await client.ask({ type: "answer", id: request.id, value: 1 })).toMatchObject({ code: "request_kind" });
  });
});
