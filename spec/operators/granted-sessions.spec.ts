/** Sessions that were made by less than a whole operator: what they may, and when they end. */
import { describe, expect, it } from "vitest";
import { GATE, narrow, type Verb } from "../../src/capability/index.ts";
import { FRAME_VERBS } from "../../src/operators/frame-verbs.ts";
import { DeskFixture } from "./desk-fixture.ts";
import { operatorBlueprint, ServedHost } from "./served-host.ts";
import { TestClient } from "./test-client.ts";

const HOUR = 3_600_000;

/** What each frame says about a request, or about nothing. */
const FRAMES: Readonly<Record<keyof typeof FRAME_VERBS, object>> = {
  ack: { id: "Q-none" },
  hook: { id: "Q-none", ok: true },
  halt: { id: "Q-none", value: 1 },
  error: { id: "Q-none", message: "no" },
  answer: { id: "Q-none", value: 1 },
  seen: { seq: 0 },
  pong: {},
};

async function granted(verbs: readonly Verb[]) {
  const life = new DeskFixture();
  const { session } = await life.desk.join({ description: "less", verbs });
  return { life, sessionId: session.sessionId, ...(await life.attach(session.sessionId)) };
}

describe.each(Object.entries(FRAME_VERBS))("the frame %s", (type, verb) => {
  const message = JSON.stringify({ type, n: 1, ...FRAMES[type as keyof typeof FRAME_VERBS] });

  it("is refused without its verb, and does nothing", async () => {
    const { life, link, connection } = await granted([...GATE.operator].filter((each) => each !== verb));
    connection.receive(message);
    await life.settle();
    expect(link.of("refused")).toMatchObject([{ re: 1, code: "verb_denied", message: expect.stringContaining(verb) }]);
    expect(link.of("done")).toEqual([]);
    await life.stop();
  });

  it("is taken with that verb alone", async () => {
    const { life, link, connection } = await granted([verb]);
    connection.receive(message);
    await life.settle();
    expect(link.of("refused").map(({ code }) => code)).toEqual(message.includes("Q-none") ? ["request_unknown"] : []);
    await life.stop();
  });
});

describe("a step's request", () => {
  it("goes out without credentials to a session that may not hand them on", async () => {
    const { life, sessionId, link } = await granted(["dispatch_attempt"]);
    const run = await life.launch();
    await life.seat(run.runId, sessionId);
    const [{ request } = { request: {} }] = link.of("request");
    expect(request).toMatchObject({ kind: "step", directive: "go" });
    expect(Object.keys(request)).not.toContain("handle");
    expect(Object.keys(request)).not.toContain("token");
    await life.stop();
  });
});

describe("a session that was given an end", () => {
  it("ends then, attached or not, and what it held is vacant", async () => {
    const life = new DeskFixture();
    const endsAt = life.clock.now() + HOUR;
    const [busy, idle] = [
      await life.desk.join({ description: "busy", endsAt }),
      await life.desk.join({ description: "idle", endsAt: endsAt + 1 }),
    ];
    const run = await life.launch();
    const { sessionId } = busy.session;
    const { link, connection } = await life.attach(sessionId);
    await life.seat(run.runId, sessionId);
    for (let minute = 1; minute <= 60; minute += 1) {
      connection.receive(JSON.stringify({ type: "pong", n: minute }));
      await life.pass(minute < 60 ? 60_000 : 59_999);
    }
    expect(link.closedWith).toBeUndefined();
    expect(await life.desk.authenticate(busy.secret)).toMatchObject({ sessionId, endsAt });
    await life.pass(1);
    expect(link.closedWith).toBe(1000);
    expect(await life.desk.authenticate(busy.secret)).toBeUndefined();
    expect(await life.desk.seats(run.runId)).toMatchObject([{ holder: null, generation: 2 }]);
    expect(await life.desk.authenticate(idle.secret)).toBeDefined();
    await life.pass(1);
    expect(await life.desk.authenticate(idle.secret)).toBeUndefined();
    expect(life.defects).toEqual([]);
    await life.stop();
  });
});

describe("a session made over HTTP", () => {
  it("has what the token had that made it, and ends with it; so does one that it makes", async () => {
    await using served = await ServedHost.start();
    const end = Math.floor(Date.now() / 1000) * 1000 + HOUR;
    const operator = served.host.capabilities.mint({ role: "operator", subject: "lead", expiresAt: end }, Date.now());
    const less = narrow(operator, { verbs: ["attach_session", "heartbeat", "poll_task"] });
    const join = (bearer: string) => served.ask("/v1/operators", { body: { description: "d" }, bearer });
    const made = (await join(less)).body;
    expect(made).toMatchObject({ verbs: ["attach_session", "heartbeat", "poll_task"], ends_at: end });
    const again = (await join(made.secret)).body;
    expect(again).toMatchObject({ verbs: made.verbs, ends_at: end });
    for (const { session_id, secret } of [made, again]) {
      expect((await served.ask(`/v1/operators/${session_id}`, { bearer: secret })).status).toBe(200);
      expect(await served.ask("/v1/runs", { bearer: secret })).toMatchObject({ status: 403 });
      await expect(TestClient.open(served.url, session_id, secret)).rejects.toThrow("status 403");
      expect((await served.ask("/v1/token", { bearer: secret })).status).toBe(403);
    }
    expect(
      (await join(served.host.capabilities.mint({ role: "senior", subject: "s", expiresAt: end }, Date.now()))).status,
    ).toBe(403);
    expect((await join("c".repeat(64))).body).not.toHaveProperty("ends_at");
  });

  it("cannot be seated by a launch whose credential may not seat anybody", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const order = { role: "operator", subject: "lead", expiresAt: Date.now() + HOUR } as const;
    const bearer = served.host.capabilities.mint({ ...order, verbs: ["start_task"] }, Date.now());
    const seats = { main: { session: joined.session.sessionId, description: "pressed into service" } };
    const body = { blueprint: operatorBlueprint(), seats };
    expect(await served.ask("/v1/runs", { body, bearer })).toMatchObject({
      status: 403,
      body: { code: "verb_denied" },
    });
    expect((await served.ask("/v1/runs")).body.runs).toEqual([]);
  });
});
