/** Whole Blueprints in mlua-swarm's own document form, compiled and run by the real parts. */
import { mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import { FunctionRegistry, nodeFiles, type SubprocessHost } from "../../src/workers/index.ts";
import { type RunOptions, runBlueprint, stepIdOf } from "./blueprint-run.ts";
import { makeSubprocessHost } from "./step-fixture.ts";

let subprocess: SubprocessHost;
let directory: string;
beforeAll(() => {
  subprocess = makeSubprocessHost({ graceMs: 200 });
});
afterAll(() => subprocess[Symbol.asyncDispose]());
beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "reference-spec-")));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const path = (at: string): JsonObject => ({ op: "path", at });
const lit = (value: Json): JsonObject => ({ op: "lit", value });
const step = (ref: string, input: JsonObject, out: string): JsonObject => ({
  kind: "step",
  ref,
  in: input,
  out: path(out),
});
const seq = (...children: JsonObject[]): JsonObject => ({ kind: "seq", children });

function run(document: JsonObject, options: RunOptions = {}) {
  const parts = { subprocess, files: nodeFiles({ scratchRoot: directory }), ...options.parts };
  return runBlueprint(document, { ...options, parts });
}

describe("subprocess templates", () => {
  const templates: JsonObject = {
    subprocesses: [
      {
        name: "embed",
        argv: ["sh", "-c", 'printf \'{"prompt_seen":"%s","system_seen":"%s"}\' "$(cat)" "$(cat "$SYSTEM_FILE")"'],
        stdin: "{prompt}",
        env: { SYSTEM_FILE: "{system_file}" },
        output: { format: "json" },
      },
      { name: "where", argv: ["pwd"], cwd: "{work_dir}" },
      { name: "failing", argv: ["sh", "-c", "exit 7"] },
      { name: "prose", argv: ["echo", "no json"], output: { format: "json" } },
    ],
    agents: [
      {
        name: "embedded",
        kind: "subprocess",
        profile: { system_prompt: "the-system-prompt" },
        runner: { backend: "subprocess", template: "embed" },
      },
      { name: "placed", kind: "subprocess", runner: { backend: "subprocess", template: "where" } },
      { name: "failed", kind: "subprocess", runner: { backend: "subprocess", template: "failing" } },
      { name: "chatty", kind: "subprocess", runner: { backend: "subprocess", template: "prose" } },
    ],
  };

  it("get the prompt on standard input and the system prompt as a file; two templates coexist", async () => {
    const flow = seq(step("embedded", lit("hello-prompt"), "$.seen"), step("placed", lit(""), "$.where"));
    const { ctx, error } = await run({ ...templates, flow }, { context: { work_dir: directory } });
    expect(error).toBeUndefined();
    expect(ctx).toEqual({
      seen: { prompt_seen: "hello-prompt", system_seen: "the-system-prompt" },
      where: { raw: directory, stderr: "" },
    });
  });

  it("fail the step on exit 7, and where declared JSON does not parse", async () => {
    const exit = await run({ ...templates, flow: step("failed", lit(""), "$.x") });
    expect(exit.error).toContain("blocked: ");
    const prose = await run({ ...templates, flow: step("chatty", lit(""), "$.x") });
    expect(prose.error).toContain('"raw":"no json"');
    expect(prose.error).toContain("parse_error");
  });

  it("render the system prompt over the input's keys", async () => {
    const document = {
      subprocesses: [{ name: "say", argv: ["printf", "%s", "{system}"] }],
      agents: [
        {
          name: "poet",
          kind: "subprocess",
          profile: { system_prompt: "Write {{ count }} lines{% if topic %} on {{ topic }}{% endif %}." },
          runner: { backend: "subprocess", template: "say" },
        },
      ],
      flow: step("poet", path("$"), "$.said"),
    };
    const { ctx } = await run(document, { ctx: { count: 3, topic: "<rain>" } });
    expect(ctx).toMatchObject({ said: { raw: "Write 3 lines on <rain>." } });
  });
});

it("the spec form of a subprocess is fed on standard input", async () => {
  const document = {
    agents: [{ name: "cat", kind: "subprocess", spec: { program: "cat" } }],
    flow: step("cat", lit({ echoed: true }), "$.out"),
  };
  expect((await run(document)).ctx).toEqual({ out: { echoed: true } });
});

it("rust_fn is a function, and identity is built in", async () => {
  const document = {
    agents: [{ name: "worker", kind: "rust_fn", spec: { fn_id: "identity" } }],
    flow: step("worker", lit("go"), "$.out"),
  };
  expect((await run(document)).ctx).toEqual({ out: { by: "baseline-identity", agent: "worker", echoed: "go" } });
});

describe("a verdict contract", () => {
  const assign = (value: string): JsonObject => ({ kind: "assign", at: path("$.gated"), value: lit(value) });
  // By name: an object with a plain `then` looks like a promise to the linter.
  const yesKey = "then";
  const whenEqual = (word: string, yes: JsonObject, no: JsonObject): JsonObject => ({
    kind: "branch",
    cond: { op: "eq", lhs: path("$.verdict"), rhs: lit(word) },
    [yesKey]: yes,
    else: no,
  });
  const gate = (answer: Json): { document: JsonObject; functions: FunctionRegistry } => ({
    functions: new FunctionRegistry().register("gate", { pure: true, run: () => answer }),
    document: {
      agents: [
        {
          name: "gate",
          kind: "function",
          spec: { fn_id: "gate" },
          verdict: { channel: "body", values: ["PASS", "BLOCKED"] },
        },
      ],
      flow: {
        kind: "seq",
        children: [
          step("gate", lit(""), "$.verdict"),
          whenEqual("PASS", assign("open"), whenEqual("BLOCKED", assign("shut"), seq())),
        ],
      },
    },
  });

  it.each([
    ["PASS", "open"],
    ["BLOCKED", "shut"],
  ])("decides by its words: %s", async (word, gated) => {
    const { document, functions } = gate(word);
    expect((await run(document, { parts: { functions } })).ctx).toEqual({ verdict: word, gated });
  });

  it("fails the run with any other word, naming it and those allowed", async () => {
    const { document, functions } = gate("MAYBE");
    const { error, ctx } = await run(document, { parts: { functions } });
    expect(error).toContain("dispatcher error for ref 'gate': verdict contract violation");
    for (const word of ["MAYBE", "PASS", "BLOCKED"]) expect(error).toContain(word);
    expect(ctx).toEqual({});
  });
});

it("a skipped step leaves its out as it was", async () => {
  const functions = new FunctionRegistry().register("skipper", {
    pure: true,
    run: () => ({ __mse_skip: true, value: "unseen" }),
  });
  const document = {
    agents: [{ name: "skipper", kind: "function", spec: { fn_id: "skipper" } }],
    flow: step("skipper", lit(""), "$.out"),
  };
  const { ctx, outcomes } = await run(document, { ctx: { out: "before" }, parts: { functions } });
  expect(ctx).toEqual({ out: "before" });
  expect([...outcomes.values()]).toMatchObject([{ kind: "skip", value: "unseen" }]);
});

it("context comes from the launch over the step over the agent over its meta over the Blueprint", async () => {
  const functions = new FunctionRegistry().register("look", {
    pure: true,
    run: (input, { context }) => ({ input, extra: context.extra ?? null, work_dir: context.work_dir ?? null }),
  });
  const document = {
    default_agent_ctx: { a: "bp", b: "bp", c: "bp", d: "bp", e: "bp", work_dir: "/bp" },
    metas: [
      { name: "pool", ctx: { a: "meta", b: "meta", c: "meta", d: "meta" } },
      { name: "step", ctx: { a: "step", b: "step" } },
    ],
    agents: [
      {
        name: "look",
        kind: "function",
        spec: { fn_id: "look" },
        meta: { meta_ref: "pool", ctx: { a: "agent", b: "agent", c: "agent" }, context_policy: { exclude: ["e"] } },
      },
    ],
    flow: step("look", lit({ $step_meta: { ref: "step" }, $in: "go" }), "$.seen"),
  };
  const { ctx } = await run(document, { context: { a: "launch" }, parts: { functions } });
  expect(ctx).toEqual({
    seen: { input: "go", work_dir: "/bp", extra: { a: "launch", b: "step", c: "agent", d: "meta" } },
  });
});

it("outputs are written under the declared name, one directory a step, in the placement's root", async () => {
  const document = {
    projection_placement: { root: "project_root", dir_template: "custom/{task_id}/out" },
    agents: [
      { name: "planner", kind: "function", spec: { fn_id: "identity" }, meta: { projection_name: "plan-out" } },
      { name: "../x", kind: "function", spec: { fn_id: "identity" } },
    ],
    flow: seq(step("planner", lit("p"), "$.plan"), step("../x", lit("x"), "$.x")),
  };
  const { outcomes } = await run(document, { context: { project_root: directory } });
  expect([...outcomes.values()].map(({ kind }) => kind)).toEqual(["pass", "pass"]);
  const [plan] = await readdir(join(directory, "custom", stepIdOf("0"), "out"));
  expect(plan).toBe("plan-out.md");
  expect(await readFile(join(directory, "custom", stepIdOf("0"), "out", "plan-out.md"), "utf8")).toContain(
    "step: plan-out\n",
  );
  expect(await readdir(join(directory, "custom", stepIdOf("1"), "out"))).toHaveLength(1);
  expect(await readdir(directory)).toEqual(["custom"]);
});
