/** Joining, leaving, and being handed more than a socket takes at once. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DoorHost } from "./door-host.ts";
import { drive } from "./driver.ts";
import { errand } from "./errands.ts";

let served: DoorHost;

beforeAll(async () => {
  served = await DoorHost.start();
});
afterEach(() => expect(served.defects).toEqual([]));
afterAll(() => served[Symbol.asyncDispose]());

const join = (json: unknown) => served.client.send("POST", "/v1/operators", { json });

describe("a join", () => {
  it("is a new session each time, whatever it says of itself (J1 to J4)", async () => {
    const manifest = { provider_id: "p", capabilities: [{ launch_variant: "v", effective_tools: ["Read"] }] };
    const bodies = [{}, { desc: null }, { desc: "me", roles: ["x"] }, { capability_manifest: manifest, desc: "me" }];
    const answers = await Promise.all(bodies.map(join));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers[2]!.body).not.toHaveProperty("roles");
    const sids = answers.map(({ body }) => String(body["sid"]));
    expect(new Set(sids).size).toBe(4);
    expect(await served.host.operators.session(sids[3]!)).toMatchObject({
      description: "me",
      manifest,
      connected: false,
    });
  });

  it("that is not of its shape is none", async () => {
    const before = (await served.host.operators.sessions({ limit: 100 })).length;
    for (const body of [
      { capability_manifest: { provider_id: "p", other: 1 } },
      { capability_manifest: {} },
      { desc: 1 },
    ]) {
      expect((await join(body)).status).toBe(422);
    }
    expect((await served.host.operators.sessions({ limit: 100 })).length).toBe(before);
  });
});

describe("a pin", () => {
  it("takes the seat that is meant, and every other (J18, S12, L9, L12)", async () => {
    const document = { operators: [{ name: "main" }, { name: "second" }] };
    await served.publish(errand({ id: "two", document }));
    const session = await served.client.join();
    const pin = { detach: true, operator_sid: session.sid, operator_desc: "to work", operator_slot: "main" };
    const { body } = await served.client.launch("two", pin);
    expect(body["info"]).toMatchObject({
      seats: [
        { slot: "main", vacant: false, holder: { op: session.sid, desc: "to work", gen: 1 }, declared: true },
        { slot: "second", holder: { op: session.sid, desc: expect.stringMatching(/^auto-seated at launch/u), gen: 2 } },
      ],
    });
    await served.client.cancel(String(body["run_id"]));
  });

  it("of nobody where nobody has joined is told at once (L2)", async () => {
    await using empty = await DoorHost.start();
    await empty.publish(errand());
    const operator = { operator_backend_id: "someone" };
    const answer = await empty.client.launch("errand", { operator });
    expect(answer).toMatchObject({ status: 503, body: { code: "no_operator" } });
    expect((await empty.client.launch("errand", { detach: true, operator: { kind: "automate" } })).status).toBe(202);
  });
});

describe("a socket", () => {
  it("is handed all of a great fan-out, in its own time", async () => {
    const lanes = 150;
    const flow = {
      kind: "fanout",
      items: { op: "lit", value: Array.from({ length: lanes }, (_, index) => index) },
      bind: { op: "path", at: "$.item" },
      body: { kind: "step", ref: "writer", in: { op: "path", at: "$.item" }, out: { op: "path", at: "$.said" } },
      join: "all",
      out: { op: "path", at: "$.all" },
    };
    await served.publish(errand({ id: "wide", document: { flow } }));
    const { socket, runId } = await drive(served, "wide");
    const steps = new Set<string>();
    while (steps.size < lanes) {
      const { req_id, task_id } = await socket.pop();
      steps.add(task_id);
      socket.send({ type: "spawn_ack", req_id, value: task_id, ok: true });
    }
    const { ctx } = await (await served.host.attach(runId)).result;
    const { all } = ctx as { all: { said: string }[] };
    expect(new Set(all.map(({ said }) => said))).toEqual(steps);
  });

  it("that answers no ping is handed a window and no more; once it does, it is handed on", async () => {
    const { session, runId } = await drive(served, "wide");
    const socket = await served.client.connect(session, { autoPong: false });
    for (let count = 0; count < 64; count += 1) await socket.pop();
    await socket.flushed();
    expect(socket.frames).toEqual([]);
    socket.answerPing();
    for (let count = 0; count < 64; count += 1) await socket.pop();
    await served.client.cancel(runId);
  });
});
