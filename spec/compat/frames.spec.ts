/** Every frame of the reference's protocol, in both directions, against a real host over a real port. */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DoorHost } from "./door-host.ts";
import { type Driver, drive } from "./driver.ts";
import { errand, twice } from "./errands.ts";
import type { Frame } from "./reference-client.ts";

let served: DoorHost;

const VERDICT = { verdict: { channel: "body", values: ["yes", "no"] } };

beforeAll(async () => {
  served = await DoorHost.start();
});
afterEach(() => expect(served.defects).toEqual([]));
afterAll(() => served[Symbol.asyncDispose]());

/** A driver of an errand, and the step it was asked for. */
async function asked(over: Parameters<typeof errand>[0] = {}, more = {}): Promise<Driver & { readonly spawn: Frame }> {
  await served.publish(errand(over));
  const driver = await drive(served, over.id ?? "errand", more);
  return { ...driver, spawn: await driver.socket.pop() };
}

const ended = async (runId: string) => (await served.host.attach(runId)).result;
const statuses = async (runId: string) => {
  const { body } = await served.client.run(runId);
  return (body["step_entries"] as { status: string }[]).map(({ status }) => status);
};

describe("spawn_ack", () => {
  it("answers a step that no worker has answered, with its value", async () => {
    const { socket, spawn, runId } = await asked();
    socket.send({ type: "spawn_ack", req_id: spawn.req_id, value: { a: 1 }, ok: true });
    expect(await ended(runId)).toMatchObject({ status: "done", ctx: { said: { a: 1 } } });
    expect(await statuses(runId)).toEqual(["passed"]);
  });

  it("that is not ok blocks the step", async () => {
    const { socket, spawn, runId } = await asked();
    socket.send({ type: "spawn_ack", req_id: spawn.req_id, value: "no", ok: false });
    expect(await ended(runId)).toMatchObject({ status: "failed" });
    expect(await statuses(runId)).toEqual(["blocked"]);
    expect((await served.client.run(runId)).body["result_ref"]).toMatchObject({
      error: { failed_step: "writer", verdict_value: "no" },
      partial_ctx: { item: "write it" },
    });
  });

  it("with an error fails the step (F13)", async () => {
    const { socket, spawn, runId } = await asked();
    socket.send({ type: "spawn_ack", req_id: spawn.req_id, value: {}, ok: true, error: "no worker to be had" });
    expect(await ended(runId)).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("no worker") },
    });
    expect(await statuses(runId)).toEqual(["failed"]);
  });

  it("after a worker's submit changes nothing, nor does it again", async () => {
    const { socket, spawn, runId } = await asked();
    expect((await served.client.submit(spawn.worker_handle, "the worker's")).status).toBe(204);
    for (const value of [{}, "another"]) socket.send({ type: "spawn_ack", req_id: spawn.req_id, value, ok: true });
    await socket.flushed();
    expect(await ended(runId)).toMatchObject({ ctx: { said: "the worker's" } });
  });

  it("whose value breaks the contract fails the step: nobody would mend it", async () => {
    const { socket, spawn, runId } = await asked({ agent: VERDICT });
    socket.send({ type: "spawn_ack", req_id: spawn.req_id, value: {}, ok: true });
    expect(await ended(runId)).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("verdict") },
    });
  });

  it("brings stats, of which a total is enough; a shape that is none is passed over (F14, F15)", async () => {
    const { socket, spawn, runId } = await asked();
    const stats = { worker_kind: null, model: "m-1", usage: { total_tokens: 9 }, num_turns: 2, adapter_data: null };
    socket.send({ type: "spawn_ack", req_id: spawn.req_id, value: "x", ok: true, stats });
    await ended(runId);
    expect((await served.client.run(runId)).body["step_entries"]).toMatchObject([
      { model: "m-1", num_turns: 2, usage: { input_tokens: 0, output_tokens: 0, total_tokens: 9 } },
    ]);
    const other = await asked({ id: "other" });
    other.socket.send({ type: "spawn_ack", req_id: other.spawn.req_id, value: "y", ok: true, stats: "odd" });
    expect(await ended(other.runId)).toMatchObject({ status: "done", ctx: { said: "y" } });
  });
});

describe("spawn_halt", () => {
  it("ends a step as intended, with the marker (F12)", async () => {
    const { socket, spawn, runId } = await asked();
    socket.send({ type: "spawn_halt", req_id: spawn.req_id, value: { at: 2 }, reason: "enough" });
    expect(await ended(runId)).toMatchObject({ ctx: { said: { halted: true, reason: "enough", value: { at: 2 } } } });
    expect(await statuses(runId)).toEqual(["passed"]);
  });
});

describe("ask and answer", () => {
  it("let a senior decide about a step that is blocked", async () => {
    const document = { spawner_hints: { layers: ["senior_escalation"] } };
    const { socket, spawn, runId } = await asked({ document });
    expect((await served.client.submit(spawn.worker_handle, "help", "?ok=false")).status).toBe(204);
    const ask = await socket.pop();
    expect(ask).toMatchObject({ type: "ask", task_id: spawn.task_id, question: { value: "help" } });
    expect(ask.req_id).not.toBe(spawn.req_id);
    socket.send({ type: "answer", req_id: ask.req_id, value: "go on" });
    expect(await ended(runId)).toMatchObject({ ctx: { said: { original: "help", senior_answer: "go on" } } });
  });
});

describe("hook_before, hook_ack and hook_after", () => {
  const document = { spawner_hints: { layers: ["main_ai"] } };
  const operator = { kind: "main_ai" };

  it("ask before a step, and tell of its end", async () => {
    // News that its run's end overtakes is news to nobody: this run goes on.
    await served.publish(errand({ document: { ...document, flow: twice } }));
    const { socket } = await drive(served, "errand", { operator });
    const before = await socket.pop();
    expect(before).toMatchObject({ type: "hook_before", agent: "writer", attempt: 1 });
    socket.send({ type: "hook_ack", req_id: before.req_id, ok: true });
    const spawn = await socket.pop();
    expect(spawn).toMatchObject({ type: "spawn", task_id: before.task_id });
    expect((await served.client.submit(spawn.worker_handle, "done")).status).toBe(204);
    const next = [await socket.pop(), await socket.pop()].toSorted((a, b) => a.type.localeCompare(b.type));
    expect(next).toMatchObject([
      { type: "hook_after", task_id: spawn.task_id, agent: "writer", attempt: 1, result: "done" },
      { type: "hook_before", agent: "writer", attempt: 1 },
    ]);
  });

  it("keep a step from being done", async () => {
    await served.publish(errand({ document }));
    const { socket, runId } = await drive(served, "errand", { operator: { per_agent_kinds: { writer: "composite" } } });
    const before = await socket.pop();
    socket.send({ type: "hook_ack", req_id: before.req_id, ok: false, reason: "not today" });
    expect(await ended(runId)).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("not today") },
    });
  });
});

describe("a frame that is none", () => {
  it("is passed over without a word", async () => {
    const { socket, spawn, runId } = await asked();
    const { req_id } = spawn;
    const heard = socket.messages.length;
    for (const each of [
      { type: "spawn_ack", req_id: "Q-none", value: 1 },
      { type: "spawn_ack", req_id: "x".repeat(100), value: 1 },
      { type: "spawn_ack" },
      { type: "answer", req_id, value: "of the wrong kind" },
      { type: "hook_ack", req_id, ok: true },
      { type: "hook_ack", req_id, ok: "yes" },
      { type: "join" },
      [1],
      null,
    ]) {
      socket.ws.send(JSON.stringify(each));
    }
    for (const text of ["{", "", `{"type":"spawn_ack","value":${"[".repeat(50_000)}`]) socket.ws.send(text);
    socket.ws.send(Buffer.from([1, 2, 3]));
    await socket.flushed();
    socket.send({ type: "spawn_ack", req_id, value: "still here" });
    expect(await ended(runId)).toMatchObject({ ctx: { said: "still here" } });
    expect(socket.messages.length).toBe(heard);
  });

  it("harms nothing, whatever it holds", async () => {
    const { socket, spawn, runId } = await asked();
    const { req_id } = spawn;
    const odd = fc.oneof(fc.anything(), fc.constantFrom(req_id, "Q-1", "", true, null, {}));
    const type = fc.constantFrom("hook_ack", "answer", "pong", "hello", 7);
    await fc.assert(
      fc.asyncProperty(fc.record({ type, req_id: odd, value: odd, ok: odd, reason: odd }), async (frame) => {
        socket.ws.send(JSON.stringify(frame, (_key, value) => (typeof value === "bigint" ? String(value) : value)));
      }),
      { numRuns: 300 },
    );
    await socket.flushed();
    socket.send({ type: "spawn_ack", req_id, value: "still here" });
    expect(await ended(runId)).toMatchObject({ ctx: { said: "still here" } });
  });
});

describe("whoever is not in the seat", () => {
  it("answers nothing for it, whatever it knows", async () => {
    const { socket, spawn, runId, session } = await asked();
    const other = await served.client.join("another");
    const strange = await served.client.connect(other);
    strange.send({ type: "spawn_ack", req_id: spawn.req_id, value: "mine" });
    strange.send({ type: "spawn_halt", req_id: spawn.req_id, value: "mine" });
    await strange.flushed();
    expect((await served.client.run(runId)).body["current"]).toMatchObject({ main: { op: session.sid, gen: 1 } });

    await served.host.operators.acquire({ runId, sessionId: other.sid, description: "took over" });
    const again = await strange.pop();
    expect(again).toMatchObject({ type: "spawn", req_id: spawn.req_id, delivery: 2 });
    expect(again.worker_handle).not.toBe(spawn.worker_handle);
    socket.send({ type: "spawn_ack", req_id: spawn.req_id, value: "late" });
    await socket.flushed();
    expect((await served.client.submit(spawn.worker_handle, "late")).status).toBe(409);
    expect((await served.client.submit(again.worker_handle, "in time")).status).toBe(204);
    expect(await ended(runId)).toMatchObject({ ctx: { said: "in time" } });
  });
});

describe("a directive", () => {
  const lines = (text: string): readonly string[] => text.split("\n");

  it("holds the four lines that a worker is started with, and what the context has (D1 to D4)", async () => {
    const { spawn, runId } = await asked(
      {},
      { project_root: "/p", work_dir: "/w", task_metadata: { a: 1 }, init_ctx: { item: { deep: "one" } } },
    );
    const told = lines(spawn.directive);
    expect(told[0]).toBe("dispatch=@writer attempt=1");
    const start = told.findIndex((line) => line.includes("sub-agent 'mse-coder'"));
    expect(told.slice(start + 1, start + 5)).toEqual([
      "agent_id: writer",
      `worker_handle: ${spawn.worker_handle}`,
      `base_url: ${served.url}`,
      `task_id: ${spawn.task_id}`,
    ]);
    expect(told).toEqual(
      expect.arrayContaining(["project_root: /p", "work_dir: /w", 'task_metadata: {"a":1}', `run_id: ${runId}`]),
    );
    expect(told.at(-1)).toBe('task_directive: {"deep":"one"}');
  });

  it("has no line for what the context has not", async () => {
    const { spawn } = await asked({ id: "bare" }, { init_ctx: { item: null } });
    for (const word of [
      "project_root",
      "work_dir",
      "task_metadata",
      "project_name_alias",
      "task_directive",
      "delivery",
    ]) {
      expect(spawn.directive).not.toContain(`${word}:`);
    }
  });
});
