/**
 * The reference's client operates a host, from the launch to the finished task: over a real port, with nothing but its own
 * wire format (checklists A and B).
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DoorHost } from "./door-host.ts";
import { drive } from "./driver.ts";
import { errand } from "./errands.ts";
import type { Frame } from "./reference-client.ts";

let served: DoorHost;

beforeEach(async () => {
  served = await DoorHost.start();
  await served.publish(errand());
});
afterEach(async () => {
  expect(served.defects).toEqual([]);
  await served[Symbol.asyncDispose]();
});

const ended = async (runId: string) => (await served.host.attach(runId)).result;

describe("the reference's client", () => {
  it("operates a run from launch to end", async () => {
    const { client } = served;
    const { session, socket, runId } = await drive(served);
    const { body: before } = await client.run(runId);
    expect(before).toMatchObject({
      status: "running",
      current: { main: { op: session.sid, desc: "to work", gen: 1 } },
    });

    const spawn = await socket.pop();
    expect(spawn).toMatchObject({
      type: "spawn",
      agent: "writer",
      attempt: 1,
      worker: { variant: "mse-coder", tools: ["Read"] },
    });
    const prompt = await client.fetchPrompt(spawn);
    expect(prompt).toMatchObject({
      status: 200,
      body: { task_id: spawn.task_id, attempt: 1, agent: "writer", system: "You write.", prompt: "write it" },
    });
    expect(prompt.body).not.toHaveProperty("system_ref");
    const { worker_handle: handle } = spawn;
    const json = (path: string, body: object) => client.send("POST", path, { bearer: handle, json: body });
    const degradation = { tool: "web", error: "offline", fallback: "memory", note: null };
    expect((await json("/v1/worker/degradation", degradation)).status).toBe(204);
    const usage = { input_tokens: 2, output_tokens: 3, total_tokens: 5 };
    const stats = { worker_kind: null, model: "m-1", usage, num_turns: 4, adapter_data: null };
    expect((await json("/v1/worker/stats", stats)).status).toBe(204);
    const part = await client.send("POST", "/v1/worker/artifact?name=a%20b", { bearer: handle, text: "beside" });
    expect(part.status).toBe(204);
    expect((await client.submit(handle, "done\n")).status).toBe(204);
    socket.send({ type: "spawn_ack", req_id: spawn.req_id, value: {}, ok: true });

    expect(await ended(runId)).toMatchObject({
      status: "done",
      ctx: { said: { out: "done", parts: { "a b": "beside" } } },
    });
    const { body } = await client.run(runId);
    expect(body).toMatchObject({
      id: runId,
      task_id: `T-${runId.slice(2)}`,
      status: "done",
      step_entries: [
        {
          step_id: spawn.task_id,
          step_ref: "writer",
          status: "passed",
          worker_kind: "operator",
          model: "m-1",
          usage,
          num_turns: 4,
        },
      ],
      degradations: [{ tool: "web", error: "offline", fallback: "memory", step_ref: "writer", attempt: 1 }],
      result_ref: { item: "write it", said: { out: "done" } },
    });
    const steps = await client.send("GET", `/v1/tasks/${body["task_id"]}/runs/${runId}/steps`);
    expect(steps.body["steps"]).toEqual([{ name: "writer" }]);
    const kinds = ((await client.trace(runId)).body["events"] as { kind: string }[]).map(({ kind }) => kind);
    // The seat is taken beside the first step: either may come first.
    expect(kinds.toSorted()).toEqual([
      "core.assignee_assigned",
      "core.run_finished",
      "core.run_started",
      "core.step_completed",
      "core.step_dispatched",
      "worker.degradation",
    ]);
    expect((await client.send("DELETE", `/v1/operators/${session.sid}`, { bearer: session.token })).status).toBe(204);
    expect(await socket.closed).toEqual({ code: 1000, reason: expect.stringContaining("torn down") });
  });

  it("waits for the end of a run that it works on", async () => {
    const session = await served.client.join();
    const socket = await served.client.connect(session);
    const launched = served.client.launch("errand", { operator_sid: session.sid, operator_desc: "to work" });
    const { worker_handle: handle } = await socket.pop();
    expect((await served.client.submit(handle, '{"a": 1}')).status).toBe(204);
    expect(await launched).toMatchObject({ status: 200, body: { status: "done", final_ctx: { said: { a: 1 } } } });
  });

  it("is asked again after a reconnect and after a restart of the host, under the same name", async () => {
    const { client } = served;
    const { session, socket, runId } = await drive(served);
    const first = await socket.pop();
    socket.drop();
    const again = await (await client.connect(session)).pop();
    expect(nameOf(again)).toEqual(nameOf(first));
    expect(again).toMatchObject({ delivery: 2, directive: expect.stringContaining("delivery: 2") });

    await served.stop();
    await served.start();
    const after = await (await client.connect(session)).pop();
    expect(nameOf(after)).toEqual(nameOf(first));
    expect((await client.fetchPrompt(first)).status).toBe(200);
    expect((await client.submit(first.worker_handle, "done")).status).toBe(204);
    expect(await ended(runId)).toMatchObject({ status: "done", ctx: { said: "done" } });
  });

  it("finds its newest socket served, and the older one ended", async () => {
    const { session, socket, runId } = await drive(served);
    await socket.pop();
    const newer = await served.client.connect(session);
    expect((await socket.closed).code).toBe(4001);
    const { req_id } = await newer.pop();
    newer.send({ type: "spawn_ack", req_id, value: "by hand" });
    expect(await ended(runId)).toMatchObject({ ctx: { said: "by hand" } });
  });

  it("sees a run cancelled, and its worker stopped", async () => {
    const { socket, runId } = await drive(served);
    const { worker_handle: handle } = await socket.pop();
    expect((await served.client.cancel(runId)).status).toBe(204);
    expect((await served.client.submit(handle, "late")).status).toBe(410);
    expect((await served.client.run(runId)).body).toMatchObject({ status: "cancelled" });
  });
});

const nameOf = ({ req_id, task_id, worker_handle, attempt }: Frame) => ({ req_id, task_id, worker_handle, attempt });
