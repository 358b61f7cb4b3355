/** Launching through the door, and what is told of a run: in the reference's words, over a real port. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CREDENTIAL, DoorHost } from "./door-host.ts";
import { errand, identity } from "./errands.ts";
import type { Answer } from "./reference-client.ts";

let served: DoorHost;

beforeAll(async () => {
  served = await DoorHost.start();
  await served.publish(errand());
  await served.publish(errand({ id: "two", document: { operators: [{ name: "main" }, { name: "second" }] } }));
  await served.publish(identity);
});
afterEach(() => expect(served.defects).toEqual([]));
afterAll(() => served[Symbol.asyncDispose]());

const runs = () => served.host.runs({ limit: 1000 });
const runIdOf = ({ body }: Answer): string => String(body["run_id"]);

describe("a launch", () => {
  it("that waits answers with the run's end (L1)", async () => {
    const answer = await served.client.launch("identity", { init_ctx: { a: 1 } });
    const runId = runIdOf(answer);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        final_ctx: { a: 1 },
        bound_version: expect.stringMatching(/^sha256:[0-9a-f]{64}$/u),
        effective_ttl_secs: 300,
        ttl_source: "request_body",
        task_id: `T-${runId.slice(2)}`,
        run_id: expect.stringMatching(/^R-/u),
        status: "done",
        info: { run_id: runId, goal: "a run of identity", project_root: null, work_dir: null, seats: [] },
      },
    });
    expect((await served.client.run(runId)).body).toMatchObject({ status: "done", result_ref: { a: 1 } });
    expect(await served.host.run(runId)).toMatchObject({ status: "done", blueprintId: "identity" });
  });

  it("that does not wait answers at once, and is an ordinary run (L7, L11)", async () => {
    const answer = await served.client.launch("errand", { detach: true });
    const runId = runIdOf(answer);
    expect(answer).toMatchObject({ status: 202, body: { status: "running", final_ctx: null } });
    expect(answer.body["info"]).toMatchObject({
      seats: [{ slot: "main", vacant: true, holder: null, declared: true }],
    });
    expect((await runs()).map((run) => run.runId)).toContain(runId);
    expect((await served.client.run(runId)).body).toMatchObject({ id: runId, status: "running", result_ref: null });
    expect((await served.client.cancel(runId)).status).toBe(204);
    expect((await served.client.cancel(runId)).status).toBe(204);
    expect((await served.client.run(runId)).body).toMatchObject({ status: "cancelled" });
    const { body } = await served.client.trace(runId);
    const events = body["events"] as { seq: number; kind: string }[];
    expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["core.run_started", "core.run_finished"]));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });

  it("that waits no longer than it says leaves no run behind (L3)", async () => {
    const answer = await served.client.launch("errand", { timeout_secs: 1 });
    expect(answer).toMatchObject({ status: 504, body: { error: expect.stringContaining("ceiling of 1 s") } });
    expect(await served.host.run(runIdOf(answer))).toMatchObject({ status: "cancelled" });
  });

  it("names where it works beside the context, or in it (L14)", async () => {
    const info = async (more: object) => (await served.client.launch("identity", { ...more })).body["info"];
    expect(await info({ project_root: "/p", init_ctx: { project_root: "/q", work_dir: "/w" } })).toMatchObject({
      project_root: "/p",
      work_dir: "/w",
    });
    expect(await info({})).toMatchObject({ project_root: null, work_dir: null });
  });

  it("says how long it is meant to live, and who said so (L13)", async () => {
    await served.publish({ ...identity, id: "brief", metadata: { default_run_ttl_secs: 60 } });
    const life = async (id: string, ttl_secs: number | null) => (await served.client.launch(id, { ttl_secs })).body;
    expect(await life("brief", 0)).toMatchObject({ effective_ttl_secs: 0, ttl_source: "request_body", status: "done" });
    expect(await life("brief", null)).toMatchObject({ effective_ttl_secs: 60, ttl_source: "bp_metadata" });
    expect(await life("identity", null)).toMatchObject({ effective_ttl_secs: 1800, ttl_source: "server_default" });
  });

  it("takes a version by its digest", async () => {
    const { body } = await served.client.launch("identity");
    const value = String(body["bound_version"]).slice("sha256:".length);
    const fixed = (id: string) => ({ blueprint: { kind: "id", id, version: { kind: "fixed", value } } });
    expect((await served.client.launch("identity", fixed("identity"))).status).toBe(200);
    expect((await served.client.launch("errand", fixed("errand"))).status).toBe(400);
  });

  it("takes a document from who shows a credential, and from nobody else", async () => {
    const json = { blueprint: { kind: "inline", value: identity }, init_ctx: {} };
    const { token } = await served.client.join();
    const launched = (bearer?: string) =>
      served.client.send("POST", "/v1/tasks", { json, ...(bearer === undefined ? {} : { bearer }) });
    const before = (await runs()).length;
    expect((await launched()).status).toBe(401);
    expect((await launched(token)).status).toBe(403);
    expect((await launched("mse-nothing")).status).toBe(401);
    expect((await runs()).length).toBe(before);
    expect((await launched(CREDENTIAL)).status).toBe(200);
  });

  it("that fails says which step did, and with what (L16)", async () => {
    const failing = {
      ...identity,
      id: "failing",
      agents: [{ name: "breaker", kind: "lua", spec: { source: "error('no')" } }],
      flow: { kind: "step", ref: "breaker", in: { op: "lit", value: 1 }, out: { op: "path", at: "$.x" } },
    };
    await served.publish(failing);
    const answer = await served.client.launch("failing", { init_ctx: { kept: 1 } });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        error: expect.stringMatching(/^run: flow eval: /u),
        details: { failed_step: "breaker", verdict_value: null, partial_ctx: { kept: 1 } },
      },
    });
    expect((await served.client.run(runIdOf(answer))).body).toMatchObject({
      status: "failed",
      result_ref: { error: { failed_step: "breaker" }, partial_ctx: { kept: 1 } },
      step_entries: [{ step_ref: "breaker", status: "failed", attempt: 1 }],
    });
  });
});

describe("a launch that cannot be", () => {
  const refusals: readonly (readonly [string, string, object, number])[] = [
    ["waits for no time (L5)", "identity", { timeout_secs: 0 }, 400],
    ["waits and does not (L6)", "identity", { timeout_secs: 5, detach: true }, 400],
    ["names a Blueprint that never ran here", "unknown", {}, 400],
    ["pins without saying what for (L8)", "errand", { operator_sid: "SID" }, 400],
    ["pins a session that there is not (L8)", "errand", { operator_sid: "S-none", operator_desc: "x" }, 400],
    [
      "pins to a seat that is not declared (L8)",
      "errand",
      { operator_sid: "SID", operator_desc: "x", operator_slot: "y" },
      400,
    ],
    ["pins where there are no seats (L8)", "identity", { operator_sid: "SID", operator_desc: "x" }, 400],
    ["pins where there are several (L8)", "two", { operator_sid: "SID", operator_desc: "x" }, 400],
    ["has a kind of operator that there is not", "errand", { operator: { kind: "robot" } }, 400],
    ["has one for an agent", "errand", { operator: { per_agent_kinds: { writer: "robot" } } }, 400],
    ["asks for a hook by id", "errand", { operator: { spawn_hook_id: "S-1" } }, 400],
    [
      "asks for a range of versions",
      "x",
      { blueprint: { kind: "id", id: "errand", version: { kind: "semver_req", req: "^1" } } },
      400,
    ],
    ["asks for a policy of checks", "errand", { check_policy: "strict" }, 400],
    ["is nested too deeply", "errand", { init_ctx: JSON.parse(`${"[".repeat(600)}${"]".repeat(600)}`) }, 400],
    ["is of another shape", "errand", { detach: "yes" }, 422],
    ["names no Blueprint", "errand", { blueprint: null }, 422],
  ];

  it.each(refusals)("because it %s starts nothing", async (_name, id, more, status) => {
    const { sid } = await served.client.join();
    const before = (await runs()).length;
    const filled = JSON.parse(JSON.stringify(more).replace('"SID"', JSON.stringify(sid))) as Record<string, unknown>;
    const answer = await served.client.launch(id, filled);
    expect(answer).toMatchObject({ status, body: { error: expect.any(String) } });
    expect((await runs()).length).toBe(before);
  });

  it("is told in the statuses of the reference where it is no request at all", async () => {
    const post = (text: string, type: string) =>
      served.client.send("POST", "/v1/tasks", { text, headers: { "content-type": type } });
    expect((await post("{", "application/json")).status).toBe(400);
    expect((await post("{}", "text/html")).status).toBe(415);
    expect((await post(`"${"x".repeat(17_000_000)}"`, "application/json")).status).toBe(413);
  });
});

describe("a run that there is not", () => {
  it("is exactly 404, and has an empty trace", async () => {
    expect((await served.client.run("R-none")).status).toBe(404);
    expect((await served.client.cancel("R-none")).status).toBe(404);
    expect((await served.client.trace("R-none")).body).toEqual({ run_id: "R-none", events: [] });
    expect((await served.client.send("GET", "/v1/tasks/T-none/runs/R-none/steps")).status).toBe(404);
  });

  it("is one of another task", async () => {
    const { body } = await served.client.launch("identity");
    const steps = (task: string) => served.client.send("GET", `/v1/tasks/${task}/runs/${body["run_id"]}/steps`);
    expect((await steps(String(body["task_id"]))).body).toEqual({
      task_id: body["task_id"],
      run_id: body["run_id"],
      steps: [],
    });
    expect((await steps("T-other")).status).toBe(404);
  });
});
