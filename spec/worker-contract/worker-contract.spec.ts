/** The worker contract over HTTP: real requests of real runs, a real port, a real database. */
import { mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { narrow } from "../../src/capability/index.ts";
import type { RunEvent } from "../../src/host.ts";
import { CREDENTIAL } from "../operators/served-host.ts";
import { blueprint, Errand, lua, outside, step } from "./errand.ts";

let errand: Errand;

beforeAll(async () => {
  errand = await Errand.start();
});
afterEach(() => expect(errand.served.defects).toEqual([]));
afterAll(() => errand[Symbol.asyncDispose]());

/** A refusal, as a problem document. */
const refusal = (status: number, code: string) => ({ status, body: { status, code, type: expect.any(String) } });

describe("fetching a step", () => {
  it("tells what is asked, by which rules, and for how long", async () => {
    const agent = outside("writer", {
      meta: { ctx: { tone: "dry", allow_file_submit: true } },
      verdict: { channel: "body", values: ["YES", "NO"] },
      policy: { timeout_ms: 60_000 },
    });
    const { request, worker } = await errand.step(agent, { inDirectory: true });
    const { status, body, headers } = await worker.prompt();
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toMatchObject({
      key: "0",
      attempt: 1,
      agent: "writer",
      seat: "main",
      system: "You are writer.",
      prompt: "do writer",
      context: { work_dir: errand.workDir, extra: { tone: "dry" }, steps: [] },
      deadline: expect.any(Number),
      answer: {
        verdicts: ["pass", "blocked", "skip"],
        format: "lenient",
        contract: { channel: "body", values: ["YES", "NO"] },
        file_submit: true,
      },
      limits: { body_bytes: 2 * 1024 * 1024, parts: 64 },
      problems: [],
    });
    expect(body).not.toHaveProperty("system_ref");
    expect((await worker.prompt(`?task_id=${body.task_id}&attempt=1`)).body).toEqual(body);
    expect(await worker.prompt("?task_id=ST-0000000000000000")).toMatchObject(refusal(403, "wrong_binding"));
    expect(await worker.prompt("?attempt=2")).toMatchObject(refusal(403, "wrong_binding"));
    expect((await errand.worker(request.token).prompt()).body).toEqual(body);
  });

  it("gives a structured directive as JSON, and no system prompt where there is none", async () => {
    const agent = outside("plain", { profile: undefined });
    const run = await errand.launch(blueprint([agent], [step("plain", { n: [1, "two"] })]));
    const { worker } = await errand.next(run);
    const { body } = await worker.prompt();
    expect(body.prompt).toBe('{"n":[1,"two"]}');
    expect(body).not.toHaveProperty("system");
    expect(await worker.ask("GET", "/v1/worker/prompt/system")).toMatchObject(refusal(404, "system_none"));
  });

  it("gives a long system prompt by reference, with its digest", async () => {
    const long = "ü".repeat(13_000);
    const { worker } = await errand.step(outside("writer", { profile: { system_prompt: long } }));
    const { body } = await worker.prompt();
    expect(body).not.toHaveProperty("system");
    expect(body.system_ref).toMatchObject({
      mode: "http",
      size_bytes: 26_000,
      sha256: expect.stringMatching(/^\w{64}$/u),
    });
    const system = await worker.ask("GET", body.system_ref.uri);
    expect(system.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(system.text).toBe(long);
    expect(await worker.ask("GET", "/v1/worker/prompt/system?task_id=ST-1")).toMatchObject(
      refusal(403, "wrong_binding"),
    );
  });
});

describe("earlier outputs", () => {
  const planner = lua("planner", 'return { plan = { "a", "b" } }');
  const critic = lua("critic", 'return "fine"', { meta: { projection_name: "review-final" } });
  const flow = [step("planner"), step("critic"), step("writer"), step("editor")];
  const launched = async (policy: object | undefined, options = {}) => {
    const agents = [
      planner,
      critic,
      outside("writer", policy && { meta: { context_policy: policy } }),
      outside("editor"),
    ];
    const run = await errand.launch(blueprint(agents, flow), options);
    return { run, ...(await errand.next(run)) };
  };

  it("are pointed to by name, size and digest, never by content, and can be read", async () => {
    const { run, worker } = await launched(undefined);
    const { body, text } = await worker.prompt();
    expect(body.context.steps.map(({ name }: { name: string }) => name)).toEqual(["planner", "review-final"]);
    expect(text).not.toContain("fine");
    const [pointer] = body.context.steps;
    const content = await worker.ask("GET", pointer.content_url);
    expect(content.body).toEqual({ plan: ["a", "b"] });
    expect(Buffer.byteLength(content.text)).toBe(pointer.size_bytes);
    expect(content.headers.get("etag")).toBe(`"sha256:${pointer.sha256}"`);
    expect((await worker.ask("GET", "/v1/worker/outputs/critic")).body).toBe("fine");
    expect(await worker.submit("mine")).toMatchObject({ status: 204 });
    const { worker: editor } = await errand.next(run);
    expect((await editor.prompt()).body.context.steps.map(({ name }: { name: string }) => name)).toEqual([
      "planner",
      "review-final",
      "writer",
    ]);
    expect((await editor.ask("GET", "/v1/worker/outputs/writer")).body).toBe("mine");
  });

  it.each([
    [{ steps: ["planner"] }, ["planner"]],
    [{ steps: ["critic"] }, ["review-final"]],
    [{ steps: [] }, []],
    [{ steps: ["planner", "critic"], steps_exclude: ["review-final"] }, ["planner"]],
    [{ steps_exclude: ["planner"] }, ["review-final"]],
  ])("are those that the policy %j shows, and no others can be read", async (policy, shown) => {
    const { worker } = await launched(policy);
    const { body } = await worker.prompt();
    expect(body.context.steps.map(({ name }: { name: string }) => name)).toEqual(shown);
    for (const name of ["planner", "review-final", "critic"]) {
      const answer = await worker.ask("GET", `/v1/worker/outputs/${name}`);
      const canonical = name === "critic" ? "review-final" : name;
      if (shown.includes(canonical as never)) expect(answer.status).toBe(200);
      else expect(answer).toMatchObject(refusal(404, "output_unknown"));
    }
  });

  it("never are the agent's own, nor another run's", async () => {
    const { worker } = await launched(undefined);
    for (const name of ["writer", "editor", "__proto__", "../planner", "nothing"])
      expect(await worker.ask("GET", `/v1/worker/outputs/${encodeURIComponent(name)}`)).toMatchObject(
        refusal(404, "output_unknown"),
      );
    const agents = [outside("loner"), lua("planner", "return 1")];
    const other = await errand.launch(blueprint(agents, [step("loner"), step("planner")]));
    const { worker: loner } = await errand.next(other);
    expect((await loner.prompt()).body.context.steps).toEqual([]);
    expect(await loner.ask("GET", "/v1/worker/outputs/planner")).toMatchObject(refusal(404, "output_unknown"));
  });

  it("name their file where there is one, and say where one is missing", async () => {
    const { worker } = await launched(undefined, { inDirectory: true });
    const [planned] = (await worker.prompt()).body.context.steps;
    expect(planned.file_path.startsWith(join(errand.workDir, "workspace/tasks/"))).toBe(true);
    expect(await readFile(planned.file_path, "utf8")).toContain('"plan"');
    await rename(planned.file_path, join(errand.workDir, "moved"));
    await symlink(join(errand.workDir, "moved"), planned.file_path);
    const { body } = await worker.prompt();
    expect(body.context.steps[0]).not.toHaveProperty("file_path");
    expect(body.problems).toMatchObject([{ code: "file_missing", message: expect.stringContaining("planner") }]);
  });

  it("are after a restart what they were before: the same names, bytes and digests", async () => {
    await using own = await Errand.start();
    const run = await own.launch(blueprint([planner, critic, outside("writer")], flow.slice(0, 3)));
    const { request, worker } = await own.next(run);
    const seen = async (by: typeof worker): Promise<readonly unknown[]> => {
      const { steps } = (await by.prompt()).body.context;
      const contents = await Promise.all(
        steps.map(({ content_url }: { content_url: string }) => by.ask("GET", content_url)),
      );
      return [steps, contents.map(({ text, headers }) => [text, headers.get("etag")])];
    };
    const before = await seen(worker);
    expect(before[0]).toHaveLength(2);
    await own.served.stop();
    await own.served.start();
    const resumed = own.worker(request.handle);
    // The address of the host is another, its paths are not.
    const after = await seen(resumed);
    expect(after[1]).toEqual(before[1]);
    const named = (steps: unknown): unknown =>
      (steps as Record<string, unknown>[]).map(({ name, sha256, size_bytes }) => [name, sha256, size_bytes]);
    expect(named(after[0])).toEqual(named(before[0]));
    expect((await resumed.submit("done")).status).toBe(204);
  });

  it("are as large as they are, wherever they are stored", async () => {
    const agents = [lua("planner", 'return string.rep("ü", 20000)'), outside("writer")];
    const run = await errand.launch(blueprint(agents, [step("planner"), step("writer")]));
    const { worker } = await errand.next(run);
    const [pointer] = (await worker.prompt()).body.context.steps;
    const content = await worker.ask("GET", pointer.content_url);
    expect(pointer.size_bytes).toBe(40_002);
    expect(Buffer.byteLength(content.text)).toBe(40_002);
    expect(content.headers.get("etag")).toBe(`"sha256:${pointer.sha256}"`);
  });

  it("say what a policy names that there is not", async () => {
    const { worker } = await launched({ steps: ["planner", "nobody"] });
    expect((await worker.prompt()).body.problems).toMatchObject([
      { code: "policy_name_unknown", message: expect.stringContaining("nobody") },
    ]);
  });
});

describe("submitting", () => {
  it("is acknowledged once it is durable, the same again alike, another not", async () => {
    const { run, request, worker } = await errand.step(outside("writer"));
    const first = await worker.submit("done\n");
    expect([first.status, first.text]).toEqual([204, ""]);
    expect(await run.result).toMatchObject({ status: "done", ctx: { writer: "done" } });
    expect((await worker.submit("done")).status).toBe(204);
    expect((await errand.worker(request.token).submit("done")).status).toBe(204);
    expect(await worker.submit("other")).toMatchObject(refusal(409, "submission_conflict"));
    expect(await worker.submit("done", "?ok=false")).toMatchObject(refusal(409, "submission_conflict"));
    for (const path of ["prompt", "prompt/system", "outputs/writer"])
      expect(await worker.ask("GET", `/v1/worker/${path}`)).toMatchObject(refusal(410, "token_revoked"));
    expect(await worker.artifact("late", "x")).toMatchObject(refusal(410, "token_revoked"));
    expect(await worker.post("stats", {})).toMatchObject(refusal(410, "token_revoked"));
  });

  it("of JSON is the value, retried after the run took it too", async () => {
    const { run, worker } = await errand.step(outside("writer", { meta: { ctx: { submit_format: "json" } } }));
    expect((await worker.prompt()).body.answer.format).toBe("json");
    expect(await worker.submit("prose")).toMatchObject(refusal(422, "submit_format"));
    expect((await worker.submit('{"lanes":[1,2]}')).status).toBe(204);
    expect(await run.result).toMatchObject({ ctx: { writer: { lanes: [1, 2] } } });
    expect((await worker.submit('{"lanes":[1,2]}')).status).toBe(204);
  });

  it.each([
    ["text", '{"a":1}', '{"a":1}'],
    [undefined, '{"a":1}', { a: 1 }],
    [undefined, "```json\n[1]\n```", [1]],
    [undefined, "prose {", "prose {"],
    ["yaml", "a: 1", "a: 1"],
  ])("with the format %s takes %j as %j", async (format, sent, value) => {
    const meta = format === undefined ? {} : { meta: { ctx: { submit_format: format } } };
    const { run, worker } = await errand.step(outside("writer", meta));
    expect((await worker.submit(sent)).status).toBe(204);
    expect(await run.result).toMatchObject({ ctx: { writer: value } });
  });

  it.each([
    ["?verdict=pass", "done", undefined],
    ["?ok=true", "done", undefined],
    ["?verdict=skip", "skip", undefined],
    ["?verdict=blocked", "blocked", undefined],
    ["?ok=false", "blocked", undefined],
    ["?verdict=pass&ok=false", undefined, "verdict_conflict"],
    ["?verdict=blocked&ok=true", undefined, "verdict_conflict"],
    ["?verdict=skip&ok=false", undefined, "verdict_conflict"],
    ["?verdict=maybe", undefined, "verdict_conflict"],
    ["?ok=yes", undefined, "bad_request"],
    ["?ok=true&ok=false", undefined, "bad_request"],
    ["?okay=true", undefined, "bad_request"],
  ])("%s comes to %s or is refused with %s", async (query, end, code) => {
    const { run, worker } = await errand.step(outside("writer"));
    const answer = await worker.submit("said", query);
    if (code !== undefined) {
      expect(answer).toMatchObject(refusal(400, code));
      await run.cancel({ reason: "refused", by: "test" });
    } else expect(answer.status).toBe(204);
    const result = await run.result;
    if (end === "done") expect(result).toMatchObject({ status: "done", ctx: { writer: "said" } });
    if (end === "skip") expect(result).toMatchObject({ status: "done", ctx: {} });
    if (end === "blocked") expect(result).toMatchObject({ status: "failed" });
  });

  it("keeps to the verdict contract, and may be mended", async () => {
    const verdict = { channel: "body", values: ["PASS", "BLOCKED"] };
    const { run, worker } = await errand.step(outside("judge", { verdict }));
    const refused = await worker.submit("MAYBE");
    expect(refused).toMatchObject(refusal(422, "verdict_rejected"));
    expect(refused.body.detail).toMatch(/MAYBE.*PASS.*BLOCKED/u);
    expect((await worker.submit("PASS")).status).toBe(204);
    expect(await run.result).toMatchObject({ ctx: { judge: "PASS" } });
  });

  it("exempts what is blocked or skipped from the verdict contract", async () => {
    const verdict = { channel: "body", values: ["PASS"] };
    for (const query of ["?ok=false", "?verdict=skip"]) {
      const { run, worker } = await errand.step(outside("judge", { verdict }));
      expect((await worker.submit("MAYBE", query)).status).toBe(204);
      await run.result;
    }
  });

  it("as a JSON value takes it as it is", async () => {
    const { run, worker } = await errand.step(outside("writer"));
    const { task_id } = (await worker.prompt()).body;
    expect(await worker.post("result", { value: 1, task_id: "ST-1" })).toMatchObject(refusal(403, "wrong_binding"));
    expect(await worker.post("result", { value: 1, attempt: 2 })).toMatchObject(refusal(403, "wrong_binding"));
    expect(await worker.post("result", { ok: true })).toMatchObject(refusal(422, "report_invalid"));
    expect((await worker.post("result", { task_id, value: "[1]", ok: true, attempt: 1 })).status).toBe(204);
    expect((await worker.post("result", { value: "[1]" })).status).toBe(204);
    expect(await run.result).toMatchObject({ status: "done" });
  });

  it("refuses what is too large, and what is no text, and changes nothing", async () => {
    const { run, worker } = await errand.step(outside("writer"));
    expect(await worker.submit("x".repeat(2 * 1024 * 1024 + 1))).toMatchObject(refusal(413, "body_too_large"));
    expect(await worker.submit(Uint8Array.from([0xff, 0xfe]))).toMatchObject(refusal(422, "submission_not_text"));
    expect((await worker.submit("x".repeat(2 * 1024 * 1024))).status).toBe(204);
    expect(await run.result).toMatchObject({ status: "done" });
  });

  it("takes an empty body, and any content type", async () => {
    const empty = await errand.step(outside("writer"));
    expect((await empty.worker.submit("")).status).toBe(204);
    expect(await empty.run.result).toMatchObject({ ctx: { writer: "" } });
    const typed = await errand.step(outside("writer"));
    const headers = { "content-type": "application/json" };
    expect((await typed.worker.ask("POST", "/v1/worker/submit", "not JSON", headers)).status).toBe(204);
    expect(await typed.run.result).toMatchObject({ ctx: { writer: "not JSON" } });
  });

  it("reads a file below the work directory where the step allows it, and no other", async () => {
    await writeFile(join(errand.workDir, "answer.md"), "from a file\n");
    await mkdir(join(errand.workDir, "sub"));
    const closed = await errand.step(outside("writer"), { inDirectory: true });
    const named = `@file:${join(errand.workDir, "answer.md")}`;
    expect(await closed.worker.submit(named)).toMatchObject(refusal(403, "file_refused"));
    for (const flag of ["true", 1, false]) {
      const agent = outside("writer", { meta: { ctx: { allow_file_submit: flag } } });
      const { worker } = await errand.step(agent, { inDirectory: true });
      expect(await worker.submit(named)).toMatchObject(refusal(403, "file_refused"));
    }
    const agent = outside("writer", { meta: { ctx: { allow_file_submit: true } } });
    const placeless = await errand.step(agent);
    expect(await placeless.worker.submit(named)).toMatchObject(refusal(403, "file_refused"));
    const { run, worker } = await errand.step(agent, { inDirectory: true });
    expect(await worker.submit("@file:/etc/passwd")).toMatchObject(refusal(403, "file_refused"));
    expect(await worker.submit("@file:answer.md")).toMatchObject(refusal(422, "file_invalid"));
    expect(await worker.submit(`@file:${join(errand.workDir, "sub")}`)).toMatchObject(refusal(422, "file_invalid"));
    expect(await worker.submit(`@file:${join(errand.workDir, "none")}`)).toMatchObject(refusal(404, "file_missing"));
    expect((await worker.artifact("copy", named)).status).toBe(204);
    expect((await worker.submit(named)).status).toBe(204);
    expect(await run.result).toMatchObject({ ctx: { writer: { out: "from a file", parts: { copy: "from a file" } } } });
    expect(await worker.submit(named)).toMatchObject(refusal(410, "request_closed"));
  });
});

describe("parts", () => {
  it("stand beside the answer, the last of a name", async () => {
    const { run, worker } = await errand.step(outside("writer"), { inDirectory: true });
    for (const [name, text] of [
      ["summary", "first"],
      ["summary", "short"],
      ["diff", '{"lines":3}'],
      ["__proto__", "plain"],
    ] as const)
      expect((await worker.artifact(name, text)).status).toBe(204);
    expect((await worker.submit("text")).status).toBe(204);
    const { ctx } = (await run.result) as unknown as { ctx: { writer: { parts: Record<string, unknown> } } };
    expect(Object.entries(ctx.writer.parts)).toEqual([
      ["summary", "short"],
      ["diff", { lines: 3 }],
      ["__proto__", "plain"],
    ]);
  });

  it.each(["", " ", "..", "../evil.md", "a/b", "a\\b", "a\0b", "\u202egpj", "x".repeat(300)])(
    "are not called %j",
    async (name) => {
      const { worker } = await errand.step(outside("writer"));
      expect(await worker.artifact(name, "x")).toMatchObject(refusal(400, "part_name"));
    },
  );

  it("must be named", async () => {
    const { worker } = await errand.step(outside("writer"));
    expect(await worker.ask("POST", "/v1/worker/artifact", "x")).toMatchObject(refusal(400, "bad_request"));
  });

  it("called verdict keep to a part contract, at staging and at the answer", async () => {
    const verdict = { channel: "part", values: ["GO", "STOP"] };
    const { run, worker } = await errand.step(outside("judge", { verdict }));
    expect(await worker.submit("report")).toMatchObject(refusal(422, "verdict_rejected"));
    expect(await worker.artifact("verdict", "PERHAPS")).toMatchObject(refusal(422, "verdict_rejected"));
    expect((await worker.artifact("notes", "PERHAPS")).status).toBe(204);
    expect((await worker.artifact("verdict", "GO")).status).toBe(204);
    expect((await worker.submit("report")).status).toBe(204);
    expect(await run.result).toMatchObject({ ctx: { judge: { out: "report", parts: { verdict: "GO" } } } });
    expect((await worker.submit("report")).status).toBe(204);
  });

  it("are at most 64", async () => {
    const { worker } = await errand.step(outside("writer"));
    for (let index = 0; index < 64; index += 1) expect((await worker.artifact(`p${index}`, "x")).status).toBe(204);
    expect(await worker.artifact("one more", "x")).toMatchObject(refusal(413, "material_full"));
    expect((await worker.artifact("p0", "again")).status).toBe(204);
  });
});

describe("reports", () => {
  const degradation = { tool: "search", error: "refused", fallback: "guessed", note: null };

  it("are in the step's completion, whatever its end", async () => {
    for (const [query, outcome] of [
      ["", "pass"],
      ["?ok=false", "blocked"],
    ]) {
      const { run, worker } = await errand.step(outside("writer"));
      expect((await worker.post("degradation", degradation)).status).toBe(204);
      expect((await worker.post("degradation", degradation)).status).toBe(204);
      expect((await worker.post("degradation", { ...degradation, tool: "grep" })).status).toBe(204);
      expect((await worker.post("stats", { model: "m1" })).status).toBe(204);
      const usage = { input_tokens: 10, output_tokens: 4, total_tokens: null };
      expect((await worker.post("stats", { model: "m2", usage, num_turns: 2, worker_kind: null })).status).toBe(204);
      await worker.submit("said", query);
      await run.result;
      const journal = await errand.served.host.journal(run.runId);
      const completed = journal.map(({ entry }) => entry).find(({ type }) => type === "step_completed");
      expect(completed).toMatchObject({
        outcome,
        degradations: [
          { tool: "search", error: "refused", fallback: "guessed" },
          { tool: "grep", error: "refused", fallback: "guessed" },
        ],
        stats: { worker_kind: "operator", model: "m2", usage: { total_tokens: 14 }, num_turns: 2 },
      });
    }
  });

  it("survive the host", async () => {
    await using errand = await Errand.start();
    const { run, request, worker } = await errand.step(outside("writer"));
    await worker.post("degradation", degradation);
    await worker.artifact("notes", "n");
    await errand.served.stop();
    await errand.served.start();
    const again = errand.worker(request.handle);
    expect((await again.prompt()).body.prompt).toBe("do writer");
    expect((await again.submit("done")).status).toBe(204);
    const result = await (await errand.served.host.attach(run.runId)).result;
    expect(result).toMatchObject({ ctx: { writer: { out: "done", parts: { notes: "n" } } } });
    const journal = await errand.served.host.journal(run.runId);
    expect(JSON.stringify(journal)).toContain('"tool":"search"');
  });

  it.each([
    ["stats", "[]"],
    ["stats", '{"num_turns":-1}'],
    ["stats", '{"turns":1}'],
    ["degradation", '{"tool":"t"}'],
    ["degradation", "{"],
    ["degradation", ""],
    ["result", '{"ok":true}'],
  ])("to %s that are %s are refused", async (route, body) => {
    const { worker } = await errand.step(outside("writer"));
    expect(await worker.ask("POST", `/v1/worker/${route}`, body)).toMatchObject(refusal(422, "report_invalid"));
  });
});

describe("progress", () => {
  it("is told to whoever watches, line by line", async () => {
    const { run, worker } = await errand.step(outside("writer"));
    const told: RunEvent[] = [];
    errand.served.host.observe(run.runId, (event) => told.push(event));
    const lines = ['{"type":"progress","stage":"reading"}', "", '{"type":"partial","chunk":"abc"}'];
    const stream = new ReadableStream({
      start(controller) {
        for (const line of lines) controller.enqueue(new TextEncoder().encode(`${line}\n`));
        controller.close();
      },
    });
    const answer = await worker.ask("POST", "/v1/worker/progress", stream, { "content-type": "application/x-ndjson" });
    expect(answer).toMatchObject({ status: 200, body: { events: 2, dropped: 0 } });
    expect(told.filter(({ type }) => type === "step_event")).toMatchObject([
      { key: "0", attempt: 1, event: { type: "progress", stage: "reading" } },
      { event: { type: "partial", chunk: "abc" } },
    ]);
    const one = await worker.post("progress", { type: "progress", stage: "s", note: "n" });
    expect(one.body).toEqual({ events: 1, dropped: 0 });
  });

  it("names the line that is wrong", async () => {
    const { worker } = await errand.step(outside("writer"));
    const body = '{"type":"progress","stage":"s"}\nnonsense\n';
    const answer = await worker.ask("POST", "/v1/worker/progress", body);
    expect(answer).toMatchObject(refusal(422, "report_invalid"));
    expect(answer.body.detail).toContain("line 2");
    expect(await worker.ask("POST", "/v1/worker/progress", "x".repeat(20_000))).toMatchObject(
      refusal(422, "report_invalid"),
    );
  });
});

describe("credentials", () => {
  it("are needed, must be a worker's, and are worth their attempt alone", async () => {
    const { run, request, worker } = await errand.step(outside("writer"));
    const routes = [
      ["GET", "prompt"],
      ["GET", "prompt/system"],
      ["GET", "outputs/x"],
      ["POST", "submit"],
      ["POST", "artifact?name=x"],
      ["POST", "result"],
      ["POST", "stats"],
      ["POST", "degradation"],
      ["POST", "progress"],
      ["POST", "token"],
    ] as const;
    for (const [method, route] of routes) {
      const ask = (bearer: string) =>
        errand.worker(bearer).ask(method, `/v1/worker/${route}`, method === "GET" ? undefined : "x");
      expect(await ask(`wh-${"0".repeat(32)}`)).toMatchObject(refusal(401, "unauthorized"));
      expect(await ask(`${request.token}x`)).toMatchObject({ status: 401 });
      expect((await ask(CREDENTIAL)).status).toBe(403);
      expect((await ask(errand.joined.secret)).status).toBe(403);
    }
    expect((await worker.prompt()).status).toBe(200);
    await run.cancel({ reason: "enough", by: "test" });
    await run.result;
    for (const [method, route] of routes)
      expect((await worker.ask(method, `/v1/worker/${route}`, method === "GET" ? undefined : "x")).status).toBe(410);
  });

  it("of a seat that has moved are refused, and the next holder's take their place", async () => {
    const { run, request, worker } = await errand.step(outside("writer"));
    await worker.artifact("notes", "of the first");
    const other = await errand.served.join("another");
    const second = await errand.served.attach(other);
    await errand.served.seat(run.runId, other);
    const { request: again } = await second.next("request");
    expect(again.handle).not.toBe(request.handle);
    for (const bearer of [request.handle, request.token]) {
      const displaced = errand.worker(bearer);
      expect(await displaced.prompt()).toMatchObject(refusal(409, "seat_moved"));
      expect(await displaced.submit("late")).toMatchObject(refusal(409, "seat_moved"));
      expect(await displaced.artifact("late", "x")).toMatchObject(refusal(409, "seat_moved"));
      expect(await displaced.post("token", {})).toMatchObject(refusal(409, "seat_moved"));
    }
    expect((await errand.worker(again.handle).submit("mine")).status).toBe(204);
    expect(await run.result).toMatchObject({ ctx: { writer: { out: "mine", parts: { notes: "of the first" } } } });
  });

  it("narrowed to one artifact stage that one and nothing else", async () => {
    const { request } = await errand.step(outside("writer"));
    const token = narrow(request.token, { verbs: ["emit_output"], artifact: "notes" });
    const worker = errand.worker(token);
    expect((await worker.artifact("notes", "n")).status).toBe(204);
    expect(await worker.artifact("other", "n")).toMatchObject(refusal(403, "wrong_binding"));
    expect(await worker.submit("x")).toMatchObject(refusal(403, "verb_denied"));
    expect(await worker.prompt()).toMatchObject(refusal(403, "verb_denied"));
    expect(await worker.post("degradation", {})).toMatchObject(refusal(403, "wrong_binding"));
    expect(await worker.post("token", {})).toMatchObject({ status: 403 });
  });

  it("are made out again without a wider reach", async () => {
    const { request, worker } = await errand.step(outside("writer"));
    const renewed = await errand.worker(request.token).post("token", {});
    expect(renewed).toMatchObject({ status: 200, body: { expires_at: expect.any(Number) } });
    const again = errand.worker(renewed.body.token);
    expect((await again.prompt()).status).toBe(200);
    expect(await worker.post("token", {})).toMatchObject(refusal(403, "never_widens"));
    const narrowed = narrow(request.token, { verbs: ["fetch_prompt", "verify_token"] });
    expect(await errand.worker(narrowed).post("token", {})).toMatchObject(refusal(403, "never_widens"));
  });

  it("of an earlier attempt do not reach the next", async () => {
    const agent = outside("writer", { policy: { retry: { max_attempts: 2, backoff_ms: 0 } } });
    const { run, request, worker } = await errand.step(agent);
    await errand.client.ask({ type: "error", id: request.id, message: "not today" });
    const { request: next, worker: second } = await errand.next(run);
    expect(next.id).not.toBe(request.id);
    // The operator's error is the answer that the first attempt had.
    expect(await worker.submit("late")).toMatchObject(refusal(409, "submission_conflict"));
    expect((await second.prompt()).body.attempt).toBe(2);
    expect((await second.submit("done")).status).toBe(204);
  });
});
