/** A smaller share over real sockets: what a request in process cannot be, broken HTTP and broken WebSockets among it. */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CREDENTIAL, type Joined, operatorBlueprint, ServedHost } from "../operators/served-host.ts";
import { TestClient } from "../operators/test-client.ts";
import { head, RawSocket, statuses } from "../server/raw-socket.ts";
import { CASES, PATIENCE, report, spoiling, spoilt, tally } from "./mutations.ts";

const FRAMES = 10;
const SHARES = { frames: 2_000, wire: 500, requests: 1_000, streams: 500 } as const;

let served: ServedHost;
let joined: Joined;
const outcomes = new Map<string, number>();
let count = 0;

beforeAll(async () => {
  served = await ServedHost.start();
  joined = await served.join();
});
afterAll(async () => {
  report("over sockets", count, outcomes);
  expect(count).toBe(CASES.sockets);
  expect(served.defects).toEqual([]);
  await served[Symbol.asyncDispose]();
});

/** Whether the host still does what it is for. */
async function works(): Promise<void> {
  const client = await served.attach(joined);
  const run = await served.launch(operatorBlueprint(), joined);
  let { request } = await client.next("request");
  while (request.run !== run.runId) ({ request } = await client.next("request"));
  expect(await client.ask({ type: "halt", id: request.id, value: 1 })).toMatchObject({ type: "done" });
  expect(await run.result).toMatchObject({ status: "done" });
  client.drop();
}

describe("frames over a socket", () => {
  it("are answered or end it", { timeout: PATIENCE }, async () => {
    const message = fc.tuple(fc.nat(4), fc.nat(FRAMES), spoiling).map(([form, n, how]) => {
      const id = `Q-${"0".repeat(32)}`;
      const sound = [
        { type: "ack", n, id },
        { type: "halt", n, id, value: 1 },
        { type: "seen", n, seq: 0 },
        { type: "pong", n },
        {},
      ];
      return spoilt(JSON.stringify(sound[form]), how);
    });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: FRAMES, maxLength: FRAMES }), async (batch) => {
        const client = await TestClient.open(served.url, joined.session.sessionId, joined.secret);
        count += batch.length;
        for (const text of batch) client.socket.send(text);
        client.socket.close();
        const code = await client.closed;
        tally(outcomes, `closed ${code}`);
        expect([1005, 1008, 1009, 1007]).toContain(code);
        for (const { type } of client.frames) expect(["refused", "done", "ping", "caught_up"]).toContain(type);
      }),
      { numRuns: SHARES.frames / FRAMES },
    );
    await works();
  });

  it("that are none of a WebSocket end it", { timeout: PATIENCE }, async () => {
    const asked = head(`GET /v1/operators/${joined.session.sessionId}/socket HTTP/1.1`, {
      authorization: `Bearer ${joined.secret}`,
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64"),
      "sec-websocket-protocol": "swarm-host.v1+json",
    });
    // A frame's head that lies: unmasked, reserved bits, lengths beyond all bounds, parts that never end.
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(bytes, async (wire) => {
        count += 1;
        using client = await RawSocket.open(served.url);
        await client.say(asked).until("hello");
        client.socket.end(Buffer.from(wire));
        tally(outcomes, (await client.ended).startsWith("HTTP/1.1 101") ? "ended" : "odd");
      }),
      { numRuns: SHARES.wire },
    );
    expect(outcomes.has("odd")).toBe(false);
    await works();
  });
});

describe("requests over a socket", () => {
  it("are answered below 500 or cut off, however broken they are", { timeout: PATIENCE }, async () => {
    const sound = fc.constantFrom(
      head("GET /v1/runs HTTP/1.1", { authorization: `Bearer ${CREDENTIAL}`, connection: "close" }),
      head("GET /v1/health HTTP/1.1", { connection: "close" }),
      `${head("POST /v1/operators HTTP/1.1", { authorization: `Bearer ${CREDENTIAL}`, connection: "close", "content-type": "application/json", "content-length": "19" })}{"description":"x"}`,
      `${head("POST /v1/worker/submit HTTP/1.1", { connection: "close", "transfer-encoding": "chunked" })}3\r\nabc\r\n0\r\n\r\n`,
    );
    await fc.assert(
      fc.asyncProperty(sound, spoiling, async (text, how) => {
        count += 1;
        using client = await RawSocket.open(served.url);
        client.socket.end(Buffer.from(spoilt(text, how), "latin1"));
        const found = statuses(await client.ended);
        for (const status of found) {
          tally(outcomes, String(status));
          expect(status).toBeLessThan(500);
        }
        if (found.length === 0) tally(outcomes, "cut off");
      }),
      { numRuns: SHARES.requests },
    );
    await works();
  });
});

describe("streams", () => {
  it("of progress and of events are answered below 500, or begin", { timeout: PATIENCE }, async () => {
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    let { request } = await client.next("request");
    while (request.run !== run.runId) ({ request } = await client.next("request"));
    const line = JSON.stringify({ type: "progress", stage: "reading", note: "a" });
    const what = fc.constantFrom("POST /v1/worker/progress", `GET /v1/runs/${run.runId}/events`, "GET /v1/events");
    await fc.assert(
      fc.asyncProperty(what, spoiling, spoiling, async (route, one, other) => {
        count += 1;
        const [method = "", path = ""] = route.split(" ");
        const gone = new AbortController();
        const lines = [line, spoilt(line, one), spoilt(line, other)].join("\n");
        const bearer = method === "POST" ? request.handle : CREDENTIAL;
        const query = `?from=${encodeURIComponent(spoilt("1", one).toWellFormed().slice(0, 200))}`;
        const response = await fetch(`${served.url}${path}${method === "GET" ? query : ""}`, {
          method,
          headers: { authorization: `Bearer ${bearer}` },
          ...(method === "POST" ? { body: lines } : {}),
          signal: gone.signal,
        });
        tally(outcomes, `stream ${response.status}`);
        expect(response.status).toBeLessThan(500);
        gone.abort();
      }),
      { numRuns: SHARES.streams },
    );
    expect(outcomes.get("stream 200")).toBeGreaterThan(0);
    expect(outcomes.get("stream 422")).toBeGreaterThan(0);
    client.drop();
    await run.cancel({ reason: "enough", by: "test" });
    await works();
  });
});

describe("all of it together", () => {
  it("is a hundred thousand cases", () => {
    expect(Object.values<number>(CASES).reduce((sum, each) => sum + each)).toBe(100_000);
    expect(Object.values<number>(SHARES).reduce((sum, each) => sum + each)).toBe(CASES.sockets);
  });
});
