/** Sessions and seats over HTTP. */
import { describe, expect, it } from "vitest";
import { CREDENTIAL, operatorBlueprint, ServedHost } from "./served-host.ts";

const unknownRun = "R-0000000000000000";

describe("sessions over HTTP", () => {
  it("join, are listed and read without their secret, and leave", async () => {
    await using served = await ServedHost.start();
    const joined = await served.ask("/v1/operators", { body: { description: "me", manifest: { can: ["coder"] } } });
    expect(joined).toMatchObject({
      status: 201,
      body: { session_id: expect.stringMatching(/^S-[0-9a-f]{32}$/u), connected: false, manifest: { can: ["coder"] } },
    });
    const { session_id: id, secret } = joined.body;
    const listed = await served.ask("/v1/operators?limit=5");
    expect(listed.body.operators).toMatchObject([{ session_id: id, description: "me" }]);
    expect(JSON.stringify(listed.body)).not.toContain(secret);
    expect(await served.ask(`/v1/operators/${id}`, { bearer: secret })).toMatchObject({ status: 200 });
    const other = (await served.ask("/v1/operators", { body: { description: "other" } })).body;
    const leave = { method: "DELETE", bearer: other.secret };
    expect(await served.ask(`/v1/operators/${id}`, leave)).toMatchObject({ status: 403 });
    expect(await served.ask(`/v1/operators/${id}`, { method: "DELETE", bearer: secret })).toMatchObject({
      status: 204,
    });
    expect(await served.ask(`/v1/operators/${id}`, { bearer: secret })).toMatchObject({ status: 401 });
    expect(await served.ask(`/v1/operators/${id}`)).toMatchObject({ status: 404, body: { code: "session_unknown" } });
  });

  it.each([{}, { description: "" }, { description: "x".repeat(1001) }, { description: "d", more: 1 }])(
    "refuses to join as %j",
    async (body) => {
      await using served = await ServedHost.start();
      expect(await served.ask("/v1/operators", { body })).toMatchObject({ status: 400 });
    },
  );
});

describe("queues over HTTP", () => {
  it("show the steps that wait for a place of their agent, of whatever run, in the order in which they get one", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const document = operatorBlueprint({ lanes: 3, spec: { policy: { concurrency: 1 } } });
    const { runId } = await served.launch(document, joined);
    const client = await served.attach(joined);
    const { request } = await client.next("request");
    expect(request).toMatchObject({ run: runId, key: "@0" });
    const waiter = { run_id: runId, attempt: 1, agent: "writer", scheduled_at: expect.any(Number) };
    expect(await served.ask("/v1/queues")).toEqual({
      status: 200,
      body: {
        queues: [
          {
            key: "agent errand/writer",
            limits: { concurrency: 1 },
            holding: 1,
            holders: [{ ...waiter, key: "@0" }],
            waiting: 2,
            waiters: [
              { ...waiter, key: "@1" },
              { ...waiter, key: "@2" },
            ],
          },
        ],
      },
    });
  });
});

describe("seats over HTTP", () => {
  it("are taken, shown, taken over and given back, each under its generation", async () => {
    await using served = await ServedHost.start();
    const [one, other] = [await served.join("one"), await served.join("other")];
    const { runId } = await served.launch();
    const path = `/v1/runs/${runId}/seats`;
    const vacant = { seat: "main", generation: 0, holder: null, description: null, since: null, connected: false };
    expect(await served.ask(path, { bearer: one.secret })).toEqual({ status: 200, body: { seats: [vacant] } });
    const body = { description: "to work" };
    expect(await served.ask(path, { body, bearer: one.secret })).toMatchObject({
      status: 200,
      body: { seat: "main", generation: 1, holder: one.session.sessionId, previous: null },
    });
    expect(await served.ask(path, { body: { ...body, seat: "main" }, bearer: other.secret })).toMatchObject({
      body: { generation: 2, previous: { generation: 1, holder: one.session.sessionId } },
    });
    const release = (generation: number) =>
      served.ask(`${path}/main?generation=${generation}`, { method: "DELETE", bearer: other.secret });
    expect(await release(1)).toMatchObject({ status: 409, body: { code: "seat_moved" } });
    expect(await release(2)).toMatchObject({ status: 200, body: { generation: 3, holder: null } });
    const handover = await served.ask(`/v1/runs/${runId}/handover`, { bearer: one.secret });
    expect(handover.body).toMatchObject({
      run_id: runId,
      seats: [{ holder: null, generation: 3 }],
      requests: [{ kind: "step", seat: "main", state: "open", deliveries: 0, age_ms: expect.any(Number) }],
    });
  });

  it("are refused where there is nothing to take, or nobody to take it", async () => {
    await using served = await ServedHost.start();
    const one = await served.join();
    const { runId } = await served.launch();
    const take = (body: object, bearer = one.secret, id = runId) =>
      served.ask(`/v1/runs/${id}/seats`, { body: { description: "d", ...body }, bearer });
    expect(await take({ seat: "other" })).toMatchObject({ status: 404, body: { code: "seat_unknown" } });
    expect(await take({ description: " " })).toMatchObject({ status: 400, body: { code: "seat_invalid" } });
    expect(await take({}, one.secret, unknownRun)).toMatchObject({ status: 404, body: { code: "run_unknown" } });
    expect(await take({ session: `S-${"0".repeat(32)}` })).toMatchObject({ body: { code: "session_unknown" } });
    expect(await take({}, CREDENTIAL)).toMatchObject({ body: { code: "session_unknown" } });
    expect(await take({ session: `S-${"0".repeat(32)}` }, CREDENTIAL)).toMatchObject({
      status: 404,
      body: { code: "session_unknown" },
    });
    expect(await served.ask(`/v1/runs/${runId}/seats`)).toMatchObject({ body: { seats: [{ holder: null }] } });
  });

  it("are taken by a launch, or nothing is launched", async () => {
    await using served = await ServedHost.start();
    const { session, secret } = await served.join();
    const launch = (seats: object, bearer = secret) =>
      served.ask("/v1/runs", { body: { blueprint: operatorBlueprint(), seats }, bearer });
    const refused = [
      await launch({ none: { description: "d" } }),
      await launch({ main: { description: "d", session: `S-${"0".repeat(32)}` } }),
      await launch({ main: { description: "d", session: `S-${"0".repeat(32)}` } }, CREDENTIAL),
      await launch({ main: {} }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 400]);
    expect((await served.ask("/v1/runs")).body.runs).toEqual([]);
    const { status, body } = await launch({ main: { description: "mine" } });
    expect(status).toBe(201);
    expect((await served.ask(`/v1/runs/${body.run_id}/seats`)).body.seats).toMatchObject([
      { holder: session.sessionId, description: "mine", generation: 1 },
    ]);
  });
});
