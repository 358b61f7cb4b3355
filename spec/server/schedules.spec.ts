/** Schedules over HTTP, on a host in memory. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Host, openHost } from "../../src/host.ts";
import { type HttpServer, listen } from "../../src/server/index.ts";

const credential = "c".repeat(64);
const gate = {
  schema_version: "0.1.0",
  id: "gate",
  agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
  flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
};

let host: Host;
let server: HttpServer;

beforeEach(async () => {
  server = await listen({ hostname: "127.0.0.1", port: 0 }, (error) => expect.unreachable(String(error)));
  host = await openHost({ data: { kind: "ephemeral" } });
  await host.schedules.start();
  server.ready({ host, credential });
});

afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly body: { readonly [name: string]: unknown };
}

async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/v1/schedules${path}`, {
    method,
    headers: {
      authorization: `Bearer ${credential}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

const nightly = { name: "nightly", blueprint: gate, cron: "0 3 * * *", time_zone: "Europe/Berlin", input: { n: 1 } };

describe("schedules over HTTP", () => {
  it("are added, shown, paused, resumed, triggered once by key, and removed", async () => {
    const added = await ask("POST", "", nightly);
    expect(added).toMatchObject({
      status: 201,
      body: { ...nightly, blueprint: { id: "gate" }, overlap: "skip", catch_up: "last", paused: false },
    });
    expect(added.body["next_at"]).toBeGreaterThan(Date.now());
    expect(await ask("GET", "/nightly")).toEqual({ status: 200, body: added.body });
    expect((await ask("POST", "/nightly/pause")).body).not.toHaveProperty("next_at");
    expect((await ask("POST", "/nightly/resume")).body).toMatchObject({ next_at: added.body["next_at"] });
    const key = { "idempotency-key": "once" };
    const first = await ask("POST", "/nightly/trigger", undefined, key);
    expect(first).toMatchObject({ status: 201, body: { run_id: expect.any(String), blueprint: { id: "gate" } } });
    expect((await ask("POST", "/nightly/trigger", undefined, key)).body["run_id"]).toBe(first.body["run_id"]);
    expect((await host.journal(String(first.body["run_id"])))[0]?.value).toEqual({ n: 1 });
    expect((await ask("GET", "?limit=1")).body).toMatchObject({
      schedules: [{ name: "nightly", last_run_id: first.body["run_id"] }],
    });
    expect((await ask("DELETE", "/nightly")).status).toBe(204);
    expect((await ask("GET", "")).body).toEqual({ schedules: [] });
    expect(await host.runs({ limit: 9 })).toHaveLength(1);
  });

  it("start a run that is due at once", async () => {
    const started = Promise.withResolvers<void>();
    const launch = host.launch.bind(host);
    host.launch = async (...args) => {
      const run = await launch(...args);
      started.resolve();
      return run;
    };
    await ask("POST", "", { name: "now", blueprint: gate, at: 1 });
    await started.promise;
    expect(await host.runs({ limit: 9 })).toMatchObject([{ blueprintId: "gate" }]);
  });

  it.each<[string, string, string, object | undefined, number, string]>([
    ["one that is not there", "GET", "/x", undefined, 404, "schedule_unknown"],
    ["pausing it", "POST", "/x/pause", undefined, 404, "schedule_unknown"],
    ["triggering it", "POST", "/x/trigger", undefined, 404, "schedule_unknown"],
    ["removing it", "DELETE", "/x", undefined, 404, "schedule_unknown"],
    ["a name that is none", "GET", "/a%2F..%2Fb", undefined, 400, "bad_request"],
    ["no times", "POST", "", { name: "s", blueprint: gate }, 400, "request_contradicts"],
    ["two of them", "POST", "", { name: "s", blueprint: gate, cron: "* * * * *", at: 1 }, 400, "request_contradicts"],
    [
      "a zone without a pattern",
      "POST",
      "",
      { name: "s", blueprint: gate, at: 1, time_zone: "UTC" },
      400,
      "request_contradicts",
    ],
    ["a pattern that is none", "POST", "", { name: "s", blueprint: gate, cron: "soon" }, 422, "schedule_invalid"],
    ["a policy that is none", "POST", "", { ...nightly, overlap: "queue" }, 400, "bad_request"],
    ["a field nobody knows", "POST", "", { ...nightly, extra: 1 }, 400, "bad_request"],
    ["no Blueprint", "POST", "", { name: "s", at: 1 }, 404, "version_unknown"],
    ["a Blueprint with errors", "POST", "", { ...nightly, blueprint: { id: "x" } }, 422, "blueprint_invalid"],
  ])("answer a problem to %s", async (_what, method, path, body, status, code) => {
    expect(await ask(method, path, body)).toMatchObject({ status, body: { code, detail: expect.any(String) } });
    expect((await ask("GET", "")).body).toEqual({ schedules: [] });
  });

  it("refuse a name that is taken", async () => {
    await ask("POST", "", nightly);
    expect(await ask("POST", "", nightly)).toMatchObject({ status: 409, body: { code: "schedule_exists" } });
  });
});
