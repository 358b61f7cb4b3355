/** The smallest document for every lint kind, with the level and the place it is reported with. */
import type { DiagnosticLevel } from "../../src/blueprint/diagnostic.ts";
import type { CompileEnvironment, LintOptions } from "../../src/blueprint/index.ts";
import type { JsonObject } from "../../src/flow/index.ts";
import { agent, assign, branch, eq, fanout, isIn, judge, lit, operator, path, seq, step } from "./documents.ts";

/** A document, and what is reported of it. */
export interface LintRow {
  readonly kind: string;
  readonly what: string;
  readonly document: JsonObject;
  readonly level: DiagnosticLevel;
  readonly pointer: string | undefined;
  readonly environment?: Partial<CompileEnvironment>;
  /** Present: reported by linting only. */
  readonly linting?: LintOptions;
}

const seat = { operators: [{ name: "main" }] };
const gated = (verdict: JsonObject, more: JsonObject = {}): JsonObject => ({
  flow: seq(step("j"), branch(eq("$.j", "PASS"))),
  agents: [agent("j", { verdict, ...more })],
});

/** Reported by compiling, and by linting too. */
export const compileRows: readonly LintRow[] = [
  {
    kind: "bound-agent-resolution",
    what: "runner_ref that names nothing",
    document: { flow: step("o"), agents: [{ ...operator("o"), runner: null, runner_ref: "x" }], ...seat },
    level: "error",
    pointer: "/agents/0/runner_ref",
  },
  {
    kind: "bound-agent-resolution",
    what: "default_runner that names nothing and is needed",
    document: { flow: step("o"), agents: [{ ...operator("o"), runner: null }], ...seat, default_runner: "x" },
    level: "error",
    pointer: "/default_runner",
  },
  {
    kind: "unknown-agent-kind",
    what: "a kind the host does not serve",
    document: { flow: step("a"), agents: [{ name: "a", kind: "llm" }] },
    environment: { kinds: new Set(["lua"]) },
    level: "error",
    pointer: "/agents/0/kind",
  },
  {
    kind: "unknown-agent-kind",
    what: "a kind the host does not serve, leniently",
    document: { agents: [{ name: "a", kind: "llm" }], strategy: { strict_kind: false } },
    environment: { kinds: new Set(["lua"]) },
    level: "warn",
    pointer: "/agents/0/kind",
  },
  {
    kind: "invalid-agent-spec",
    what: "a function without an id",
    document: { flow: step("a"), agents: [{ name: "a", kind: "rust_fn" }] },
    level: "error",
    pointer: "/agents/0/spec",
  },
  {
    kind: "worker-binding-missing",
    what: "an operator agent without a runner",
    document: { flow: step("o"), agents: [{ ...operator("o"), runner: null }], ...seat },
    level: "error",
    pointer: "/agents/0",
  },
  {
    kind: "unresolved-agent-ref",
    what: "a step of nobody",
    document: { flow: seq(step("ghost")) },
    level: "error",
    pointer: "/flow/children/0/ref",
  },
  {
    kind: "unresolved-agent-ref",
    what: "a step of nobody, leniently",
    document: { flow: seq(step("ghost")), strategy: { strict_refs: false } },
    level: "warn",
    pointer: "/flow/children/0/ref",
  },
  {
    kind: "duplicate-agent-name",
    what: "one name twice",
    document: { flow: step("a"), agents: [agent("a"), agent("a")] },
    level: "error",
    pointer: "/agents/1/name",
  },
  {
    kind: "unresolved-operator-ref",
    what: "a seat nobody declares",
    document: { flow: step("o"), agents: [operator("o")] },
    level: "error",
    pointer: "/agents/0/spec/operator_ref",
  },
  {
    kind: "removed-spawner-hint",
    what: "the layer that was removed",
    document: { spawner_hints: { layers: ["main_ai", "operator_delegate"] } },
    level: "error",
    pointer: "/spawner_hints/layers/1",
  },
  {
    kind: "unresolved-meta-ref",
    what: "an agent's meta",
    document: { flow: step("a"), agents: [agent("a", { meta: { meta_ref: "x" } })] },
    level: "error",
    pointer: "/agents/0/meta/meta_ref",
  },
  {
    kind: "unresolved-meta-ref",
    what: "a step's meta",
    document: { flow: step("a", "$.a", lit({ $step_meta: { ref: "x" }, $in: 1 })), agents: [agent("a")] },
    level: "error",
    pointer: "/flow/in/value/$step_meta/ref",
  },
  {
    kind: "step-naming-collision",
    what: "a projection name that is another step",
    document: {
      flow: seq(step("a", "$.x"), step("b", "$.y")),
      agents: [agent("a", { meta: { projection_name: "b" } }), agent("b")],
    },
    level: "error",
    pointer: "/agents/0/meta/projection_name",
  },
  {
    kind: "invalid-projection-placement",
    what: "a template that climbs",
    document: { projection_placement: { dir_template: "../{task_id}" } },
    level: "error",
    pointer: "/projection_placement/dir_template",
  },
  {
    kind: "unresolved-audit-agent",
    what: "an audit by nobody",
    document: { audits: [{ agent: "x" }] },
    level: "error",
    pointer: "/audits/0/agent",
  },
  {
    kind: "verdict-channel-mismatch",
    what: "a body read as a part",
    document: {
      flow: seq(step("j"), branch(eq("$.j.parts.verdict", "PASS"))),
      agents: [judge("j", "body", ["PASS"])],
    },
    level: "error",
    pointer: "/flow/children/1/cond",
  },
  {
    kind: "verdict-value-not-in-contract",
    what: "a word the agent never gives",
    document: {
      flow: seq(step("j"), branch(isIn('$.j.parts["verdict"]', ["PASS", "PAS"]))),
      agents: [judge("j", "part", ["PASS"])],
    },
    level: "error",
    pointer: "/flow/children/1/cond",
  },
  {
    kind: "verdict-value-unhandled",
    what: "a word nobody compares with",
    document: gated({ channel: "body", values: ["PASS", "BLOCKED"] }),
    level: "warn",
    pointer: "/agents/0/verdict/values/1",
  },
  {
    kind: "verdict-value-unhandled",
    what: "the same, denied by category",
    document: gated({ channel: "body", values: ["PASS", "BLOCKED"] }, { lints: { "category:suspicious": "deny" } }),
    level: "error",
    pointer: "/agents/0/verdict/values/1",
  },
  {
    kind: "constant-condition",
    what: "a comparison of literals",
    document: { flow: branch({ op: "eq", lhs: lit(1), rhs: lit(2) }) },
    level: "warn",
    pointer: "/flow/cond",
  },
  {
    kind: "context-not-object",
    what: "a meta that is a text",
    document: { metas: [{ name: "m", ctx: "x" }] },
    level: "warn",
    pointer: "/metas/0/ctx",
  },
  {
    kind: "dead-gate",
    what: "an or of nothing inside a retry loop",
    document: {
      flow: {
        kind: "loop",
        counter: path("$.n"),
        cond: {
          op: "and",
          args: [
            { op: "lt", lhs: path("$.n"), rhs: lit(1) },
            { op: "or", args: [] },
          ],
        },
        body: seq(),
        max: 2,
      },
    },
    level: "warn",
    pointer: "/flow/cond/args/1",
  },
  {
    kind: "duplicate-name",
    what: "two seats of one name",
    document: { operators: [{ name: "main" }, { name: "main" }] },
    level: "warn",
    pointer: "/operators/1/name",
  },
  {
    kind: "gate-on-fanout",
    what: "a verdict of joined lanes",
    document: {
      flow: seq(fanout(lit([1]), step("a")), branch(eq("$.lanes.parts.verdict", "PASS"))),
      agents: [agent("a")],
    },
    level: "warn",
    pointer: "/flow/children/1/cond/lhs",
  },
  {
    kind: "inert-field",
    what: "degradation_policy",
    document: { degradation_policy: "fail" },
    level: "warn",
    pointer: "/degradation_policy",
  },
  {
    kind: "invalid-policy",
    what: "a pure child process",
    document: {
      flow: step("a"),
      agents: [{ name: "a", kind: "subprocess", spec: { program: "true" }, policy: { pure: true } }],
    },
    level: "error",
    pointer: "/agents/0/policy/pure",
  },
  {
    kind: "lua-syntax",
    what: "a chunk that does not parse",
    document: { flow: step("a"), agents: [{ name: "a", kind: "lua", spec: { source: "return (" } }] },
    environment: { checkLua: (source, name) => ({ message: `${name}: unfinished: ${source}`, line: 1 }) },
    level: "error",
    pointer: "/agents/0/spec/source",
  },
  {
    kind: "malformed-step-meta",
    what: "a $step_meta that is a text",
    document: { flow: step("a", "$.a", lit({ $step_meta: "x" })), agents: [agent("a")] },
    level: "warn",
    pointer: "/flow/in/value/$step_meta",
  },
  {
    kind: "non-path-write-target",
    what: "an out that is a literal",
    document: { flow: { kind: "step", ref: "a", in: lit(1), out: lit("$.a") }, agents: [agent("a")] },
    level: "warn",
    pointer: "/flow/out",
  },
  {
    kind: "profile-tools-replaced",
    what: "tools the runner does not grant",
    document: {
      flow: step("o"),
      agents: [operator("o", { profile: { system_prompt: "", tools: ["Read", "Write"] } })],
      ...seat,
    },
    level: "warn",
    pointer: "/agents/0/profile/tools",
  },
  {
    kind: "prompt-template",
    what: "a prompt that does not parse",
    document: { flow: step("o"), agents: [operator("o", { profile: { system_prompt: "{{ x" } })], ...seat },
    level: "warn",
    pointer: "/agents/0/profile/system_prompt",
  },
  {
    kind: "runner-kind-mismatch",
    what: "a WebSocket runner for a Lua agent",
    document: {
      flow: step("a"),
      agents: [{ name: "a", kind: "lua", spec: { source: "" }, runner: { backend: "ws_operator", variant: "v" } }],
    },
    level: "warn",
    pointer: "/agents/0/runner",
  },
  {
    kind: "shared-step-name",
    what: "two steps that write one key",
    document: { flow: seq(step("a", "$.r"), step("b", "$.r")), agents: [agent("a"), agent("b")] },
    level: "warn",
    pointer: "/flow",
  },
  {
    kind: "unguarded-verdict-read",
    what: "a part that nothing obliges the agent to stage",
    document: { flow: seq(step("a"), branch(eq("$.a.parts.verdict", "PASS"))), agents: [agent("a")] },
    level: "warn",
    pointer: "/flow/children/1/cond/lhs",
  },
  {
    kind: "unknown-audit-step",
    what: "an audit of a step that is not there",
    document: { flow: step("a"), agents: [agent("a")], audits: [{ agent: "a", steps: ["*", "b"] }] },
    level: "warn",
    pointer: "/audits/0/steps/1",
  },
  {
    kind: "unknown-extern",
    what: "a call of an unregistered function",
    document: { flow: assign("$.x", { op: "not", arg: { op: "call_extern", ref: "pikc", args: [] } }) },
    level: "warn",
    pointer: "/flow/value/arg/ref",
  },
  {
    kind: "unknown-hinted-agent",
    what: "hints for nobody",
    document: { hints: { per_agent: { "a/b": {} } } },
    level: "warn",
    pointer: "/hints/per_agent/a~1b",
  },
  {
    kind: "unknown-host-grant",
    what: "a host function the host does not offer",
    document: { flow: step("a"), agents: [{ name: "a", kind: "lua", spec: { source: "", host: ["log", "rm"] } }] },
    level: "error",
    pointer: "/agents/0/spec/host/1",
  },
  {
    kind: "unknown-layer",
    what: "a layer the host does not know",
    document: { spawner_hints: { layers: ["main-ai"] } },
    level: "error",
    pointer: "/spawner_hints/layers/0",
  },
  {
    kind: "unknown-layer",
    what: "the same, leniently",
    document: { spawner_hints: { layers: ["main-ai"] }, strategy: { strict_refs: false } },
    level: "warn",
    pointer: "/spawner_hints/layers/0",
  },
  {
    kind: "unreachable-lane",
    what: "an arm with the condition of an earlier one",
    document: { flow: branch(eq("$.x", 1), seq(), branch(eq("$.y", 1), seq(), branch(eq("$.x", 1)))) },
    level: "warn",
    pointer: "/flow/else/else/then",
  },
  {
    kind: "unreachable-lane",
    what: "a lane without an item",
    document: { flow: fanout(lit(["a"]), branch(eq("$.item", "b"))) },
    level: "warn",
    pointer: "/flow/body/then",
  },
  {
    kind: "unused-agent",
    what: "an agent nobody dispatches",
    document: { agents: [agent("a")] },
    level: "warn",
    pointer: "/agents/0",
  },
  {
    kind: "unused-definition",
    what: "a template nobody names",
    document: { subprocesses: [{ name: "t", argv: ["true"] }] },
    level: "info",
    pointer: "/subprocesses/0",
  },
  {
    kind: "verdict-source-unknown",
    what: "a verdict nobody writes",
    document: { flow: branch(eq("$.x.parts.verdict", "PASS")) },
    level: "info",
    pointer: "/flow/cond/lhs",
  },
  {
    kind: "verdict-values-malformed",
    what: "a contract without values",
    document: { flow: step("j"), agents: [judge("j", "body", [])] },
    level: "warn",
    pointer: "/agents/0/verdict/values",
  },
  {
    kind: "verdict-without-contract",
    what: "a compared output without a contract",
    document: { flow: seq(step("a"), branch(eq("$.a", "PASS"))), agents: [agent("a")] },
    level: "info",
    pointer: "/flow/children/1/cond",
  },
  {
    kind: "write-under-scalar",
    what: "a write below a loop's counter",
    document: {
      flow: seq(assign("$.x", lit(1)), step("a", "$.x.y")),
      agents: [agent("a")],
    },
    level: "warn",
    pointer: "/flow/children/1/out",
  },
];

/** Reported by linting only. */
export const doctorRows: readonly LintRow[] = [
  {
    kind: "verdict-contract-never-read",
    what: "a contract no condition reads",
    document: { flow: step("j"), agents: [judge("j", "body", ["PASS"])] },
    level: "warn",
    pointer: "/agents/0/verdict",
  },
  {
    kind: "agent-md-size",
    what: "a prompt of 200 lines",
    document: { flow: step("a"), agents: [agent("a", { profile: { system_prompt: "x\n".repeat(199) } })] },
    level: "warn",
    pointer: "/agents/0/profile/system_prompt",
  },
  {
    kind: "tool-unknown-mcp-ref",
    what: "a tool the host's MCP server lacks",
    document: { flow: step("a"), agents: [agent("a", { profile: { tools: ["Read", "mcp__mse__gone"] } })] },
    environment: { mcpTools: new Set(["bp_build"]) },
    level: "warn",
    pointer: "/agents/0/profile/tools/1",
  },
  {
    kind: "output-contract-missing",
    what: "a prompt without expected_output",
    document: {
      flow: step("a"),
      agents: [agent("a", { profile: { system_prompt: "Do.", extras: { expected_output: { kind: "poem" } } } })],
    },
    level: "warn",
    pointer: "/agents/0/profile",
  },
  {
    kind: "binding-requirements-info",
    what: "an agent with a runner",
    document: { flow: step("o"), agents: [operator("o")], ...seat },
    level: "info",
    pointer: "/agents/0",
  },
  {
    kind: "strict-binding-without-runners",
    what: "strict_binding with nothing to attest",
    document: { strategy: { strict_binding: true } },
    level: "warn",
    pointer: "/strategy/strict_binding",
  },
  {
    kind: "legacy-worker-binding",
    what: "a runner from the profile",
    document: {
      flow: step("o"),
      agents: [{ ...operator("o"), runner: null, profile: { worker_binding: "general" } }],
      ...seat,
    },
    level: "warn",
    pointer: "/agents/0/profile/worker_binding",
  },
  {
    kind: "binding-resolution-error",
    what: "a default_runner that names nothing and nobody needs",
    document: { flow: step("a"), agents: [agent("a")], default_runner: "x" },
    level: "warn",
    pointer: "/default_runner",
  },
  {
    kind: "skip-on-missing-for-skip-like-verdict-value",
    what: "a SKIP without a guard",
    document: gated({ channel: "body", values: ["PASS", "skip"] }),
    level: "warn",
    pointer: "/agents/0/verdict/values/1",
  },
  {
    kind: "skip-on-declared-but-no-matching-verdict-value",
    what: "a guard for a word nobody declares",
    document: {
      flow: seq(step("a"), branch(isIn("$.a.parts.verdict", ["N/A"]))),
      agents: [agent("a")],
    },
    level: "warn",
    pointer: "/flow/children/1/cond",
  },
  {
    kind: "skip-on-pattern-conflicts-with-halt-on",
    what: "a word that skips and halts",
    document: {
      flow: seq(step("j"), branch(isIn("$.j.parts.verdict", ["NO"])), branch(eq("$.j.parts.verdict", "NO"))),
      agents: [judge("j", "part", ["NO"])],
    },
    level: "warn",
    pointer: "/flow/children/1/cond",
  },
  {
    kind: "context-policy-strips-projection-roots",
    what: "a policy that includes neither root",
    document: { flow: step("a"), agents: [agent("a", { meta: { context_policy: { include: ["topic"] } } })] },
    level: "warn",
    pointer: "/agents/0/meta/context_policy",
  },
  {
    kind: "projection-root-seed-missing",
    what: "a launch that seeds only the hidden root",
    document: { flow: step("a"), agents: [agent("a")], default_context_policy: { exclude: ["work_dir"] } },
    linting: { launch: { work_dir: "w" } },
    level: "warn",
    pointer: "/default_context_policy",
  },
  {
    kind: "wrapper-only-drift",
    what: "a tool only the runner names",
    document: {
      flow: step("o"),
      agents: [
        operator("o", {
          profile: { tools: ["Read"] },
          runner: { backend: "ws_operator", variant: "v", tools: ["Read", "Bash"] },
        }),
      ],
      ...seat,
    },
    level: "info",
    pointer: "/agents/0/profile/tools",
  },
  {
    kind: "unknown-lint-kind",
    what: "a misspelt key",
    document: { metadata: { lints: { "dead-gates": "allow" } } },
    level: "warn",
    pointer: "/metadata/lints/dead-gates",
  },
  {
    kind: "unknown-lint-kind",
    what: "a misspelt key of the call",
    document: {},
    linting: { lints: { "category:odd": "allow" } },
    level: "warn",
    pointer: undefined,
  },
  {
    kind: "non-suppressible-lint",
    what: "an error that is to be allowed",
    document: {
      flow: step("a"),
      agents: [agent("a", { lints: { "unresolved-agent-ref": "allow" } })],
    },
    level: "warn",
    pointer: "/agents/0/lints/unresolved-agent-ref",
  },
].map((row) => ({ linting: {}, ...row }) as LintRow);
