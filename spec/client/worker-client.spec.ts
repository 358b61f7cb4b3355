/** The worker's client against the real routes of a real host: every call, and every way in which it is refused. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WorkerClient } from "../../src/client/index.ts";
import type { RunEvent } from "../../src/host.ts";
import type { Frame } from "../operators/test-client.ts";
import { blueprint, Errand, lua, outside, step } from "../worker-contract/errand.ts";

let errand: Errand;

beforeAll(async () => {
  errand = await Errand.start();
});
afterEach(() => expect(errand.served.defects).toEqual([]));
afterAll(() => errand[Symbol.asyncDispose]());

const clientOf = (credential: string): WorkerClient => new WorkerClient({ url: errand.served.url, credential });

/** Takes one step of an agent; the client shows its handle, or its token. */
async function taken(agent: object, options: { readonly inDirectory?: boolean; readonly as?: "token" } = {}) {
  const { run, request } = await errand.step(agent, options);
  return { run, request, client: clientOf(options.as === "token" ? request.token : request.handle) };
}

/** Gives the seat of a run to somebody else; the request as that one gets it. */
async function takenOver(runId: string): Promise<Frame["request"]> {
  const other = await errand.served.join("another");
  const attached = await errand.served.attach(other);
  await errand.served.seat(runId, other);
  return (await attached.next("request")).request;
}

const text = (words: string) => ({ answer: { text: words } });
const refused = (status: number, code: string) => ({ name: "ClientError", status, code, retryable: false });

describe("a worker's client fetches", () => {
  it.each([undefined, "token"] as const)("what is asked, showing its handle or its %s", async (as) => {
    const { client } = await taken(outside("writer"), as === undefined ? {} : { as });
    expect(await client.prompt()).toMatchObject({
      agent: "writer",
      attempt: 1,
      system: "You are writer.",
      prompt: "do writer",
      context: { steps: [] },
      answer: { verdicts: ["pass", "blocked", "skip"], format: "lenient" },
    });
  });

  it("a long system prompt from where it is kept", async () => {
    const long = "ü".repeat(20_000);
    const { client } = await taken(outside("writer", { profile: { system_prompt: long } }));
    const payload = await client.prompt();
    expect(payload.system).toBe(long);
    expect(payload).not.toHaveProperty("system_ref");
  });

  it("earlier outputs by their names, and is told where there is none", async () => {
    const agents = [lua("planner", 'return { plan = { "a" } }'), outside("writer")];
    const run = await errand.launch(blueprint(agents, [step("planner"), step("writer")]));
    const { request } = await errand.next(run);
    const client = clientOf(request.handle);
    const [pointer] = (await client.prompt()).context.steps;
    expect(await client.output(pointer?.name ?? "")).toEqual({ plan: ["a"] });
    await expect(client.output("nobody/..#?")).rejects.toMatchObject(refused(404, "output_unknown"));
  });
});

describe("a worker's client submits", () => {
  it("text, twice alike, and is told of another answer", async () => {
    const { run, client } = await taken(outside("writer"));
    await client.submit(text("done"));
    await client.submit(text("done"));
    expect(await run.result).toMatchObject({ status: "done", ctx: { writer: "done" } });
    await client.submit(text("done"));
    const conflict = refused(409, "submission_conflict");
    await expect(client.submit(text("other"))).rejects.toMatchObject(conflict);
    await expect(client.submit({ ...text("done"), verdict: "blocked" })).rejects.toMatchObject(conflict);
    await expect(client.submit({ answer: { value: "done" } })).rejects.toMatchObject(conflict);
  });

  it("two answers at once, of which one counts", async () => {
    const { run, client } = await taken(outside("writer"));
    const both = await Promise.allSettled([client.submit(text("one")), client.submit(text("two"))]);
    const [lost] = both.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(lost).toMatchObject(refused(409, "submission_conflict"));
    const won = both[0].status === "fulfilled" ? "one" : "two";
    expect(await run.result).toMatchObject({ ctx: { writer: won } });
  });

  it.each([
    [{ plan: [1, "two"] }, { plan: [1, "two"] }],
    [null, null],
    ["plain", "plain"],
    ["[1]", [1]],
  ])("the value %j, which becomes %j", async (value, expected) => {
    const { run, client } = await taken(outside("writer"));
    await client.submit({ answer: { value } });
    expect(await run.result).toMatchObject({ ctx: { writer: expected } });
    await client.submit({ answer: { value } });
  });

  it.each(["text", "value"] as const)("a verdict beside a %s", async (form) => {
    const answer = form === "text" ? { text: "no" } : { value: "no" };
    const blocked = await taken(outside("writer"));
    await blocked.client.submit({ answer, verdict: "blocked" });
    expect(await blocked.run.result).toMatchObject({ status: "failed" });
    const skipped = await taken(outside("writer"));
    await skipped.client.submit({ answer, verdict: "skip" });
    expect(await skipped.run.result).toMatchObject({ status: "done", ctx: {} });
  });

  it("what breaks the verdict contract, is told what is allowed, and mends it", async () => {
    const verdict = { channel: "body", values: ["PASS", "BLOCKED"] };
    const { run, client } = await taken(outside("judge", { verdict }));
    const broken = client.submit(text("MAYBE"));
    await expect(broken).rejects.toMatchObject(refused(422, "verdict_rejected"));
    await expect(broken).rejects.toThrow(/MAYBE.*PASS.*BLOCKED/u);
    await client.submit(text("PASS"));
    expect(await run.result).toMatchObject({ ctx: { judge: "PASS" } });
  });

  it("what is not of the form wanted, and is told so", async () => {
    const { client } = await taken(outside("writer", { meta: { ctx: { submit_format: "json" } } }));
    await expect(client.submit(text("prose"))).rejects.toMatchObject(refused(422, "submit_format"));
  });

  it("what is too large, and is told so, however large", async () => {
    const { run, client } = await taken(outside("writer"));
    for (const size of [2 * 1024 * 1024 + 1, 24 * 1024 * 1024]) {
      await expect(client.submit(text("x".repeat(size)))).rejects.toMatchObject(refused(413, "body_too_large"));
      await expect(client.artifact("notes", "x".repeat(size))).rejects.toMatchObject(refused(413, "body_too_large"));
    }
    await client.submit(text("small"));
    expect(await run.result).toMatchObject({ ctx: { writer: "small" } });
  });

  it("a file below the work directory, and none elsewhere", async () => {
    await mkdir(join(errand.workDir, "out"));
    await writeFile(join(errand.workDir, "out/answer.md"), "from a file\n");
    const agent = outside("writer", { meta: { ctx: { allow_file_submit: true } } });
    const { run, client } = await taken(agent, { inDirectory: true });
    expect((await client.prompt()).answer.file_submit).toBe(true);
    await expect(client.submit(text("@file:/etc/passwd"))).rejects.toMatchObject(refused(403, "file_refused"));
    await expect(client.submit(text(`@file:${errand.workDir}/../up`))).rejects.toMatchObject(
      refused(403, "file_refused"),
    );
    await expect(client.submit(text(`@file:${errand.workDir}/none`))).rejects.toMatchObject(
      refused(404, "file_missing"),
    );
    await expect(client.artifact("copy", "@file:/etc/passwd")).rejects.toMatchObject(refused(403, "file_refused"));
    await client.artifact("copy", `@file:${errand.workDir}/out/answer.md`);
    await client.submit(text(`@file:${errand.workDir}/out/answer.md`));
    expect(await run.result).toMatchObject({ ctx: { writer: { out: "from a file", parts: { copy: "from a file" } } } });
    const plain = await taken(outside("writer"), { inDirectory: true });
    await expect(plain.client.submit(text(`@file:${errand.workDir}/out/answer.md`))).rejects.toMatchObject(
      refused(403, "file_refused"),
    );
  });

  it("after a takeover, and is refused with everything it tries", async () => {
    const { run, client } = await taken(outside("writer"));
    const next = await takenOver(run.runId);
    const moved = refused(409, "seat_moved");
    await expect(client.prompt()).rejects.toMatchObject(moved);
    await expect(client.submit(text("late"))).rejects.toMatchObject(moved);
    await expect(client.submit({ answer: { value: 1 } })).rejects.toMatchObject(moved);
    await expect(client.artifact("notes", "late")).rejects.toMatchObject(moved);
    await expect(client.stats({ worker_kind: "late" })).rejects.toMatchObject(moved);
    await clientOf(next.handle).submit(text("mine"));
    expect(await run.result).toMatchObject({ ctx: { writer: "mine" } });
  });

  it("after the run was cancelled, and is told to stop", async () => {
    const { run, client } = await taken(outside("writer"));
    await run.cancel({ reason: "enough", by: "test" });
    await run.result;
    await expect(client.submit(text("late"))).rejects.toMatchObject({ status: 410 });
    await expect(client.submit({ answer: { value: "late" } })).rejects.toMatchObject({ status: 410 });
    await expect(client.prompt()).rejects.toMatchObject(refused(410, "token_revoked"));
    await expect(client.progress([{ type: "progress", stage: "late" }])).rejects.toMatchObject({ status: 410 });
  });
});

describe("a worker's client reports", () => {
  it("parts, stats and degradations, which stand in the step's completion", async () => {
    const { run, client } = await taken(outside("writer"));
    const degradation = { tool: "search", error: "refused", fallback: "guessed", note: "twice" };
    await client.artifact("summary", "first");
    await client.artifact("summary", "short");
    await client.degradation(degradation);
    await client.degradation(degradation);
    await client.stats({
      worker_kind: "coder",
      model: "m1",
      usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
    });
    await client.submit(text("long"));
    expect(await run.result).toMatchObject({ ctx: { writer: { out: "long", parts: { summary: "short" } } } });
    const journal = await errand.served.host.journal(run.runId);
    expect(journal.map(({ entry }) => entry).find(({ type }) => type === "step_completed")).toMatchObject({
      degradations: [degradation],
      stats: { worker_kind: "coder", model: "m1", usage: { total_tokens: 7 } },
    });
  });

  it("its progress while it works", async () => {
    const { run, client } = await taken(outside("writer"));
    const told: RunEvent[] = [];
    errand.served.host.observe(run.runId, (event) => told.push(event));
    const events = [
      { type: "progress", stage: "reading", note: "n" },
      { type: "partial", chunk: "two\nlines" },
    ] as const;
    expect(await client.progress(events)).toEqual({ events: 2, dropped: 0 });
    expect(told.flatMap((event) => (event.type === "step_event" ? [event.event] : []))).toEqual(events);
  });

  it("progress that is none, and is told the line while it is still speaking", async () => {
    const { client } = await taken(outside("writer"));
    const forever = async function* () {
      yield { type: "progress", stage: "fine" } as const;
      for (;;) yield { type: "progress", stage: "" } as const;
    };
    await expect(client.progress(forever())).rejects.toMatchObject(refused(422, "report_invalid"));
  });

  it("with a token that it renews, and not with a handle", async () => {
    const { run, client } = await taken(outside("writer"), { as: "token" });
    await client.renew();
    await client.submit(text("done"));
    expect(await run.result).toMatchObject({ ctx: { writer: "done" } });
    const handled = await taken(outside("writer"));
    await expect(handled.client.renew()).rejects.toMatchObject(refused(403, "never_widens"));
  });

  it("with a wrong credential, which no error shows", async () => {
    const handle = `wh-${"0".repeat(32)}`;
    const error = await clientOf(handle)
      .prompt()
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject(refused(401, "unauthorized"));
    expect(String(error)).not.toContain(handle);
  });
});
