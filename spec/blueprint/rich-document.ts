/** A document that uses every part of the schema, for tests that change it at random. */
import fc from "fast-check";
import { isJsonObject, type Json } from "../../src/flow/index.ts";

const runner = { backend: "subprocess", template: "t", overrides: { model: "m", tools: ["a"], cwd: "/" } };
const policy = { include: ["a"], exclude: [], steps: null, steps_exclude: ["s"] };
const profile = { system_prompt: "p", model: null, effort: "low", tools: [], extras: { x: 1 }, worker_binding: "v" };

/** Valid, and with all of section 1 of the reference in it. */
export const richDocument: Json = {
  schema_version: "0.1.0",
  id: "rich",
  flow: { kind: "seq", children: [] },
  agents: [
    {
      name: "a",
      kind: "lua",
      spec: { source: "return 1", host: ["now"] },
      profile,
      meta: { tags: [], ctx: { k: 1 }, context_policy: policy, meta_ref: "m", projection_name: "n" },
      runner,
      runner_ref: "r",
      verdict: { channel: "part", values: ["PASS", "BLOCKED"] },
      policy: {
        timeout_ms: 1,
        retry: { max_attempts: 2, jitter: 0.5, non_retryable: ["x"] },
        concurrency: 1,
        pure: true,
      },
      lints: { all: "allow" },
    },
    { name: "b", kind: "operator", spec: null, runner: { backend: "ws_operator", variant: "v", tools: ["t"] } },
    { name: "c", kind: "agent_block", runner: { backend: "agent_block_in_process", tools: [] } },
  ],
  operators: [{ name: "o", display_name: null, kind: "main_ai", spec: null, profile, meta: null }],
  metas: [{ name: "m", ctx: null }],
  hints: { per_agent: { a: 1, b: [] }, global: null },
  strategy: { strict_refs: true, strict_kind: false, strict_binding: false },
  metadata: {
    description: "d",
    origin: { kind: "algo", session_id: "s", more: 1 },
    tags: ["t"],
    version_label: "1.0.0",
    default_run_ttl_secs: 60,
    strict_verdict_handling: false,
    lints: { "category:style": "deny" },
  },
  spawner_hints: { layers: ["main_ai"] },
  default_agent_kind: "operator",
  default_operator_kind: "composite",
  default_init_ctx: { a: [] },
  default_agent_ctx: {},
  default_context_policy: policy,
  projection_placement: { root: "work_dir", dir_template: "x/{task_id}" },
  audits: [{ agent: "a", steps: ["*"], mode: "sync" }],
  degradation_policy: "warn",
  runners: [{ name: "r", runner }],
  default_runner: "r",
  subprocesses: [
    {
      name: "t",
      argv: ["sh"],
      stdin: "{prompt}",
      env: { A: "b" },
      cwd: "{work_dir}",
      output: { format: "json", result_ptr: "/r", ok_from: "exit_code", stats: { usage_ptr: "/u" } },
      stream_mode: null,
    },
  ],
  check_policy: "strict",
  blueprint_ref_includes: ["more"],
};

const junk: fc.Arbitrary<Json> = fc.constantFrom<Json>(null, [], {}, 0, 1.5, -1, "", "x", "lua", true, [1], {
  name: "x",
});

/** The rich document with one to three values replaced, removed or added, the flow left alone. */
export const alteredDocuments: fc.Arbitrary<Json> = fc
  .array(fc.record({ where: fc.nat(), how: fc.constantFrom("replace", "remove", "add"), value: junk }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((edits) => edits.reduce(altered, richDocument));

interface Edit {
  readonly where: number;
  readonly how: string;
  readonly value: Json;
}

function altered(document: Json, { where, how, value }: Edit): Json {
  const paths = pathsOf(document).filter(([first]) => first !== "flow");
  const path = paths[where % paths.length];
  return path === undefined ? document : edited(document, path, how, value);
}

function edited(at: Json, path: readonly string[], how: string, value: Json): Json {
  const [token, ...rest] = path;
  if (token === undefined) return at;
  const entries = Array.isArray(at)
    ? [...at.entries()].map(([index, part]) => [String(index), part] as const)
    : Object.entries(at as object);
  const changed = entries.flatMap(([key, part]): readonly (readonly [string, Json])[] => {
    if (key !== token) return [[key, part]];
    if (rest.length > 0) return [[key, edited(part, rest, how, value)]];
    if (how === "remove") return [];
    if (how === "add" && isJsonObject(part)) return [[key, { ...part, extra: value }]];
    return [[key, value]];
  });
  return Array.isArray(at) ? changed.map(([, part]) => part) : Object.fromEntries(changed);
}

function pathsOf(value: Json): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [
    [key],
    ...pathsOf(part as Json).map((rest) => [key, ...rest]),
  ]);
}
