/** The HTTP surface over a host in memory, on a real port. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Host, openHost } from "../../src/host.ts";
import { type HttpServer, listen } from "../../src/server/index.ts";

const credential = "c".repeat(64);

/** A Blueprint whose one step needs no worker: it waits for the signal `go`. */
const gate = {
  schema_version: "0.1.0",
  id: "gate",
  agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
  flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
};

let host: Host;
let server: HttpServer;
const defects: unknown[] = [];

beforeEach(async () => {
  defects.length = 0;
  server = await listen({ hostname: "127.0.0.1", port: 0 }, (error) => defects.push(error));
  host = await openHost({ data: { kind: "ephemeral" } });
});

afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  expect(defects).toEqual([]);
});

/** As much of the answers as the tests read. */
interface Answer {
  readonly status: number;
  readonly body: {
    readonly run_id: string;
    readonly runs: readonly unknown[];
    readonly blueprint: { readonly version: string };
  };
}

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly text?: string;
  readonly headers?: Record<string, string>;
}

async function ask(path: string, { method, body, text, headers }: Asked = {}): Promise<Answer> {
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${server.url}${path}`, {
    method: method ?? (sent === undefined ? "GET" : "POST"),
    headers: {
      authorization: `Bearer ${credential}`,
      ...(sent === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const answer = await response.text();
  if (response.status >= 400) expect(response.headers.get("content-type")).toContain("application/problem+json");
  return { status: response.status, body: answer === "" ? undefined : JSON.parse(answer) };
}

async function launchGate(): Promise<string> {
  const { status, body } = await ask("/v1/runs", { body: { blueprint: gate } });
  expect(status).toBe(201);
  return body.run_id;
}

describe("before the host is ready", () => {
  it("answers health, and 503 to all else", async () => {
    expect(await ask("/v1/health")).toEqual({ status: 200, body: { status: "ok" } });
    for (const path of ["/v1/ready", "/v1/runs", "/v1/nothing"])
      expect(await ask(path)).toMatchObject({ status: 503, body: { code: "starting" } });
  });
});

describe("a host that is ready", () => {
  beforeEach(() => server.ready({ host, credential }));

  it("takes `__proto__` and `constructor` in a body for what they are: keys", async () => {
    const input = '{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}';
    const { status, body } = await ask("/v1/runs", { text: `{"blueprint":${JSON.stringify(gate)},"input":${input}}` });
    expect(status).toBe(201);
    await host.signal(body.run_id, { name: "go", id: "1", value: 3 });
    const run = await host.attach(body.run_id);
    const { ctx } = (await run.result) as { ctx: object };
    expect(JSON.stringify(ctx)).toBe('{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}},"said":3}');
    expect(Object.hasOwn(Object.prototype, "a") || Object.hasOwn(Object.prototype, "b")).toBe(false);
  });

  it("shows no queues where nobody waits", async () => {
    expect(await ask("/v1/queues")).toEqual({ status: 200, body: { queues: [] } });
  });

  it.each([undefined, "Bearer wrong", `Basic ${credential}`, `Bearer ${credential}x`, "Bearer "])(
    "answers 401 to %j, and says nothing of what there is",
    async (shown) => {
      const headers = shown === undefined ? {} : { authorization: shown };
      for (const path of ["/v1/runs", "/v1/nothing", "/v1/ready"]) {
        const response = await fetch(`${server.url}${path}`, { headers });
        expect(response.status).toBe(401);
        expect(await response.text()).not.toContain(credential);
      }
    },
  );

  it("refuses an input that is nested deeper than a run can hold, and starts nothing", async () => {
    const deep = JSON.parse(`${"[".repeat(600)}${"]".repeat(600)}`) as unknown;
    const answer = await ask("/v1/runs", { body: { blueprint: gate, input: { deep } } });
    expect(answer).toMatchObject({ status: 400, body: { code: "body_value" } });
    expect((await ask("/v1/runs")).body.runs).toEqual([]);
  });

  it("launches, lists, signals, and streams the journal to its end", async () => {
    const runId = await launchGate();
    expect((await ask("/v1/runs?limit=5")).body.runs).toMatchObject([{ run_id: runId, blueprint: { id: "gate" } }]);
    const stream = fetch(`${server.url}/v1/runs/${runId}/events`, {
      headers: { authorization: `Bearer ${credential}` },
    }).then((response) => response.text());
    const sent = { name: "go", id: "1", value: { n: 1 } };
    expect((await ask(`/v1/runs/${runId}/signals`, { body: sent })).status).toBe(202);
    const events = await stream;
    const ids = [...events.matchAll(/^id: (\d+)$/gmu)].map(([, id]) => Number(id));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(events).toMatch(/event: run_started[\s\S]*event: signal_received[\s\S]*event: run_finished/u);
    const rest = await fetch(`${server.url}/v1/runs/${runId}/events`, {
      headers: { authorization: `Bearer ${credential}`, "last-event-id": String(ids.length - 1) },
    });
    expect(await rest.text()).toMatch(new RegExp(`^: open\n\nid: ${ids.length}\nevent: run_finished\n`, "u"));
    expect((await ask(`/v1/runs/${runId}`)).body).toMatchObject({ status: "done" });
  });

  it("starts a launch with the same key once", async () => {
    const headers = { "idempotency-key": "k" };
    const first = await ask("/v1/runs", { body: { blueprint: gate }, headers });
    const second = await ask("/v1/runs", { body: { blueprint: gate }, headers });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body.run_id).toBe(first.body.run_id);
    const version = first.body.blueprint.version;
    const other = await ask("/v1/runs", { body: { version }, headers: { "idempotency-key": "other" } });
    expect(other.status).toBe(201);
    expect((await ask("/v1/runs")).body.runs).toHaveLength(2);
  });

  it("pauses, resumes, cancels, forks and removes", async () => {
    const runId = await launchGate();
    const act = (verb: string, body: object = {}): ReturnType<typeof ask> => ask(`/v1/runs/${runId}/${verb}`, { body });
    expect(await act("pause")).toMatchObject({ status: 200, body: { status: "paused" } });
    expect(await act("resume")).toMatchObject({ status: 200, body: { status: "running" } });
    expect(await ask(`/v1/runs/${runId}`, { method: "DELETE" })).toMatchObject({
      status: 409,
      body: { code: "run_live" },
    });
    const fork = await act("fork", { from: "root" });
    expect(fork).toMatchObject({ status: 201, body: { forked_from: runId } });
    expect(await act("cancel", { reason: "enough" })).toMatchObject({ status: 200, body: { status: "cancelled" } });
    expect(await act("cancel")).toMatchObject({ status: 409, body: { code: "run_ended" } });
    const rerun = await act("rerun", { ctx: { more: 1 }, flow: "pinned" });
    expect(rerun).toMatchObject({ status: 201, body: { forked_from: runId, status: "running" } });
    expect(await ask(`/v1/runs/${rerun.body.run_id}/rerun`, { body: {} })).toMatchObject({
      status: 409,
      body: { code: "fork_live" },
    });
    expect(await act("fork", { flow: "other" })).toMatchObject({ status: 400 });
    expect(await act("fork", { version: `sha256:${"0".repeat(64)}` })).toMatchObject({
      status: 404,
      body: { code: "version_unknown" },
    });
    const remove = (id: string): ReturnType<typeof ask> => ask(`/v1/runs/${id}`, { method: "DELETE" });
    expect(await remove(runId)).toMatchObject({ status: 409, body: { code: "run_live" } });
    for (const { body } of [fork, rerun]) await ask(`/v1/runs/${body.run_id}/cancel`, { body: {} });
    for (const id of [runId, fork.body.run_id]) expect((await remove(id)).status).toBe(204);
    expect(await ask(`/v1/runs/${runId}`)).toMatchObject({ status: 404, body: { code: "run_unknown" } });
  });

  it("gives a run out as an archive, and takes it in again", async () => {
    const runId = await launchGate();
    await ask(`/v1/runs/${runId}/signals`, { body: { name: "go", id: "1", value: "é".repeat(20_000) } });
    await (await host.attach(runId)).result;
    const response = await fetch(`${server.url}/v1/runs/${runId}/archive`, {
      headers: { authorization: `Bearer ${credential}` },
    });
    const archive = await response.text();
    const lines = { "content-type": "application/x-ndjson" };
    const upload = (text: string): Promise<Answer> => ask("/v1/archives", { text, headers: lines });
    expect(await upload(archive)).toMatchObject({ status: 409, body: { code: "run_exists" } });
    await ask(`/v1/runs/${runId}`, { method: "DELETE" });
    expect(await upload(archive.slice(0, -10))).toMatchObject({ status: 422, body: { code: "archive_truncated" } });
    expect(await upload("{}\n")).toMatchObject({ status: 422, body: { code: "archive_foreign" } });
    expect(await ask("/v1/archives", { body: {} })).toMatchObject({ status: 415, body: { code: "bad_request" } });
    expect(await ask("/v1/archives", { method: "POST" })).toMatchObject({ body: { code: "archive_truncated" } });
    expect(await upload(archive)).toMatchObject({ status: 201, body: { run_id: runId, status: "done" } });
    expect(await host.journal(runId)).toHaveLength(JSON.parse(archive.split("\n", 1)[0] ?? "").run.entries);
  });

  it.each<[string, string, Asked, number, string]>([
    ["its archive", "/v1/runs/R-none/archive", {}, 404, "run_unknown"],
    ["a run that is not there", "/v1/runs/R-none", {}, 404, "run_unknown"],
    ["its events", "/v1/runs/R-none/events", {}, 404, "run_unknown"],
    ["cancelling it", "/v1/runs/R-none/cancel", { body: {} }, 404, "run_unknown"],
    ["forking it", "/v1/runs/R-none/fork", { body: {} }, 404, "run_unknown"],
    ["a route that is not there", "/v1/nothing", {}, 404, "not_found"],
    ["no JSON", "/v1/runs", { text: "{" }, 400, "bad_request"],
    ["no Blueprint", "/v1/runs", { body: {} }, 400, "bad_request"],
    ["a field nobody knows", "/v1/runs", { body: { blueprint: gate, extra: 1 } }, 400, "bad_request"],
    ["input that is no object", "/v1/runs", { body: { blueprint: gate, input: 1 } }, 400, "bad_request"],
    ["a Blueprint with errors", "/v1/runs", { body: { blueprint: { id: "x" } } }, 422, "blueprint_invalid"],
    ["a version nobody has", "/v1/runs", { body: { version: `sha256:${"0".repeat(64)}` } }, 404, "version_unknown"],
    ["a limit that is none", "/v1/runs?limit=0", {}, 400, "bad_request"],
    ["a signal without a name", "/v1/runs/R-none/signals", { body: { id: "1" } }, 400, "bad_request"],
    ["too much", "/v1/runs", { text: `"${"x".repeat(17 * 1024 * 1024)}"` }, 413, "body_too_large"],
  ])("answers a problem to %s", async (_what, path, asked, status, code) => {
    const answer = await ask(path, asked);
    expect(answer).toMatchObject({
      status,
      body: { status, code, title: expect.any(String), detail: expect.any(String) },
    });
    expect((await ask("/v1/runs")).body.runs).toEqual([]);
  });

  it("ends its streams when it closes", async () => {
    const runId = await launchGate();
    const response = await fetch(`${server.url}/v1/runs/${runId}/events`, {
      headers: { authorization: `Bearer ${credential}` },
    });
    const text = response.text();
    await server[Symbol.asyncDispose]();
    expect(await text).toContain("event: run_started");
  });

  it("streams the entries of all runs in one order, from now on or from a position", async () => {
    const headers = { authorization: `Bearer ${credential}` };
    const before = await launchGate();
    const gone = new AbortController();
    const live = await fetch(`${server.url}/v1/events`, { headers, signal: gone.signal });
    const chunks = live.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await chunks.read()).value).toBe(": open\n\n");
    const after = await launchGate();
    const first = (await chunks.read()).value ?? "";
    expect(first).toContain(`data: {"run_id":"${after}","entry":{`);
    const position = Number(/^id: (\d+)$/mu.exec(first)?.[1]);
    gone.abort();

    const readAll = async (query: string, more: Record<string, string> = {}): Promise<string> => {
      const stop = new AbortController();
      const response = await fetch(`${server.url}/v1/events${query}`, {
        headers: { ...headers, ...more },
        signal: stop.signal,
      });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!text.includes(`id: ${position}\n`)) text += (await reader.read()).value ?? "";
      stop.abort();
      return text;
    };
    expect(await readAll("?from=1")).toContain(`"run_id":"${before}"`);
    expect(await readAll("", { "last-event-id": String(position - 1) })).not.toContain(`"run_id":"${before}"`);
  });
});
