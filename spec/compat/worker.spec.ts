/** The worker's side of the door: what each call answers, and what a worker is told when it may not go on. */
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DoorHost } from "./door-host.ts";
import { drive } from "./driver.ts";
import { errand, twice } from "./errands.ts";
import type { Frame } from "./reference-client.ts";

let served: DoorHost;
let workDir: string;

beforeAll(async () => {
  served = await DoorHost.start();
  workDir = await realpath(await mkdtemp(join(tmpdir(), "swarm-host-compat-work-")));
});
afterEach(() => expect(served.defects).toEqual([]));
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await rm(workDir, { recursive: true, force: true });
});

/** A step that was handed out. */
async function step(over: Parameters<typeof errand>[0] = {}, more = {}) {
  await served.publish(errand(over));
  const driver = await drive(served, "errand", more);
  return { ...driver, spawn: await driver.socket.pop() };
}

const submit = ({ worker_handle: handle }: Frame, text: string, query = "") =>
  served.client.submit(handle, text, query);
const post = (path: string, bearer: string | undefined, sent: { json?: unknown; text?: string }) =>
  served.client.send("POST", path, { ...sent, ...(bearer === undefined ? {} : { bearer }) });
const ended = async (runId: string) => (await served.host.attach(runId)).result;

describe("a prompt", () => {
  it("has a long system prompt in it, and never the key of one that is elsewhere (B1)", async () => {
    const long = "be careful. ".repeat(3000);
    const { spawn } = await step({ agent: { profile: { system_prompt: long } } });
    const { status, body } = await served.client.fetchPrompt(spawn);
    expect([status, body["system"], Object.hasOwn(body, "system_ref")]).toEqual([200, long, false]);
    const bearer = spawn.worker_handle;
    const path = `/v1/worker/prompt/system?task_id=${spawn.task_id}&attempt=1`;
    expect((await served.client.send("GET", path, { bearer })).text).toBe(long);
  });

  it("points to earlier outputs, which the same handle reads", async () => {
    const second = {
      name: "editor",
      kind: "operator",
      spec: { operator_ref: "main" },
      runner: { backend: "ws_operator", variant: "v", tools: [] },
    };
    const flow = {
      kind: "seq",
      children: ["writer", "editor"].map((ref) => ({
        kind: "step",
        ref,
        in: { op: "lit", value: 1 },
        out: { op: "path", at: `$.${ref}` },
      })),
    };
    const base = errand() as { agents: object[] };
    const { spawn, socket } = await step({ document: { agents: [...base.agents, second], flow } });
    expect((await submit(spawn, "the first")).status).toBe(204);
    const next = await socket.pop();
    const { body } = await served.client.fetchPrompt(next);
    const { steps } = body["context"] as { steps: { name: string; content_url: string }[] };
    expect(steps).toMatchObject([{ name: "writer", size_bytes: 11 }]);
    const content = await served.client.send("GET", steps[0]!.content_url, { bearer: next.worker_handle });
    expect([content.status, content.text]).toEqual([200, '"the first"']);
    expect((await served.client.send("GET", steps[0]!.content_url)).status).toBe(400);
  });

  it("is for the step that it is asked about", async () => {
    const { spawn } = await step();
    const { worker_handle } = spawn;
    expect((await served.client.fetchPrompt({ worker_handle, task_id: "ST-0000000000000000" })).status).toBe(400);
    expect((await served.client.fetchPrompt({ worker_handle: "wh-0123abcd", task_id: spawn.task_id })).status).toBe(
      410,
    );
    expect((await served.client.send("GET", `/v1/worker/prompt?task_id=${spawn.task_id}`)).status).toBe(400);
    const bearer = spawn.capability_token;
    expect((await served.client.send("GET", `/v1/worker/prompt?task_id=${spawn.task_id}`, { bearer })).status).toBe(
      200,
    );
  });
});

describe("verdict and ok", () => {
  const table: readonly (readonly [string, string, number])[] = [
    ["", "passed", 204],
    ["?ok=true", "passed", 204],
    ["?ok=false", "blocked", 204],
    ["?verdict=pass", "passed", 204],
    ["?verdict=pass&ok=true", "passed", 204],
    ["?verdict=pass&ok=false", "", 400],
    ["?verdict=blocked", "blocked", 204],
    ["?verdict=blocked&ok=true", "", 400],
    ["?verdict=blocked&ok=false", "blocked", 204],
    ["?verdict=skip", "skipped", 204],
    ["?verdict=skip&ok=false", "", 400],
    ["?verdict=maybe", "", 400],
  ];

  it.each(table)("%s make the step %s (W8, W10)", async (query, status, code) => {
    const { spawn, runId } = await step();
    expect((await submit(spawn, "said", query)).status).toBe(code);
    if (code !== 204) return;
    await ended(runId);
    expect((await served.client.run(runId)).body["step_entries"]).toMatchObject([{ status }]);
  });
});

describe("a verdict contract", () => {
  it("over the body is held at the submit, which may be mended (W11)", async () => {
    const { spawn, runId } = await step({ agent: { verdict: { channel: "body", values: ["yes", "no"] } } });
    expect(await submit(spawn, "perhaps")).toMatchObject({ status: 422, body: { code: "verdict_rejected" } });
    expect((await submit(spawn, "yes")).status).toBe(204);
    expect(await ended(runId)).toMatchObject({ ctx: { said: "yes" } });
  });

  it("over a part is held at the part, and at the submit (W12)", async () => {
    const { spawn, runId } = await step({ agent: { verdict: { channel: "part", values: ["yes"] } } });
    const part = (name: string, text: string) =>
      post(`/v1/worker/artifact?name=${name}`, spawn.worker_handle, { text });
    expect((await submit(spawn, "it is")).status).toBe(422);
    expect((await part("verdict", "no")).status).toBe(422);
    expect((await part("other", "no")).status).toBe(204);
    expect((await part("verdict", "yes")).status).toBe(204);
    expect((await submit(spawn, "it is")).status).toBe(204);
    expect(await ended(runId)).toMatchObject({
      ctx: { said: { out: "it is", parts: { verdict: "yes", other: "no" } } },
    });
  });
});

describe("a body", () => {
  it("is JSON where the step wants it (W17)", async () => {
    const { spawn, runId } = await step({ document: { default_agent_ctx: { submit_format: "json" } } });
    expect((await submit(spawn, "no JSON")).status).toBe(422);
    expect((await submit(spawn, '"text"')).status).toBe(204);
    expect(await ended(runId)).toMatchObject({ ctx: { said: "text" } });
  });

  it("may name a file, where the step allows that (W14, W15)", async () => {
    const file = join(workDir, "answer.txt");
    await writeFile(file, "from a file\n");
    const allowed = { document: { default_agent_ctx: { allow_file_submit: true } } };
    const { spawn, runId } = await step(allowed, { work_dir: workDir });
    expect((await submit(spawn, "@file:relative")).status).toBe(400);
    expect((await submit(spawn, "@file:/etc/hostname")).status).toBe(400);
    expect((await submit(spawn, `@file:${workDir}/missing`)).status).toBe(404);
    expect((await submit(spawn, `@file:${file}`)).status).toBe(204);
    expect(await ended(runId)).toMatchObject({ ctx: { said: "from a file" } });
    const other = await step({}, { work_dir: workDir });
    expect((await submit(other.spawn, `@file:${file}`)).status).toBe(400);
  });

  it("has a bound", async () => {
    const { spawn } = await step();
    expect((await submit(spawn, "x".repeat(2 * 1024 * 1024 + 1))).status).toBe(413);
    expect(
      (await post("/v1/worker/artifact?name=x", spawn.worker_handle, { text: "x".repeat(3_000_000) })).status,
    ).toBe(413);
  });
});

describe("a worker that may not go on", () => {
  it("is told that its answer is there already, or that there is another", async () => {
    const { spawn, runId } = await step({ document: { flow: twice } });
    expect((await submit(spawn, "one")).status).toBe(204);
    expect((await submit(spawn, "one")).status).toBe(204);
    expect((await submit(spawn, "two")).status).toBe(409);
    await served.client.cancel(runId);
  });

  it("is told that its seat has moved, or is vacant (S25, S26)", async () => {
    const { spawn, runId, session } = await step();
    const other = await served.client.join();
    await served.host.operators.acquire({ runId, sessionId: other.sid, description: "took over" });
    expect((await submit(spawn, "late")).status).toBe(409);
    const left = await step();
    await served.client.send("DELETE", `/v1/operators/${left.session.sid}`, { bearer: left.session.token });
    expect((await submit(left.spawn, "late")).status).toBe(503);
    expect(session.sid).not.toBe(other.sid);
  });

  it("is told that its run has ended (W6)", async () => {
    const { spawn, runId } = await step();
    await served.client.cancel(runId);
    const { worker_handle: handle } = spawn;
    const degradation = { tool: "t", error: "e", fallback: "f" };
    expect((await submit(spawn, "late")).status).toBe(410);
    expect((await post("/v1/worker/artifact?name=x", handle, { text: "x" })).status).toBe(410);
    expect((await post("/v1/worker/degradation", handle, { json: degradation })).status).toBe(410);
    expect((await post("/v1/worker/stats", handle, { json: {} })).status).toBe(410);
  });

  it("is told what it did wrong, where it did", async () => {
    const { spawn } = await step();
    const { worker_handle: handle } = spawn;
    expect((await post("/v1/worker/artifact?name=", handle, { text: "x" })).status).toBe(400);
    expect((await post("/v1/worker/artifact?name=%2e%2e%2fx", handle, { text: "x" })).status).toBe(400);
    expect((await post("/v1/worker/degradation", handle, { json: { tool: "t" } })).status).toBe(422);
    expect((await post("/v1/worker/stats", handle, { text: "{" })).status).toBe(422);
    expect((await post("/v1/worker/submit", undefined, { text: "x" })).status).toBe(400);
    expect((await post("/v1/worker/submit", "wh-0123abcd", { text: "x" })).status).toBe(410);
    expect(await post("/v1/worker/submit", "garbage", { text: "x" })).toMatchObject({
      status: 401,
      body: { error: expect.any(String), code: "unauthorized" },
    });
  });
});
