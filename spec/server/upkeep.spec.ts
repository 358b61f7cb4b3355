/** What is kept and what is removed, over HTTP. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Host, openHost } from "../../src/host.ts";
import { type HttpServer, listen } from "../../src/server/index.ts";

const credential = "c".repeat(64);
const document = {
  schema_version: "0.1.0",
  id: "echo",
  agents: [{ name: "echo", kind: "lua", spec: { source: "return _PROMPT" } }],
  flow: { kind: "step", ref: "echo", in: { op: "lit", value: "x" }, out: { op: "path", at: "$.x" } },
};

let host: Host;
let server: HttpServer;

beforeEach(async () => {
  server = await listen({ hostname: "127.0.0.1", port: 0 }, (error) => expect.unreachable(String(error)));
  host = await openHost({ data: { kind: "ephemeral" } });
  server.ready({ host, credential });
});

afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function post(path: string, body: unknown = {}): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${credential}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function aRun(): Promise<string> {
  const launched = await host.launch(await host.workshop.compile(document));
  await launched.result;
  return launched.runId;
}

it("collects by the policy it is given, or only says what it would", async () => {
  const [oldest, newest] = [await aRun(), await aRun()];
  const order = { retention: { all: { count: 1 } } };
  const dry = await post("/v1/gc", { ...order, dry_run: true });
  expect(dry).toMatchObject({ status: 200, body: { dry_run: true, runs: 1, expired: [{ run_id: oldest, runs: 1 }] } });
  expect(await post("/v1/gc", order)).toMatchObject({ status: 200, body: { runs: 1, blobs: 0 } });
  expect((await host.runs({ limit: 9 })).map(({ runId }) => runId)).toEqual([newest]);
  expect(await post("/v1/gc")).toMatchObject({ status: 200, body: { runs: 0 } });
});

it("refuses what is no policy", async () => {
  expect(await post("/v1/gc", { retention: { done: { age: 3 } } })).toMatchObject({
    status: 422,
    body: { code: "retention_invalid" },
  });
  expect(await post("/v1/gc", { keep: 3 })).toMatchObject({ status: 400 });
});

it("holds a run until it is released, and removes runs all or none", async () => {
  const [held, other] = [await aRun(), await aRun()];
  expect(await post(`/v1/runs/${held}/hold`)).toMatchObject({ status: 200, body: { run_id: held, held: true } });
  expect(await post("/v1/removals", { run_ids: [other, held] })).toMatchObject({
    status: 409,
    body: { code: "run_held" },
  });
  expect(await post("/v1/removals", { run_ids: [other, "R-none"] })).toMatchObject({
    status: 404,
    body: { code: "run_unknown" },
  });
  expect(await host.runs({ limit: 9 })).toHaveLength(2);
  expect((await post(`/v1/runs/${held}/release`)).body).not.toHaveProperty("held");
  expect(await post("/v1/removals", { run_ids: [other, held, other] })).toEqual({ status: 200, body: { runs: 2 } });
  expect(await post(`/v1/runs/${held}/hold`)).toMatchObject({ status: 404, body: { code: "run_unknown" } });
});
