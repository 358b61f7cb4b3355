/** Operators that talk too much, too early, twice at once, or do not listen; and workers that name things to do harm. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { operatorBlueprint, ServedHost } from "./served-host.ts";
import { type Frame, TestClient } from "./test-client.ts";

let served: ServedHost;
beforeAll(async () => {
  served = await ServedHost.start();
});
afterAll(async () => {
  expect(served.defects).toEqual([]);
  await served[Symbol.asyncDispose]();
});

describe("an operator", () => {
  it("that floods is answered frame by frame, each once and in order, and harms nobody else", async () => {
    const [flooder, other] = [await served.join("flooder"), await served.join("other")];
    const [loud, quiet] = [await served.attach(flooder), await served.attach(other)];
    const run = await served.launch(operatorBlueprint(), other);
    const { request } = await quiet.next("request");
    for (let count = 0; count < 5_000; count += 1) loud.send({ type: "halt", id: request.id, value: "x".repeat(100) });
    expect(await quiet.ask({ type: "ack", id: request.id })).toMatchObject({ type: "done" });
    const answers: (number | null)[] = [];
    while (answers.length < 5_000) {
      const { type, re, code } = await loud.next("refused", "done");
      expect([type, code]).toEqual(["refused", "seat_moved"]);
      answers.push(re);
    }
    expect(answers).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
    expect(await quiet.ask({ type: "halt", id: request.id, value: 1 })).toMatchObject({ type: "done" });
    expect(await run.result).toMatchObject({ status: "done" });
  });

  it("that floods and does not listen is not read any further, and goes on once it listens", async () => {
    const joined = await served.join();
    const deaf = await served.attach(joined);
    deaf.socket.pause();
    const frames = 30_000;
    for (let count = 0; count < frames; count += 1) deaf.send({ type: "ack", id: `Q-none-${count}-${"x".repeat(40)}` });
    // Whoever else asks is answered meanwhile.
    const other = await served.attach(await served.join());
    expect(await other.ask({ type: "ack", id: "none" })).toMatchObject({ code: "request_unknown" });
    deaf.socket.resume();
    let last = await deaf.next("refused");
    while (last.re !== frames) last = await deaf.next("refused");
    expect(last).toMatchObject({ code: "request_unknown" });
    deaf.drop();
  });

  it("that speaks before it is greeted is greeted first, and then answered", async () => {
    const { session, secret } = await served.join();
    const url = `${served.url.replace("http", "ws")}/v1/operators/${session.sessionId}/socket`;
    const socket = new WebSocket(url, ["swarm-host.v1+json"], { headers: { authorization: `Bearer ${secret}` } });
    socket.on("open", () => {
      for (const n of [1, 2, 3]) socket.send(JSON.stringify({ type: "ack", n, id: "Q-none" }));
    });
    const frames: Frame[] = [];
    await new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        frames.push(JSON.parse(data.toString()) as Frame);
        if (frames.filter(({ type }) => type === "refused").length === 3) resolve();
      });
    });
    expect(frames[0]?.type).toBe("hello");
    expect(frames.filter(({ type }) => type === "refused").map(({ re }) => re)).toEqual([1, 2, 3]);
    socket.terminate();
  });

  it("that attaches many times at once has one socket in the end, and it is told everything", async () => {
    const joined = await served.join();
    const { sessionId } = joined.session;
    const opened = await Promise.allSettled(
      Array.from({ length: 10 }, () => TestClient.open(served.url, sessionId, joined.secret)),
    );
    const clients = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const run = await served.launch(operatorBlueprint(), joined);
    const found = await Promise.race(
      clients.map(async (client) => {
        const { request } = await client.next("request").catch(() => new Promise<never>(() => {}));
        return { client, request };
      }),
    );
    expect(found.request.run).toBe(run.runId);
    const closed = await Promise.all(
      clients.filter((client) => client !== found.client).map((client) => client.closed),
    );
    expect(new Set(closed)).toEqual(new Set([4001]));
    expect(await found.client.ask({ type: "halt", id: found.request.id, value: 1 })).toMatchObject({ type: "done" });
    expect(await served.host.operators.session(sessionId)).toMatchObject({ connected: true });
    found.client.drop();
  });
});

const codeIn = (text: string): string => (JSON.parse(text) as { readonly code: string }).code;

describe("a worker's name for a part", () => {
  it.each([
    "..",
    ".",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/passwd",
    "a/b",
    "a\0b",
    "a\nb",
    "\u202egpj.exe",
    "\u200b",
    "e\u0301",
    "CON",
    "nul",
    "com1.txt",
    "LPT9.",
    "trailing.",
    "trailing ",
    "x".repeat(1_999),
    "\u{1F9E8}".repeat(200),
  ])("that no file should have is refused, and stages nothing: %j", async (name) => {
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    const response = await fetch(`${served.url}/v1/worker/artifact?name=${encodeURIComponent(name)}`, {
      method: "POST",
      headers: { authorization: `Bearer ${request.handle}` },
      body: "content",
    });
    expect([response.status, codeIn(await response.text())]).toEqual([400, "part_name"]);
    expect(await served.host.operators.material(request.id)).toEqual([]);
    await run.cancel({ reason: "enough", by: "test" });
    const late = await fetch(`${served.url}/v1/worker/submit`, {
      method: "POST",
      headers: { authorization: `Bearer ${request.handle}` },
      body: "after the cancel",
    });
    expect([late.status, codeIn(await late.text())]).toEqual([410, "token_revoked"]);
    client.drop();
  });
});
