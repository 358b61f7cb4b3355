/** The desk with an engine, over time: waits of days, expiry, heartbeats, clients that do not read, and questions. */
import { describe, expect, it } from "vitest";
import { DeskFixture } from "./desk-fixture.ts";

const HOUR = 3_600_000;
const final = (value: string) => ({ verdict: "pass", answer: { value } }) as const;

describe("a step that waits for days", () => {
  it("costs no memory, survives restarts, is not repeated, and goes on with its answer", async () => {
    let life = new DeskFixture();
    const run = await life.launch();
    const { sessionId } = await life.join();
    await life.seat(run.runId, sessionId);
    for (let day = 0; day < 2; day += 1) {
      const { link } = await life.attach(sessionId);
      expect(link.of("request")).toMatchObject([{ request: { delivery: day + 1, generation: 1 } }]);
      for (let hour = 0; hour < 23; hour += 1) {
        await life.pass(HOUR, HOUR / 60);
        expect(life.engine.live).toBe(0);
      }
      expect(await life.stores.runs.get(run.runId)).toMatchObject({ status: "waiting" });
      life = await life.restart();
      expect(life.engine.live).toBe(0);
    }
    const { link, connection } = await life.attach(sessionId);
    const { request } = link.of("request")[0]!;
    expect(request).toMatchObject({ delivery: 3 });
    connection.receive(JSON.stringify({ type: "ack", n: 1, id: request.id }));
    expect(await life.desk.submit({ requestId: request.id, generation: 1 }, final("at last"))).toBe("done");
    await life.settle();
    const [ended] = await life.stores.runs.list({ limit: 1 });
    expect(ended).toMatchObject({ status: "done" });
    const rows = await life.stores.journals.read(run.runId, 1, 1000);
    expect(rows.filter(({ type }) => type === "step_started")).toHaveLength(1);
    expect(rows.filter(({ type }) => type === "step_completed")).toMatchObject([{ attempt: 1 }]);
    expect(life.defects).toEqual([]);
    await life.stop();
  });

  it("is given up at its deadline, counted from its start, and its request is withdrawn", async () => {
    const life = new DeskFixture({ binding: { timeoutMs: 48 * HOUR } });
    const run = await life.launch();
    await life.pass(48 * HOUR - 60_000, HOUR);
    expect(life.engine.live).toBe(0);
    const { sessionId } = await life.join();
    await life.seat(run.runId, sessionId);
    const { link } = await life.attach(sessionId);
    const { request } = link.of("request")[0]!;
    await life.pass(60_000, 1_000);
    expect(link.of("withdrawn")).toMatchObject([{ id: request.id, reason: "expired" }]);
    expect(await run.result).toMatchObject({ status: "failed" });
    await expect(life.desk.submit({ requestId: request.id }, final("late"))).rejects.toMatchObject({
      code: "request_closed",
    });
    await life.stop();
  });

  it("takes an answer that came while the host was down for its run", async () => {
    const life = new DeskFixture();
    const run = await life.launch();
    const [request] = await life.stores.operators.requests.list({ of: { runId: run.runId }, limit: 1 });
    await life.stop();
    // As a submit that was durable just before a crash leaves it: nobody has woken the run.
    const submission = { form: "final", verdict: "pass", digest: "d", value: '"kept"', at: 1 } as const;
    await life.stores.operators.requests.change([{ kind: "submit", requestId: request!.requestId, submission }]);
    const next = new DeskFixture({ stores: life.stores, clock: life.clock });
    await next.engine.recover();
    await next.desk.start();
    await next.settle();
    expect(await next.stores.runs.get(run.runId)).toMatchObject({ status: "done" });
    expect(await next.stores.operators.requests.submittedRuns("", 9)).toEqual([]);
    await next.stop();
  });
});

describe("a session", () => {
  it("expires a day after it was last seen, judged before its use counts, and what it held is vacant", async () => {
    const life = new DeskFixture();
    const run = await life.launch();
    const { sessionId, secret } = await life.join();
    await life.seat(run.runId, sessionId);
    await life.pass(23 * HOUR);
    expect(await life.desk.authenticate(secret)).toMatchObject({ sessionId });
    await life.pass(24 * HOUR + 1);
    expect(await life.desk.authenticate(secret)).toBeUndefined();
    await expect(life.desk.session(sessionId)).rejects.toMatchObject({ code: "session_unknown" });
    expect(await life.desk.seats(run.runId)).toMatchObject([{ holder: null, generation: 2 }]);
    await life.stop();
  });

  it("that nobody asks about is found by the sweep, and one with a socket is left alone", async () => {
    const life = new DeskFixture();
    const [idle, busy] = [await life.join(), await life.join()];
    const { connection } = await life.attach(busy.sessionId);
    for (let minute = 0; minute < 25 * 60; minute += 2) {
      connection.receive(JSON.stringify({ type: "pong", n: minute }));
      await life.pass(120_000);
    }
    expect((await life.stores.operators.sessions.list({ limit: 9 })).map(({ sessionId }) => sessionId)).toEqual([
      busy.sessionId,
    ]);
    expect(await life.desk.authenticate(idle.secret)).toBeUndefined();
    expect(life.defects).toEqual([]);
    await life.stop();
  });

  it("keeps no secret, and takes no other's", async () => {
    const life = new DeskFixture();
    const { sessionId, secret } = await life.join();
    expect(JSON.stringify(await life.stores.operators.sessions.get(sessionId))).not.toContain(secret);
    for (const wrong of ["", secret.slice(0, -1), `${secret.slice(0, -1)}x`, secret.toUpperCase(), "ss-__proto__"]) {
      expect(await life.desk.authenticate(wrong)).toBeUndefined();
    }
    await life.stop();
  });

  it("says what it is in bounds", async () => {
    const life = new DeskFixture();
    for (const description of [" ", "x".repeat(1001)]) {
      await expect(life.desk.join({ description })).rejects.toMatchObject({ code: "session_invalid" });
    }
    const manifest = "x".repeat(70_000);
    await expect(life.desk.join({ description: "d", manifest })).rejects.toMatchObject({ code: "session_invalid" });
    await life.stop();
  });
});

describe("a socket", () => {
  it("is given up after five heartbeats without a word; the session keeps its seat and its requests", async () => {
    const life = new DeskFixture();
    const run = await life.launch();
    const { sessionId } = await life.join();
    await life.seat(run.runId, sessionId);
    const { link } = await life.attach(sessionId);
    await life.pass(150_000, 30_000);
    expect(link.closedWith).toBeUndefined();
    expect(link.of("ping")).toHaveLength(5);
    await life.pass(30_000);
    expect(link.closedWith).toBe(4002);
    expect(await life.desk.session(sessionId)).toMatchObject({ connected: false });
    expect(await life.desk.seats(run.runId)).toMatchObject([{ holder: sessionId }]);
    const again = await life.attach(sessionId);
    expect(again.link.of("request")).toHaveLength(1);
    await life.stop();
  });

  it("whose buffer is full is handed nothing more, and what it is asked for waits on disk", async () => {
    const life = new DeskFixture();
    const { sessionId } = await life.join();
    const { link, connection } = await life.attach(sessionId);
    link.buffered = 2 * 1024 * 1024;
    const run = await life.launch();
    await life.seat(run.runId, sessionId);
    expect(link.of("request")).toEqual([]);
    expect((await life.desk.handover(run.runId)).requests).toMatchObject([{ deliveries: 0 }]);
    link.buffered = 0;
    connection.drained();
    await life.settle();
    expect(link.of("request")).toHaveLength(1);
    await life.stop();
  });

  it("of a client that asks and does not read is read no further, until it reads", async () => {
    const life = new DeskFixture();
    const { sessionId } = await life.join();
    const { link, connection } = await life.attach(sessionId);
    link.buffered = 8 * 1024 * 1024;
    connection.receive(JSON.stringify({ type: "ack", n: 1, id: "Q-none" }));
    expect(link.paused).toBe(true);
    await life.settle();
    link.buffered = 0;
    connection.drained();
    expect(link.paused).toBe(false);
    await life.stop();
  });
});

describe("a question to a seat", () => {
  it("is asked once, over restarts, and its answer is given again to whoever asks again", async () => {
    const answers: unknown[] = [];
    const layer: ConstructorParameters<typeof DeskFixture>[0] = {
      layer: async (consult, call) => {
        const question = { name: "senior", seat: "main", question: { risky: true } };
        answers.push(await consult.ask(call, question), await consult.ask(call, question));
        return { kind: "pass", value: "asked" };
      },
    };
    const first = new DeskFixture(layer);
    const run = await first.launch();
    await first.pass(HOUR);
    expect(first.engine.live).toBe(0);
    await first.stop();
    const life = new DeskFixture({ ...layer, stores: first.stores, clock: first.clock });
    await life.engine.recover();
    const { sessionId } = await life.join();
    const { link, connection } = await life.attach(sessionId);
    await life.seat(run.runId, sessionId);
    const { request } = link.of("request")[0]!;
    expect(request).toMatchObject({ kind: "ask", question: { risky: true } });
    connection.receive(JSON.stringify({ type: "answer", n: 1, id: request.id, value: { go: "ahead" } }));
    await life.settle();
    expect(link.of("done")).toMatchObject([{ re: 1 }]);
    expect(link.of("withdrawn")).toEqual([]);
    const answer = { kind: "answer", value: { go: "ahead" }, by: sessionId };
    expect(answers).toEqual([answer, answer]);
    expect(await life.stores.runs.get(run.runId)).toMatchObject({ status: "done" });
    await life.stop();
  });

  it("ends at its deadline, whoever is there", async () => {
    const life: DeskFixture = new DeskFixture({
      layer: async (consult, call) => {
        const deadline = 1_000_000 + 48 * HOUR;
        const answer = await consult.ask(call, { name: "senior", seat: "main", question: 1, deadline });
        return { kind: "pass", value: answer.kind };
      },
    });
    const run = await life.launch();
    await life.pass(47 * HOUR);
    expect(life.engine.live).toBe(0);
    await life.pass(HOUR);
    await life.settle();
    expect(await life.stores.runs.get(run.runId)).toMatchObject({ status: "done" });
    const rows = await life.stores.journals.read(run.runId, 1, 100);
    expect(rows.find(({ type }) => type === "step_completed")?.text).toContain("expired");
    await life.stop();
  });

  it("may be a word before a step, and news after it", async () => {
    const life = new DeskFixture({
      layer: async (consult, call) => {
        const word = await consult.hookBefore(call, { seat: "main" });
        await consult.hookAfter(call, { seat: "main", result: { seen: true } });
        return { kind: "pass", value: { ok: word.ok, reason: word.reason ?? null } };
      },
    });
    const run = await life.launch();
    const { sessionId } = await life.join();
    const { link, connection } = await life.attach(sessionId);
    await life.seat(run.runId, sessionId);
    const { request } = link.of("request")[0]!;
    expect(request.kind).toBe("hook_before");
    connection.receive(JSON.stringify({ type: "hook", n: 1, id: request.id, ok: false, reason: "not today" }));
    await life.settle();
    expect(await life.stores.runs.get(run.runId)).toMatchObject({ status: "done" });
    const rows = await life.stores.journals.read(run.runId, 1, 100);
    expect(rows.find(({ type }) => type === "step_completed")?.text).toContain("not today");
    expect(life.defects).toEqual([]);
    await life.stop();
  });
});

describe("an answer", () => {
  it("is judged by the terms of its step, and a refused one may be mended", async () => {
    const life = new DeskFixture();
    const run = await life.launch();
    const { requests } = life.stores.operators;
    const [open] = await requests.list({ of: { runId: run.runId }, limit: 1 });
    const terms = { verdict: { channel: "part", values: ["yes", "no"] }, submitFormat: "json" };
    const { requestId: _, ...rest } = open!;
    const order = { ...rest, requestId: "Q-judged", name: "judged", terms: JSON.stringify(terms) };
    await requests.open([order]);
    const to = { requestId: "Q-judged" };
    const text = (sent: string) => ({ verdict: "pass", answer: { text: sent } }) as const;
    await expect(life.desk.submit(to, text("not json"))).rejects.toMatchObject({ code: "submit_format" });
    await expect(life.desk.submit(to, text("{}"))).rejects.toMatchObject({ code: "verdict_rejected" });
    const part = (word: string) => ({ kind: "part", name: "verdict", text: JSON.stringify(word) }) as const;
    await expect(life.desk.stage(to, part("maybe"))).rejects.toMatchObject({ code: "verdict_rejected" });
    await life.desk.stage(to, part("yes"));
    expect(await life.desk.submit(to, text('{"a":1}'))).toBe("done");
    expect((await requests.get("Q-judged"))?.submission?.value).toBe('{"a":1}');
    expect(await life.desk.submit(to, text('{"a":1}'))).toBe("same");
    await requests.change([{ kind: "close", ...to, reason: "completed", at: 1 }]);
    expect(await life.desk.submit(to, text('{"a":1}'))).toBe("same");
    await expect(life.desk.submit(to, text('{"a":2}'))).rejects.toMatchObject({ code: "submission_conflict" });
    await life.stop();
  });
});
