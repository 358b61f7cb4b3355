/** Cases of the reference about operators and their workers that no other suite has (spec/reference-cases.md). */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { blueprint, Errand, outside, step } from "../worker-contract/errand.ts";

let errand: Errand;

beforeAll(async () => {
  errand = await Errand.start();
});
afterEach(() => expect(errand.served.defects).toEqual([]));
afterAll(() => errand[Symbol.asyncDispose]());

const refusal = (status: number, code: string) => ({ status, body: { code } });

describe("an attempt", () => {
  it("does not carry an earlier attempt's parts", async () => {
    const agent = outside("writer", { policy: { retry: { max_attempts: 2, backoff_ms: 0 } } });
    const { run, request, worker } = await errand.step(agent);
    expect((await worker.artifact("notes", "of the first")).status).toBe(204);
    await errand.client.ask({ type: "error", id: request.id, message: "not today" });
    const { worker: second } = await errand.next(run);
    expect((await second.prompt()).body.attempt).toBe(2);
    expect((await second.submit("done")).status).toBe(204);
    expect(await run.result).toMatchObject({ status: "done", ctx: { writer: "done" } });
  });

  it("is refused after its run's end, whatever the policy hides from it", async () => {
    const { run, worker } = await errand.step(outside("writer", { meta: { context_policy: { exclude: ["run_id"] } } }));
    expect((await worker.prompt()).body.context).not.toHaveProperty("run_id");
    await run.cancel({ reason: "enough", by: "test" });
    await run.result;
    expect(await worker.submit("late")).toMatchObject({ status: 410 });
    expect(await worker.artifact("notes", "late")).toMatchObject({ status: 410 });
    expect(await worker.post("degradation", { tool: "t", error: "e", fallback: "f" })).toMatchObject({ status: 410 });
    expect(await worker.post("stats", {})).toMatchObject({ status: 410 });
  });
});

describe("an answer", () => {
  it("parses the JSON of a file in place of a body", async () => {
    await writeFile(join(errand.workDir, "answer.json"), '{"lanes":[1,2]}\n');
    await writeFile(join(errand.workDir, "prose.txt"), "prose");
    const agent = outside("writer", { meta: { ctx: { submit_format: "json", allow_file_submit: true } } });
    const { run, worker } = await errand.step(agent, { inDirectory: true });
    expect(await worker.submit(`@file:${errand.workDir}/prose.txt`)).toMatchObject(refusal(422, "submit_format"));
    expect((await worker.submit(`@file:${errand.workDir}/answer.json`)).status).toBe(204);
    expect(await run.result).toMatchObject({ ctx: { writer: { lanes: [1, 2] } } });
  });

  it("holds a value to the verdict contract as it holds text", async () => {
    const body = await errand.step(outside("judge", { verdict: { channel: "body", values: ["PASS"] } }));
    expect(await body.worker.post("result", { value: "MAYBE" })).toMatchObject(refusal(422, "verdict_rejected"));
    expect((await body.worker.post("result", { value: "MAYBE", ok: false })).status).toBe(204);
    expect(await body.run.result).toMatchObject({ status: "failed" });
    const part = await errand.step(outside("judge", { verdict: { channel: "part", values: ["GO"] } }));
    expect(await part.worker.post("result", { value: "report" })).toMatchObject(refusal(422, "verdict_rejected"));
    expect((await part.worker.artifact("verdict", "GO")).status).toBe(204);
    expect((await part.worker.post("result", { value: "report" })).status).toBe(204);
    expect(await part.run.result).toMatchObject({ ctx: { judge: { out: "report", parts: { verdict: "GO" } } } });
  });

  it("gives a fanout the items of a structured answer", async () => {
    const document = blueprint(
      [outside("planner"), { name: "echo", kind: "function", spec: { fn_id: "identity" } }],
      [
        step("planner"),
        {
          kind: "fanout",
          items: { op: "path", at: "$.planner.lanes" },
          bind: { op: "path", at: "$.lane" },
          body: {
            kind: "step",
            ref: "echo",
            in: { op: "path", at: "$.lane" },
            out: { op: "path", at: "$.echoed" },
          },
          join: "all",
          out: { op: "path", at: "$.all" },
        },
      ],
    );
    const run = await errand.launch(document);
    const { worker } = await errand.next(run);
    expect((await worker.submit('{"lanes":["a","b","c"]}')).status).toBe(204);
    const result = await run.result;
    expect(result).toMatchObject({ status: "done" });
    expect((result as unknown as { ctx: { all: unknown[] } }).ctx.all).toHaveLength(3);
  });
});

describe("a run with two seats", () => {
  const seated = (name: string, seat: string): object => outside(name, { spec: { operator_ref: seat } });
  const document = {
    ...blueprint(
      [seated("writer", "left"), seated("editor", "right")],
      [
        {
          kind: "fanout",
          items: { op: "lit", value: ["writer", "editor"] },
          bind: { op: "path", at: "$.who" },
          body: {
            kind: "branch",
            cond: { op: "eq", lhs: { op: "path", at: "$.who" }, rhs: { op: "lit", value: "writer" } },
            // biome-ignore lint/suspicious/noThenProperty: the language's own field name, and no promise.
            then: step("writer"),
            else: step("editor"),
          },
          join: "all",
          out: { op: "path", at: "$.all" },
        },
      ],
    ),
    operators: [{ name: "left" }, { name: "right" }],
  };

  it("has to name a seat where there are several", async () => {
    const run = await errand.served.launch(document);
    const order = { runId: run.runId, sessionId: errand.joined.session.sessionId, description: "to work" };
    await expect(errand.served.host.operators.acquire(order)).rejects.toMatchObject({ code: "seat_required" });
    await run.cancel({ reason: "enough", by: "test" });
    await run.result;
  });

  it("moves one seat and leaves the other, also where one session holds both", async () => {
    const { host } = errand.served;
    const both = { sessionId: errand.joined.session.sessionId, description: "to work" };
    const compiled = await host.workshop.compile(JSON.parse(JSON.stringify(document)));
    const run = await host.launch(compiled, { seats: { left: both, right: both } });
    const requests = [await errand.next(run), await errand.next(run)];
    const of = (agent: string) =>
      requests.find(({ request }) => request.directive === `do ${agent}`) ?? expect.fail(agent);
    const other = await errand.served.join("another");
    const second = await errand.served.attach(other);
    await host.operators.acquire({
      runId: run.runId,
      seat: "left",
      sessionId: other.session.sessionId,
      description: "x",
    });
    expect(await errand.client.next("withdrawn")).toMatchObject({ id: of("writer").request.id, reason: "taken_over" });
    expect(await of("writer").worker.submit("late")).toMatchObject(refusal(409, "seat_moved"));
    expect((await of("editor").worker.submit("mine")).status).toBe(204);
    const { request: handed } = await second.next("request");
    expect(handed.id).toBe(of("writer").request.id);
    expect((await errand.worker(handed.handle).submit("theirs")).status).toBe(204);
    expect(await run.result).toMatchObject({ status: "done" });
  });
});
