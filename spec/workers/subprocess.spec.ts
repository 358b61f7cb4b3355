import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { failureOf, makeCall, makeSubprocessHost, resultOf } from "./step-fixture.ts";
import { NODE, type SpecForm, SubprocessFixture } from "./subprocess-fixture.ts";

const here = new SubprocessFixture();

const sh = (script: string): readonly string[] => ["sh", "-c", script];
const js = (script: string): readonly string[] => [NODE, "-e", script];

describe("the spec form", () => {
  it("feeds the prompt to standard input and parses what the program prints", async () => {
    const outcome = await here.runSpec({ program: "cat" }, { input: { echoed: true } });
    expect(outcome).toEqual({
      kind: "pass",
      value: { echoed: true },
      stats: { worker_kind: "subprocess", adapter_data: { exit_code: 0 } },
    });
  });

  it("appends the prompt as the last argument where standard input is not used, and ends that input", async () => {
    const outcome = await here.runSpec(
      { program: "sh", args: ["-c", 'printf "%s|" "$@"; cat', "sh", "first"], useStdin: false },
      { input: "the $prompt" },
    );
    expect(outcome).toMatchObject({ kind: "pass", value: { raw: "first|the $prompt|", stderr: "" } });
  });

  it("passes no shell: metacharacters reach the program as they are", async () => {
    const outcome = await here.runSpec({ program: "printf", args: ["%s", "$(id); `id` > x"], useStdin: true });
    expect(outcome).toMatchObject({ value: { raw: "$(id); `id` > x" } });
  });

  it("gives what is not JSON as raw text beside standard error, and blocks on a non-zero exit", async () => {
    const outcome = await here.runSpec({ program: "sh", args: ["-c", "echo partial; echo why >&2; exit 3"] });
    expect(outcome).toEqual({
      kind: "blocked",
      value: { raw: "partial", stderr: "why\n" },
      stats: { worker_kind: "subprocess", adapter_data: { exit_code: 3 } },
    });
  });

  it("keeps the end of standard error where the value does not show it", async () => {
    const outcome = await here.runSpec({ program: "sh", args: ["-c", "echo 1; echo why >&2; exit 1"] });
    expect(outcome).toMatchObject({
      kind: "blocked",
      value: 1,
      stats: { adapter_data: { exit_code: 1, stderr: "why" } },
    });
  });

  it("names the signal that ended a program", async () => {
    const outcome = await here.runSpec({ program: "sh", args: ["-c", "kill -SEGV $$"] });
    expect(outcome).toMatchObject({
      kind: "blocked",
      value: { raw: "", stderr: "", signal: "SIGSEGV" },
      stats: { adapter_data: { exit_code: null, signal: "SIGSEGV" } },
    });
  });

  it("runs in the step's work directory", async () => {
    const outcome = await here.runSpec({ program: "pwd" }, { context: { work_dir: here.directory } });
    expect(outcome).toMatchObject({ value: { raw: here.directory } });
  });
});

describe("the environment of a child", () => {
  it("holds the allow-listed variables and the step's identity, and nothing else of the host", async () => {
    const print = { program: NODE, args: ["-p", "JSON.stringify(process.env)"] };
    const environment = {
      PATH: "/usr/bin:/bin",
      HOME: "/home/x",
      LC_ALL: "C",
      SECRET_API_KEY: "hush",
      NODE_OPTIONS: "--no-warnings",
    };
    const secretive = makeSubprocessHost({}, { environment });
    try {
      const outcome = await here.runSpec(print, { attempt: 2, key: "2.~1.0" }, secretive);
      const seen = resultOf<Record<string, string>>(outcome);
      expect(seen).toMatchObject({
        PATH: "/usr/bin:/bin",
        HOME: "/home/x",
        LC_ALL: "C",
        MSE_TASK_ID: "ST-00000000000000bb",
        MSE_ATTEMPT: "2",
        MSE_CTX_AGENT: "scout",
        MSE_TOKEN_AGENT_ID: "worker-of-ST-00000000000000bb",
        SWARM_RUN_ID: "R-00000000000000aa",
        SWARM_STEP_KEY: "2.~1.0",
        SWARM_IDEMPOTENCY_KEY: "R-00000000000000aa/2.~1.0/2",
      });
      expect(seen["MSE_TOKEN_NONCE"]).toMatch(/^[0-9a-f]{32}$/);
      expect(Object.keys(seen)).not.toContain("SECRET_API_KEY");
      expect(Object.keys(seen)).not.toContain("NODE_OPTIONS");
      expect(Object.keys(seen)).not.toContain("NODE_CHANNEL_FD");
    } finally {
      await secretive[Symbol.asyncDispose]();
    }
  });

  it("is extended by the template, which may also replace what is there", async () => {
    const outcome = await here.runTemplate({
      argv: sh('printf "%s %s" "$GREETING" "$HOME"'),
      env: { GREETING: "hi {task_id}", HOME: "/elsewhere" },
    });
    expect(outcome).toMatchObject({ value: { raw: "hi ST-00000000000000bb /elsewhere" } });
  });
});

describe("the template form", () => {
  it("fills every placeholder, in arguments, input, environment and directory", async () => {
    const outcome = await here.runTemplate(
      {
        argv: [
          NODE,
          "-e",
          "let s='';process.stdin.on('data',d=>s+=d).on('end',()=>console.log(JSON.stringify([process.argv.slice(1),s,process.env.V,process.cwd()])))",
          "{model}",
          "{tools_csv}",
          "{task_id}#{attempt}",
          '{"task": "{prompt}"}',
          "{unknown}",
        ],
        stdin: "{system}|{prompt}",
        env: { V: "{work_dir}" },
        cwd: "{work_dir}",
        systemPrompt: "You are {{ role }}.",
        model: "small",
        tools: ["Read", "Write"],
      },
      { input: { role: "a {model}" }, context: { work_dir: here.directory } },
    );
    expect(outcome).toMatchObject({
      kind: "pass",
      value: [
        ["small", "Read,Write", "ST-00000000000000bb#1", '{"task": "{"role":"a {model}"}"}', "{unknown}"],
        'You are a {model}.|{"role":"a {model}"}',
        here.directory,
        here.directory,
      ],
    });
  });

  it("hands the rendered system prompt over as a private file that is gone afterwards", async () => {
    const outcome = await here.runTemplate({
      argv: js(
        "const fs=require('fs'),f=process.env.F;console.log(JSON.stringify([fs.readFileSync(f,'utf8'),(fs.statSync(f).mode&0o777).toString(8),fs.readFileSync(0,'utf8')]))",
      ),
      env: { F: "{system_file}" },
      stdin: "{prompt}",
      systemPrompt: "the-system-prompt",
    });
    expect(outcome).toMatchObject({ value: ["the-system-prompt", "600", "go"] });
    expect(await readdir(here.directory)).toEqual([]);
  });

  it.each([
    ["{model}", "profile.model"],
    ["{work_dir}", "work_dir or project_root"],
    ["{system_file}", "an empty system prompt makes no file"],
  ])("refuses %s without a value, and says what to do", async (argument, cure) => {
    const failure = failureOf(await here.runTemplate({ argv: ["echo", argument] }));
    expect(failure).toMatchObject({ code: "subprocess_template", retryable: false });
    expect(failure.message).toContain(argument);
    expect(failure.message).toContain(cure);
    expect(failure.message).toContain("'scout'");
  });

  it("takes an empty system prompt and empty tools as empty text", async () => {
    const outcome = await here.runTemplate({ argv: ["printf", "[%s][%s]", "{system}", "{tools_csv}"] });
    expect(outcome).toMatchObject({ value: { raw: "[][]" } });
  });

  it("resolves a relative cwd below the work directory", async () => {
    const outcome = await here.runTemplate({ argv: ["pwd"], cwd: "." }, { context: { project_root: here.directory } });
    expect(outcome).toMatchObject({ value: { raw: here.directory } });
  });

  it("fails the step where the system prompt does not render", async () => {
    const failure = failureOf(
      await here.runTemplate({ argv: ["echo"], systemPrompt: "Hello {{ nobody }}" }, { input: { name: "x" } }),
    );
    expect(failure).toMatchObject({ code: "prompt_template" });
    expect(failure.message).toContain("'nobody'");
    expect(failure.message).toContain("'name'");
  });

  it("applies the output rules and reports usage", async () => {
    const printed = {
      result: { answer: 42 },
      usage: { prompt_tokens: 10, completion_tokens: 4 },
      model: "m-1",
      turns: 3,
      ok: true,
    };
    const outcome = await here.runTemplate(
      {
        argv: ["sh", "-c", "cat; exit 9"],
        stdin: "{prompt}",
        output: {
          format: "json",
          result_ptr: "/result",
          ok_from: "/ok",
          stats: { usage_ptr: "/usage", model_ptr: "/model", num_turns_ptr: "/turns" },
        },
      },
      { input: printed },
    );
    expect(outcome).toMatchObject({
      kind: "pass",
      value: { answer: 42 },
      stats: {
        worker_kind: "subprocess",
        model: "m-1",
        num_turns: 3,
        usage: { input_tokens: 10, output_tokens: 4, total_tokens: 14 },
        adapter_data: { exit_code: 9, usage_raw: { prompt_tokens: 10, completion_tokens: 4 } },
      },
    });
  });
});

describe("a program that cannot be started", () => {
  it("is named with its directory", async () => {
    const failure = failureOf(
      await here.runSpec({ program: "no-such-program-anywhere" }, { context: { work_dir: here.directory } }),
    );
    expect(failure).toMatchObject({ code: "subprocess_spawn", retryable: false });
    expect(failure.message).toContain("'no-such-program-anywhere'");
    expect(failure.message).toContain(here.directory);
    expect(failure.message).toContain("ENOENT");
  });

  it("tells a missing directory from a missing program", async () => {
    const failure = failureOf(
      await here.runSpec({ program: "true" }, { context: { work_dir: join(here.directory, "gone") } }),
    );
    expect(failure.code).toBe("subprocess_spawn");
    expect(failure.message).toContain("its working directory does not exist");
  });

  it("says so where it may not be executed", async () => {
    const path = join(here.directory, "plain.txt");
    await writeFile(path, "text");
    await chmod(path, 0o644);
    expect(failureOf(await here.runSpec({ program: path })).message).toContain("EACCES");
  });

  it("refuses an argument that no system takes, and advises standard input", async () => {
    const failure = failureOf(
      await here.runSpec({ program: "true", useStdin: false }, { input: "x".repeat(3_000_000) }),
    );
    expect(failure.code).toBe("subprocess_spawn");
    expect(failure.message).toContain("E2BIG");
    expect(failure.message).toContain("standard input");
  });

  it("refuses a NUL in an argument", async () => {
    const failure = failureOf(await here.runSpec({ program: "true", useStdin: false }, { input: "a\0b" }));
    expect(failure.code).toBe("subprocess_spawn");
    expect(failure.message).toContain("null bytes");
  });
});

describe("pipes", () => {
  it("pumps ten megabytes in and out at once", async () => {
    const big = makeSubprocessHost({ stdoutBytes: 32 * 1024 * 1024 });
    try {
      const input = "0123456789".repeat(1_000_000);
      const outcome = await here.runSpec({ program: "cat" }, { input }, big);
      expect(resultOf<{ raw: string }>(outcome).raw === input).toBe(true);
    } finally {
      await big[Symbol.asyncDispose]();
    }
  });

  it("does not mind a program that ends without reading its input", async () => {
    const outcome = await here.runSpec(
      { program: "sh", args: ["-c", "exec 0<&-; echo 7"] },
      { input: "x".repeat(4_000_000) },
    );
    expect(outcome).toMatchObject({ kind: "pass", value: 7 });
  });

  it("drains a flood on standard error and keeps its end", async () => {
    const script = "process.stderr.write('x'.repeat(20e6)+'LAST', () => process.exit(4))";
    const outcome = await here.runSpec({ program: NODE, args: ["-e", script] });
    const { stderr } = resultOf<{ stderr: string }>(outcome);
    expect(outcome.kind).toBe("blocked");
    expect(stderr).toHaveLength(1024 * 1024);
    expect(stderr.endsWith("xLAST")).toBe(true);
  });

  it("replaces what is not UTF-8", async () => {
    const outcome = await here.runSpec({ program: "printf", args: ["ok \\377\\376 end"] });
    expect(outcome).toMatchObject({ value: { raw: "ok \u{FFFD}\u{FFFD} end" } });
  });

  it("does not choke on JSON nested a million deep", async () => {
    const outcome = await here.runSpec({
      program: NODE,
      args: ["-e", "process.stdout.write('['.repeat(1e6)+']'.repeat(1e6))"],
    });
    expect(resultOf<{ raw: string }>(outcome).raw).toHaveLength(2_000_000);
  });

  it("stops a program that prints a gigabyte", async () => {
    const failure = failureOf(await here.runSpec({ program: "sh", args: ["-c", "head -c 1000000000 /dev/zero"] }));
    expect(failure).toMatchObject({ code: "subprocess_output_limit", retryable: false });
    expect(failure.message).toContain("8388608 bytes");
    expect(failure.message).toContain("'sh'");
  });

  it("takes exactly the limit", async () => {
    const outcome = await here.runSpec({ program: "sh", args: ["-c", "head -c 8388608 /dev/zero | tr '\\0' x"] });
    expect(resultOf<{ raw: string }>(outcome).raw).toHaveLength(8_388_608);
  });
});

describe("streaming", () => {
  const printing = (text: string, after = ""): SpecForm["args"] => [
    "-e",
    `process.stdout.write(Buffer.from(${JSON.stringify(Buffer.from(text).toString("base64"))},'base64'));${after}`,
  ];
  const events = [
    { type: "progress", stage: "read", note: "half" },
    { type: "partial", chunk: "täxt" },
    { type: "artifact", name: "plan", content: { kind: "inline", value: '{"a":1}' } },
    { type: "artifact", name: "log", content: { kind: "file_ref", path: "out/log.txt", mime: "text/plain" } },
    { type: "final", content: { kind: "inline", value: "done" }, ok: true },
  ];
  const folded = {
    out: "done",
    parts: { plan: { a: 1 }, log: { file_ref: "out/log.txt", mime: "text/plain", size_hint: null } },
  };
  const prefixed = (list: readonly Json[]): string =>
    Buffer.concat(
      list.flatMap((event) => {
        const body = Buffer.from(JSON.stringify(event));
        const head = Buffer.alloc(4);
        head.writeUInt32BE(body.length);
        return [head, body];
      }),
    ).toString("latin1");

  it.each([
    ["ndjson_lines", events.map((event) => JSON.stringify(event)).join("\n\n")],
    ["sse_events", events.map((event) => `event: x\r\ndata: ${JSON.stringify(event)}\r\n\r\n`).join("")],
  ] as const)("publishes events and folds staged parts: %s", async (streamMode, text) => {
    const call = makeCall();
    const outcome = await here.runSpec({ program: NODE, args: printing(text) ?? [], streamMode }, { emit: call.emit });
    expect(outcome).toEqual({
      kind: "pass",
      value: folded,
      stats: { worker_kind: "subprocess", adapter_data: { exit_code: 0 } },
    });
    expect(call.events.map(({ type }) => type)).toEqual(["progress", "partial", "artifact", "artifact"]);
    expect(call.events[1]).toEqual({ type: "partial", chunk: "täxt" });
  });

  it("publishes events and folds staged parts: length_prefixed", async () => {
    const base64 = Buffer.from(prefixed(events), "latin1").toString("base64");
    const call = makeCall();
    const args = ["-e", `process.stdout.write(Buffer.from('${base64}','base64'))`];
    const outcome = await here.runSpec({ program: NODE, args, streamMode: "length_prefixed" }, { emit: call.emit });
    expect(outcome).toMatchObject({ kind: "pass", value: folded });
    expect(call.events).toHaveLength(4);
  });

  it("is corrected by the exit code", async () => {
    const text = JSON.stringify({ type: "final", content: "PASS", ok: true });
    const outcome = await here.runSpec({
      program: NODE,
      args: printing(text, "process.stderr.write('oh');process.exitCode=1") ?? [],
      streamMode: "ndjson_lines",
    });
    expect(outcome).toMatchObject({
      kind: "blocked",
      value: "PASS",
      stats: { adapter_data: { exit_code: 1, stderr: "oh" } },
    });
  });

  it("is blocked without a final event", async () => {
    const outcome = await here.runSpec({ program: "echo", args: ["nonsense"], streamMode: "ndjson_lines" });
    expect(outcome).toMatchObject({
      kind: "blocked",
      value: { raw: "", note: "streaming mode: no Final event received", exit_success: true },
    });
  });

  it("stops a program whose frame never ends", async () => {
    const small = makeSubprocessHost({ frameBytes: 1000, graceMs: 200 });
    try {
      const failure = failureOf(
        await here.runSpec({ program: "cat", args: ["/dev/zero"], streamMode: "ndjson_lines" }, {}, small),
      );
      expect(failure).toMatchObject({ code: "subprocess_frame", retryable: false });
      expect(failure.message).toContain("longer than 1000 bytes");
      expect(failure.message).toContain("'cat'");
    } finally {
      await small[Symbol.asyncDispose]();
    }
  });

  it("stops a program that streams without end", async () => {
    const small = makeSubprocessHost({ streamBytes: 100_000, graceMs: 200 });
    try {
      const failure = failureOf(
        await here.runSpec(
          { program: "yes", args: ['{"type":"partial","chunk":"x"}'], streamMode: "ndjson_lines" },
          {},
          small,
        ),
      );
      expect(failure.code).toBe("subprocess_output_limit");
    } finally {
      await small[Symbol.asyncDispose]();
    }
  });
});
