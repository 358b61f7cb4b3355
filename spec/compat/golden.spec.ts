/**
 * Examples of the reference's wire types, compared with what a real host says: every key of an example is there, with a
 * value of its kind. More keys are allowed: the client hands on what it does not know.
 */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DoorHost } from "./door-host.ts";
import { errand, identity, twice } from "./errands.ts";
import type { Session, Socket } from "./reference-client.ts";

type Golden = Readonly<Record<string, Record<string, unknown>>>;

const golden = JSON.parse(await readFile(new URL("golden.json", import.meta.url), "utf8")) as Golden & {
  readonly client: Golden;
};
const { client: sent } = golden;

/** Where a value is not as the example has it. A null in an example is any value. */
function unlike(value: unknown, example: unknown, path = "$"): readonly string[] {
  if (example === null) return value === undefined ? [`${path} is missing`] : [];
  if (Array.isArray(example)) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    if (example.length > 0 && value.length === 0) return [`${path} is empty`];
    return example.length === 0 ? [] : value.flatMap((each, index) => unlike(each, example[0], `${path}[${index}]`));
  }
  if (typeof example !== "object") return typeof value === typeof example ? [] : [`${path} is no ${typeof example}`];
  if (typeof value !== "object" || value === null) return [`${path} is no object`];
  return Object.entries(example).flatMap(([key, each]) => unlike(Reflect.get(value, key), each, `${path}.${key}`));
}

let served: DoorHost;
let session: Session;
let socket: Socket;

beforeAll(async () => {
  served = await DoorHost.start();
  const layers = ["main_ai", "senior_escalation"];
  await served.publish(errand({ document: { spawner_hints: { layers }, flow: twice } }));
  await served.publish(identity);
  const joined = await served.client.send("POST", "/v1/operators", { json: sent["join"] });
  expect(unlike(joined.body, golden["join"])).toEqual([]);
  expect(joined.text).toMatch(/^[\x20-\x7e]+$/u);
  session = { sid: String(joined.body["sid"]), token: String(joined.body["token"]) };
  socket = await served.client.connect(session);
});
afterAll(async () => {
  expect(served.defects).toEqual([]);
  await served[Symbol.asyncDispose]();
});

describe("the golden examples", () => {
  it("are what a run says on its way", async () => {
    const { client } = served;
    const order = { ...sent["launch"], operator_sid: session.sid };
    const launched = await client.send("POST", "/v1/tasks", { json: order });
    expect([launched.status, unlike(launched.body, golden["launch"])]).toEqual([202, []]);
    const { run_id: runId, task_id: taskId } = launched.body;

    const spawn = await socket.pop();
    expect(unlike(spawn, golden["spawn"])).toEqual([]);
    const prompt = await client.fetchPrompt(spawn);
    expect(unlike(prompt.body, golden["prompt"])).toEqual([]);
    const { worker_handle: bearer } = spawn;
    const degraded = await client.send("POST", "/v1/worker/degradation", { bearer, json: sent["degradation"] });
    expect([degraded.status, degraded.text]).toEqual([204, ""]);
    socket.send({ ...sent["spawn_ack"], req_id: spawn.req_id });
    const again = await socket.pop();
    expect(again.task_id).not.toBe(spawn.task_id);
    expect((await client.submit(again.worker_handle, "no", "?ok=false")).status).toBe(204);
    const ask = await socket.pop();
    expect(unlike(ask, golden["ask"])).toEqual([]);
    socket.send({ ...sent["answer"], req_id: ask.req_id });

    await (await served.host.attach(String(runId))).result;
    const run = await client.run(String(runId));
    const [first] = run.body["step_entries"] as unknown[];
    expect(unlike({ ...run.body, step_entries: [first] }, golden["run"])).toEqual([]);
    expect(unlike((await client.trace(String(runId))).body, golden["trace"])).toEqual([]);
    const steps = await client.send("GET", `/v1/tasks/${taskId}/runs/${runId}/steps`);
    expect(unlike(steps.body, golden["steps"])).toEqual([]);
  });

  it("are what hooks say", async () => {
    const { client } = served;
    const order = { ...sent["launch"], operator_sid: session.sid, operator: { kind: "main_ai" } };
    await client.send("POST", "/v1/tasks", { json: order });
    const before = await socket.pop();
    expect(unlike(before, golden["hook_before"])).toEqual([]);
    socket.send({ ...sent["hook_ack"], req_id: before.req_id });
    const spawn = await socket.pop();
    expect((await client.submit(spawn.worker_handle, "done")).status).toBe(204);
    const next = [await socket.pop(), await socket.pop()];
    expect(
      unlike(
        next.find(({ type }) => type === "hook_after"),
        golden["hook_after"],
      ),
    ).toEqual([]);
  });

  it("are what a launch says that waits, and one that fails", async () => {
    const done = await served.client.launch("identity");
    const example = { ...golden["launch"], info: { ...(golden["launch"]?.["info"] as object), seats: [] } };
    expect([done.status, unlike(done.body, example)]).toEqual([200, []]);
    expect(done.body["status"]).toBe("done");
    const failing = { kind: "step", ref: "x", in: { op: "lit", value: 1 }, out: { op: "path", at: "$.y" } };
    const agents = [{ name: "x", kind: "lua", spec: { source: "error('no')" } }];
    await served.publish({ ...identity, id: "failing", agents, flow: failing });
    const failed = await served.client.launch("failing");
    expect([failed.status, unlike(failed.body, golden["failure"])]).toEqual([400, []]);
  });

  it("are what the host says of itself", async () => {
    expect(unlike((await served.client.send("GET", "/v1/status")).body, golden["status"])).toEqual([]);
    const doctor = await served.client.send("GET", "/v1/doctor");
    expect(doctor.body).toMatchObject({ host: { name: "swarm-host" }, compat: "mse-0.26" });
    // The client compares it with its own version: absent, there is no false alarm.
    expect(doctor.body).not.toHaveProperty("server_version");
    const health = await served.client.send("GET", "/v1/healthz");
    expect([health.status, health.text.trim()]).toEqual([200, "ok"]);
  });

  it("can be told from what is none", () => {
    expect(unlike({ sid: 1 }, golden["join"])).toEqual(["$.sid is no string", "$.token is no string"]);
    expect(unlike({ steps: [], task_id: "", run_id: "" }, golden["steps"])).toEqual(["$.steps is empty"]);
  });
});
