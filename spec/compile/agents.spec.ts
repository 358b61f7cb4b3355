/** How agents are compiled: runners, profiles, plans, contexts, policies, purity. */
import { describe, expect, it } from "vitest";
import type { CompileEnvironment } from "../../src/blueprint/index.ts";
import type { JsonObject } from "../../src/flow/index.ts";
import { agent, compile, host, operator, seq, step } from "./documents.ts";

/** Compiles one agent called `a`. */
function compileOne(fields: JsonObject, more: JsonObject = {}, environment: Partial<CompileEnvironment> = {}) {
  const result = compile({ flow: step("a"), agents: [{ name: "a", ...fields }], ...more }, environment);
  return { ...result, agent: result.compiled?.agents.get("a") };
}

/** Compiles one agent and returns what keeps it from compiling. */
function errorsOf(fields: JsonObject, more: JsonObject = {}) {
  return compileOne(fields, more)
    .diagnostics.filter(({ level }) => level === "error")
    .map(({ kind, pointer, message }) => ({ kind, pointer, message }));
}

const seats = { operators: [{ name: "main" }] };

describe("runner resolution", () => {
  const runners = [
    { name: "named", runner: { backend: "ws_operator", variant: "named", tools: ["N"] } },
    { name: "fallback", runner: { backend: "ws_claude_code", variant: "fallback" } },
  ];
  const all = {
    runner: { backend: "ws_operator", variant: "inline" },
    runner_ref: "named",
    profile: { worker_binding: "old", tools: ["T"] },
  };
  const { runner: _inline, ...withoutInline } = all;
  const { runner_ref: _ref, ...withoutRef } = withoutInline;

  it.each([
    ["agent_inline", all, "inline"],
    ["agent_ref", withoutInline, "named"],
    ["legacy_worker_binding", withoutRef, "old"],
    ["blueprint_default", {}, "fallback"],
  ])("%s comes before the tiers below it", (source, fields, variant) => {
    const { agent: compiled } = compileOne(
      { kind: "operator", spec: { operator_ref: "main" }, ...fields },
      { ...seats, runners, default_runner: "fallback" },
    );
    expect(compiled).toMatchObject({ runnerSource: source, runner: { variant } });
  });

  it("gives the default only to agents whose kind can use it", () => {
    const more = { ...seats, runners, default_runner: "fallback" };
    for (const kind of ["lua", "rust_fn", "function", "agent_block", "subprocess"]) {
      const spec = { source: "", fn_id: "identity", program: "true" };
      expect(compileOne({ kind, spec }, more).agent).toMatchObject({ runnerSource: "none" });
    }
  });

  it("does not mind an unknown default that nobody could use", () => {
    expect(errorsOf({ kind: "lua", spec: { source: "" } }, { default_runner: "ghost" })).toEqual([]);
  });

  it("names the runners there are, and the one that was meant", () => {
    const { diagnostics } = compileOne(
      { kind: "operator", spec: { operator_ref: "main" }, runner_ref: "namd" },
      { ...seats, runners },
    );
    expect(diagnostics.find(({ kind }) => kind === "bound-agent-resolution")).toMatchObject({
      notes: ["runners: 'named', 'fallback'"],
      help: "did you mean 'named'?",
    });
    expect(diagnostics.map(({ kind }) => kind)).not.toContain("worker-binding-missing");
  });

  it("lets an operator's or in-process runner decide the tools, an empty list included", () => {
    const profile = { system_prompt: "p", tools: ["Read"], worker_binding: "old" };
    const ws = compileOne({ ...operator("a"), profile }, seats).agent;
    expect(ws?.profile).toMatchObject({ tools: [], worker_binding: "general" });
    const block = compileOne({
      kind: "agent_block",
      runner: { backend: "agent_block_in_process", tools: ["X"] },
      profile,
    });
    expect(block.agent?.profile).toEqual({ system_prompt: "p", tools: ["X"] });
    expect(block.agent?.plan).toMatchObject({ kind: "agent_block", tools: ["X"] });
  });
});

describe("an operator's plan", () => {
  it("has seat, prompt and binding", () => {
    const { agent: compiled } = compileOne(
      operator("a", {
        profile: { system_prompt: "Hello {{ who }}" },
        runner: { backend: "ws_operator", variant: "v", tools: ["R"] },
      }),
      seats,
    );
    expect(compiled).toMatchObject({
      kind: "operator",
      pure: false,
      plan: {
        kind: "operator",
        seat: "main",
        systemPrompt: "Hello {{ who }}",
        binding: { backend: "ws_operator", variant: "v", tools: ["R"] },
      },
    });
  });

  it("needs a seat and a runner, and says both at once", () => {
    expect(errorsOf({ kind: "operator" }).map(({ kind }) => kind)).toEqual([
      "invalid-agent-spec",
      "worker-binding-missing",
    ]);
  });

  it("says how to add a runner, as a patch", () => {
    const { diagnostics } = compileOne({ kind: "operator", spec: { operator_ref: "main" } }, seats);
    expect(diagnostics[0]).toMatchObject({
      kind: "worker-binding-missing",
      suggestion: { applicability: "has_placeholders", patch: [{ op: "add", path: "/agents/0/runner" }] },
    });
  });
});

describe("a Lua agent's plan", () => {
  it("prefers the chunk, names it, and sorts what is granted", () => {
    expect(
      compileOne({ kind: "lua", spec: { source: "return 1", fn_id: "score", host: ["now", "log", "now"] } }).agent
        ?.plan,
    ).toEqual({
      kind: "lua",
      source: "return 1",
      label: "a.lua",
      host: ["log", "now"],
    });
    expect(compileOne({ kind: "lua", spec: { fn_id: "score", label: "s" } }).agent?.plan).toEqual({
      kind: "lua",
      fnId: "score",
      label: "s",
      host: [],
    });
  });

  it.each([
    [{}, "/agents/0/spec"],
    [null, "/agents/0/spec"],
    [{ source: 5 }, "/agents/0/spec"],
    [{ fn_id: "scroe" }, "/agents/0/spec/fn_id"],
    [{ source: "", host: "log" }, "/agents/0/spec/host"],
    [{ source: "", host: [1] }, "/agents/0/spec/host"],
  ])("is refused for spec %j", (spec, pointer) => {
    expect(errorsOf({ kind: "lua", spec })).toMatchObject([{ kind: "invalid-agent-spec", pointer }]);
  });

  it("reports what the parser says, with the chunk's name and line, and lets lints lower it", () => {
    const checkLua = (source: string, name: string) =>
      source === "return (" ? { message: `${name}:1: unexpected symbol near <eof>`, line: 1 } : undefined;
    const spec = { source: "return (", label: "deep/a.lua" };
    const broken = compileOne({ kind: "lua", spec }, {}, { checkLua });
    expect(broken.compiled).toBeUndefined();
    expect(broken.diagnostics[0]).toMatchObject({
      kind: "lua-syntax",
      message: "agent 'a': deep/a.lua:1: unexpected symbol near <eof>",
      notes: ["line 1 of the chunk deep/a.lua"],
    });
    expect(compileOne({ kind: "lua", spec, lints: { "lua-syntax": "warn" } }, {}, { checkLua }).compiled).toBeDefined();
    expect(compileOne({ kind: "lua", spec: { source: "return 1" } }, {}, { checkLua }).diagnostics).toEqual([]);
  });
});

describe("a function agent's plan", () => {
  it("is the registered function, under either kind", () => {
    for (const kind of ["function", "rust_fn"]) {
      expect(compileOne({ kind, spec: { fn_id: "identity" } }).agent).toMatchObject({
        kind: "function",
        plan: { kind: "function", fnId: "identity" },
      });
    }
  });

  it("suggests the registered name that was meant", () => {
    const { diagnostics } = compileOne({ kind: "function", spec: { fn_id: "identty" } });
    expect(diagnostics[0]).toMatchObject({ kind: "invalid-agent-spec", help: "did you mean 'identity'?" });
  });
});

describe("a subprocess agent's plan from its spec", () => {
  it("has defaults", () => {
    expect(compileOne({ kind: "subprocess", spec: { program: "cat" } }).agent?.plan).toEqual({
      kind: "subprocess",
      form: "spec",
      program: "cat",
      args: [],
      useStdin: true,
    });
  });

  it("takes all keys, and drops arguments that are no texts with a warning", () => {
    const { agent: compiled, diagnostics } = compileOne({
      kind: "subprocess",
      spec: { program: "p", args: ["a", 1, "b"], use_stdin: false, stream_mode: "sse_events" },
    });
    expect(compiled?.plan).toMatchObject({ args: ["a", "b"], useStdin: false, streamMode: "sse_events" });
    expect(diagnostics).toMatchObject([{ kind: "invalid-agent-spec", level: "warn", pointer: "/agents/0/spec/args" }]);
  });

  it.each([
    [{}, "/agents/0/spec"],
    [{ program: "" }, "/agents/0/spec"],
    [{ program: "p", stream_mode: "lines" }, "/agents/0/spec/stream_mode"],
  ])("is refused for %j", (spec, pointer) => {
    expect(errorsOf({ kind: "subprocess", spec })).toMatchObject([{ kind: "invalid-agent-spec", pointer }]);
  });
});

describe("a subprocess agent's plan from a template", () => {
  const runner = { backend: "subprocess", template: "t" };
  const template = (fields: JsonObject): JsonObject => ({ subprocesses: [{ name: "t", argv: ["sh"], ...fields }] });

  it("is the template's text with the agent's own facts, overrides first", () => {
    const { agent: compiled } = compileOne(
      {
        kind: "subprocess",
        spec: { program: "ignored" },
        profile: { system_prompt: "S", model: "m", tools: ["T"] },
        runner: { ...runner, overrides: { model: "o", tools: ["O"], cwd: "{work_dir}" } },
      },
      template({
        argv: ["sh", "{prompt}"],
        stdin: "{prompt}",
        env: { A: "{model}" },
        cwd: "/",
        stream_mode: "ndjson_lines",
      }),
    );
    expect(compiled?.plan).toEqual({
      kind: "subprocess",
      form: "template",
      template: "t",
      argv: ["sh", "{prompt}"],
      stdin: "{prompt}",
      env: { A: "{model}" },
      cwd: "{work_dir}",
      streamMode: "ndjson_lines",
      systemPrompt: "S",
      model: "o",
      tools: ["O"],
    });
  });

  it("falls back to the profile", () => {
    const profile = { model: "m", tools: ["T"] };
    expect(compileOne({ kind: "subprocess", profile, runner }, template({})).agent?.plan).toMatchObject({
      model: "m",
      tools: ["T"],
    });
  });

  it.each([
    [{ argv: [] }, "/subprocesses/0/argv"],
    [{ argv: ["sh", "x {promt}"] }, "/subprocesses/0/argv/1"],
    [{ stdin: "{nope}" }, "/subprocesses/0/stdin"],
    [{ env: { "A/B": "{nope}" } }, "/subprocesses/0/env/A~1B"],
    [{ cwd: "{nope}" }, "/subprocesses/0/cwd"],
    [{ stream_mode: "lines" }, "/subprocesses/0/stream_mode"],
    [{ stream_mode: "sse_events", output: {} }, "/subprocesses/0/output"],
    [{ output: { format: "yaml" } }, "/subprocesses/0/output/format"],
    [{ output: { result_ptr: "result" } }, "/subprocesses/0/output/result_ptr"],
    [{ output: { ok_from: "status" } }, "/subprocesses/0/output/ok_from"],
  ])("is refused for a template with %j", (fields, pointer) => {
    expect(errorsOf({ kind: "subprocess", runner }, template(fields))).toMatchObject([
      { kind: "invalid-agent-spec", pointer },
    ]);
  });

  it("says what is wrong with a template once, however many agents use it, and all of it", () => {
    const { diagnostics } = compile({
      flow: seq(step("a"), step("b")),
      agents: ["a", "b"].map((name) => ({ name, kind: "subprocess", runner })),
      ...template({ argv: ["{x}", "{y}"], output: { format: "csv" } }),
    });
    expect(diagnostics.map(({ pointer }) => pointer)).toEqual([
      "/subprocesses/0/argv/0",
      "/subprocesses/0/argv/1",
      "/subprocesses/0/output/format",
    ]);
  });

  it("checks overrides where they are written, and templates only where they are used", () => {
    const runners = [{ name: "r", runner: { ...runner, overrides: { cwd: "{nope}" } } }];
    expect(errorsOf({ kind: "subprocess", runner_ref: "r" }, { ...template({}), runners })).toMatchObject([
      { pointer: "/runners/0/runner/overrides/cwd" },
    ]);
    expect(errorsOf({ kind: "lua", spec: { source: "" } }, template({ argv: [] }))).toEqual([]);
  });

  it("must exist; the first of two of a name counts", () => {
    const missing = compileOne({ kind: "subprocess", runner: { ...runner, template: "tt" } }, template({}));
    expect(missing.diagnostics[0]).toMatchObject({
      pointer: "/agents/0/runner/template",
      notes: ["templates: 't'"],
      help: "did you mean 't'?",
    });
    const twice = {
      subprocesses: [
        { name: "t", argv: ["one"] },
        { name: "t", argv: ["two"] },
      ],
    };
    expect(compileOne({ kind: "subprocess", runner }, twice).agent?.plan).toMatchObject({ argv: ["one"] });
  });
});

describe("an agent_block's plan", () => {
  it("carries its spec, and refuses a script together with MCP tools", () => {
    expect(compileOne({ kind: "agent_block", spec: { any: 1 } }).agent?.plan).toEqual({
      kind: "agent_block",
      spec: { any: 1 },
      systemPrompt: "",
      tools: [],
    });
    const script = { kind: "agent_block", spec: { script_path: "s.lua" } };
    expect(errorsOf(script)).toEqual([]);
    const tooled = { ...script, runner: { backend: "agent_block_in_process", tools: ["mcp__x__y"] } };
    const { diagnostics } = compileOne(tooled);
    expect(diagnostics[0]).toMatchObject({ pointer: "/agents/0/spec/script_path" });
    expect(diagnostics[0]?.help).toMatch(/mcp\.connect.*PromptBasedAgent/);
  });
});

describe("an agent's context", () => {
  it("is meta.ctx over its meta over the Blueprint's, key by key", () => {
    const { agent: compiled } = compileOne(agent("a", { meta: { ctx: { own: 1, both: "own" }, meta_ref: "m" } }), {
      metas: [{ name: "m", ctx: { meta: 1, both: "meta", all: "meta" } }],
      default_agent_ctx: { bp: 1, all: "bp", ["__proto__"]: "plain" },
    });
    expect(Object.entries(compiled?.context ?? {}).sort()).toEqual(
      Object.entries({ own: 1, both: "own", meta: 1, all: "meta", bp: 1, ["__proto__"]: "plain" }).sort(),
    );
  });

  it("leaves out a tier that is no object, and says so", () => {
    const { agent: compiled, diagnostics } = compileOne(agent("a", { meta: { ctx: [1] } }), {
      default_agent_ctx: { k: 1 },
    });
    expect(compiled?.context).toEqual({ k: 1 });
    expect(diagnostics.map(({ pointer }) => pointer)).toEqual(["/agents/0/meta/ctx"]);
  });

  it("has its own policy, else the Blueprint's, never both", () => {
    const own = { context_policy: { include: ["x"] } };
    const more = { default_context_policy: { exclude: ["y"] } };
    expect(compileOne(agent("a", { meta: own }), more).agent?.contextPolicy).toMatchObject({
      include: ["x"],
      exclude: [],
    });
    expect(compileOne(agent("a"), more).agent?.contextPolicy).toMatchObject({ exclude: ["y"] });
    expect(compileOne(agent("a")).agent).not.toHaveProperty("contextPolicy");
  });
});

describe("a policy", () => {
  it("has every default written out", () => {
    expect(compileOne({ kind: "subprocess", spec: { program: "p" } }).agent?.policy).toEqual({
      retry: { maxAttempts: 1, backoffMs: 1000, backoffFactor: 2, maxBackoffMs: 60_000, jitter: 0.1, nonRetryable: [] },
      idempotent: false,
    });
  });

  it("is taken over field by field", () => {
    const policy = {
      timeout_ms: 5,
      heartbeat_ms: 3,
      concurrency: 2,
      idempotent: true,
      retry: { max_attempts: 3, non_retryable: ["x"] },
    };
    expect(compileOne({ kind: "subprocess", spec: { program: "p" }, policy }).agent?.policy).toMatchObject({
      timeoutMs: 5,
      heartbeatMs: 3,
      concurrency: 2,
      idempotent: true,
      retry: { maxAttempts: 3, backoffMs: 1000, nonRetryable: ["x"] },
    });
  });
});

describe("purity", () => {
  it.each([
    ["a Lua chunk without grants", { kind: "lua", spec: { source: "" } }, true],
    ["a Lua chunk with grants", { kind: "lua", spec: { source: "", host: ["log"] } }, false],
    [
      "a Lua chunk with grants whose author knows better",
      { kind: "lua", spec: { source: "", host: ["log"] }, policy: { pure: true } },
      true,
    ],
    [
      "a Lua chunk that is to count as an effect",
      { kind: "lua", spec: { source: "" }, policy: { pure: false } },
      false,
    ],
    ["a function that says so", { kind: "function", spec: { fn_id: "identity" } }, true],
    ["a function that says not", { kind: "rust_fn", spec: { fn_id: "fetch" } }, false],
    ["a child process", { kind: "subprocess", spec: { program: "p" } }, false],
    ["a model", { kind: "llm" }, false],
  ])("%s", (_, fields, pure) => {
    const { agent: compiled } = compileOne(fields);
    expect(compiled?.pure).toBe(pure);
    expect(compiled?.policy.idempotent).toBe(pure);
  });

  it.each(["subprocess", "agent_block", "llm", "swarm", "operator"])("cannot be claimed by a %s", (kind) => {
    const fields = { ...operator("a"), kind, spec: { program: "p", operator_ref: "main" }, policy: { pure: true } };
    expect(errorsOf(fields, seats).map(({ kind: found }) => found)).toContain("invalid-policy");
  });
});

describe("agent kinds a host does not serve", () => {
  const kinds = new Set(["function"] as const);

  it("are errors, or left out where the strategy says so", () => {
    expect(compileOne({ kind: "llm" }, {}, { kinds }).compiled).toBeUndefined();
    const lenient = compileOne({ kind: "llm" }, { strategy: { strict_kind: false, strict_refs: false } }, { kinds });
    expect(lenient.compiled?.agents.size).toBe(0);
    expect(lenient.diagnostics.map(({ kind, level }) => [kind, level])).toEqual([
      ["unknown-agent-kind", "warn"],
      ["unresolved-agent-ref", "warn"],
    ]);
    const halfLenient = compileOne({ kind: "llm" }, { strategy: { strict_kind: false } }, { kinds });
    expect(halfLenient.diagnostics.map(({ kind, level }) => [kind, level])).toEqual([
      ["unknown-agent-kind", "warn"],
      ["unresolved-agent-ref", "error"],
    ]);
  });

  it("do not include rust_fn where functions are served", () => {
    expect(compileOne({ kind: "rust_fn", spec: { fn_id: "identity" } }, {}, { kinds }).compiled).toBeDefined();
    expect(host.kinds).toBeUndefined();
  });
});
