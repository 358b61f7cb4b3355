/** Seniors: an answer, or a verdict, in place of whoever was asked. */
import { describe, expect, it } from "vitest";
import { CREDENTIAL, operatorBlueprint, ServedHost } from "./served-host.ts";

const senior = ({ host }: ServedHost): string =>
  host.capabilities.mint({ role: "senior", subject: "the boss", expiresAt: Date.now() + 3_600_000 }, Date.now());

/** A step about which the seat is asked once it is blocked. */
const escalating = () => ({
  ...operatorBlueprint(),
  spawner_hints: { layers: ["senior_escalation"], options: { senior_escalation: { chain: [{ seat: "main" }] } } },
});

describe("a senior", () => {
  it("sees what is asked and decides a step over its seat's head, once", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(operatorBlueprint(), joined);
    const { request } = await client.next("request");
    const other = await served.launch(operatorBlueprint());
    const bearer = senior(served);
    const path = `/v1/runs/${run.runId}/requests`;
    const listed = await served.ask(path, { bearer });
    expect(listed.body.requests).toMatchObject([{ id: request.id, kind: "step", seat: "main", agent: "writer" }]);
    expect(JSON.stringify(listed.body)).not.toContain(request.handle);
    const decide = (id: string, runId = run.runId, body: object = { verdict: "pass", value: "enough" }) =>
      served.ask(`/v1/runs/${runId}/requests/${id}/verdict`, { body, bearer });
    expect(await decide(request.id, other.runId)).toMatchObject({ status: 404, body: { code: "request_unknown" } });
    expect(await decide(request.id, run.runId, { verdict: "maybe" })).toMatchObject({ status: 400 });
    expect(await served.ask(`${path}/${request.id}/answer`, { body: { value: 1 }, bearer })).toMatchObject({
      status: 409,
      body: { code: "request_kind" },
    });
    expect((await decide(request.id)).status).toBe(204);
    expect(await run.result).toMatchObject({ status: "done", ctx: { said: "enough" } });
    expect(await client.next("withdrawn")).toMatchObject({ id: request.id, reason: "completed" });
    expect((await decide(request.id)).status).toBe(204);
    expect(await decide(request.id, run.runId, { verdict: "blocked" })).toMatchObject({
      status: 409,
      body: { code: "submission_conflict" },
    });
    expect((await served.host.operators.request(request.id)).submission?.by).toBe("senior: the boss");
    expect((await served.ask(path, { bearer })).body.requests).toEqual([]);
    expect(served.defects).toEqual([]);
  });

  it("answers a question in place of the seat that is asked", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const run = await served.launch(escalating(), joined);
    const { request } = await client.next("request");
    const blocked = { verdict: "blocked", answer: { value: "too risky" } } as const;
    await served.host.operators.submit({ requestId: request.id, generation: 1 }, blocked);
    const question = (await client.next("request")).request;
    expect(question.kind).toBe("ask");
    const bearer = senior(served);
    const path = `/v1/runs/${run.runId}/requests`;
    const [listed] = (await served.ask(path, { bearer })).body.requests;
    expect(listed).toMatchObject({ id: question.id, kind: "ask", question: expect.anything() });
    const verdict = { body: { verdict: "pass" }, bearer };
    expect(await served.ask(`${path}/${question.id}/verdict`, verdict)).toMatchObject({ status: 409 });
    const answer = (value: string) => served.ask(`${path}/${question.id}/answer`, { body: { value }, bearer });
    expect((await answer("do it")).status).toBe(204);
    expect(await run.result).toMatchObject({ status: "done", ctx: { said: { senior_answer: "do it" } } });
    expect(await answer("do not")).toMatchObject({ status: 409, body: { code: "submission_conflict" } });
    expect(served.defects).toEqual([]);
  });

  it("is held to the step's verdict contract like its worker", async () => {
    await using served = await ServedHost.start();
    const joined = await served.join();
    const client = await served.attach(joined);
    const spec = { verdict: { channel: "body", values: ["YES", "NO"] } };
    const run = await served.launch(operatorBlueprint({ spec }), joined);
    const { request } = await client.next("request");
    const decide = (value: string) =>
      served.ask(`/v1/runs/${run.runId}/requests/${request.id}/verdict`, {
        body: { verdict: "pass", value },
        bearer: senior(served),
      });
    expect(await decide("PERHAPS")).toMatchObject({ status: 422, body: { code: "verdict_rejected" } });
    expect((await decide("YES")).status).toBe(204);
    expect(await run.result).toMatchObject({ ctx: { said: "YES" } });
  });

  it("may do nothing else: neither see the run nor take a seat", async () => {
    await using served = await ServedHost.start();
    const run = await served.launch();
    const bearer = senior(served);
    const refused = { status: 403, body: { code: "verb_denied" } };
    for (const path of ["", "/events", "/archive", "/seats", "/handover"]) {
      expect(await served.ask(`/v1/runs/${run.runId}${path}`, { bearer })).toMatchObject(refused);
    }
    const body = { description: "d" };
    expect(await served.ask(`/v1/runs/${run.runId}/seats`, { bearer, body })).toMatchObject(refused);
    const unknown = await served.ask("/v1/runs/R-none/requests", { bearer: CREDENTIAL });
    expect(unknown).toMatchObject({ status: 404, body: { code: "run_unknown" } });
  });
});
