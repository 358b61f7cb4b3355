/** Schema of an agent: its kind, persona, contract and policy. */
import { Type } from "@sinclair/typebox";
import { ContextPolicySchema } from "./context.ts";
import { closed, defaulted, flag, free, mapOf, maybe, oneWord, text, texts, whole } from "./object.ts";
import { RunnerSchema } from "./runner.ts";

export const AgentKindSchema = oneWord("What serves the agent's steps.", {
  operator: "A human or AI operator attached over WebSocket; `spec.operator_ref` names its seat.",
  lua: "A Lua chunk in the host's sandbox: `spec.source` (inline) or `spec.fn_id` (registered); `spec.host` grants host functions.",
  function: "A TypeScript function registered with the host: `spec.fn_id`.",
  rust_fn: "The same as `function`, under the name mlua-swarm gives it.",
  subprocess: "A child process: a `subprocess` runner with a template, or `spec.program` and `spec.args`.",
  agent_block: "An LLM agent inside the host, as mlua-swarm describes it.",
  llm: "One call of a language model.",
  swarm:
    "Another Blueprint, run as a step: `spec.blueprint`, and where they are wanted `spec.input` and `spec.output`.",
});

export const LintSettingSchema = oneWord("What happens to findings of a kind.", {
  allow: "Not reported.",
  warn: "Reported; the Blueprint still compiles.",
  deny: "An error: the Blueprint is refused.",
});

export const LintsSchema = mapOf(
  LintSettingSchema,
  "Lint levels. Keys: a lint kind, `category:<correctness|suspicious|style|contract|migration>`, or `all`; the most exact key wins.",
);

export const AgentProfileSchema = closed("AgentProfile", "An agent's persona.", {
  system_prompt: defaulted(
    text(
      "The persona, in Markdown. For operators and templated subprocesses a Jinja-like template over the step's input.",
    ),
    "",
  ),
  model: maybe(text("Model name or tier.")),
  effort: maybe(text("Effort the model is asked for; carried, not interpreted.")),
  tools: defaulted(texts("Tools the agent may use; a resolved runner's tools replace them."), []),
  description: maybe(text("What the agent is for, in a sentence.")),
  extras: maybe(
    free(
      "Whatever else an agent.md says. One convention is checked: `expected_output {kind: literal_enum|inline_markdown|file_sentinel, pattern?}`.",
    ),
  ),
  version_hash: maybe(text("BLAKE3 of the agent.md's body, 64 hex digits.")),
  worker_binding: maybe(text("Launch variant of a Claude Code runner. Old; declare a `runner` instead.")),
});

export const AgentMetaSchema = closed("AgentMeta", "Facts about an agent, and the context it gets.", {
  description: maybe(text("For people.")),
  version: maybe(text("For people.")),
  tags: defaulted(texts("For people."), []),
  ctx: maybe(free("Context object of this agent; wins over `meta_ref` and over `default_agent_ctx`.")),
  context_policy: maybe(ContextPolicySchema),
  meta_ref: maybe(text("Name of an entry of `metas` whose context lies under `ctx`.")),
  projection_name: maybe(text("Canonical name of this agent's step outputs.")),
});

export const VerdictContractSchema = closed(
  "VerdictContract",
  "The words an agent decides with; checked when it submits.",
  {
    channel: oneWord("Where the word is.", {
      body: "The step's output is the word; conditions read `$.<out>`.",
      part: "A part named `verdict` is the word; conditions read `$.<out>.parts.verdict`.",
    }),
    values: texts("Every word the agent may give."),
  },
);

export const RetryPolicySchema = closed("RetryPolicy", "What happens after a failed attempt.", {
  max_attempts: defaulted(whole("Attempts in all, the first included.", 1, 1_000), 1),
  backoff_ms: defaulted(whole("Pause before the second attempt, in milliseconds.", 0, 86_400_000), 1_000),
  backoff_factor: defaulted(
    Type.Number({ description: "Growth of the pause per further attempt.", minimum: 1, maximum: 100 }),
    2,
  ),
  max_backoff_ms: defaulted(whole("Ceiling of the pause, in milliseconds.", 0, 86_400_000), 60_000),
  jitter: defaulted(
    Type.Number({ description: "Share of the pause that is drawn at random, 0 to 1.", minimum: 0, maximum: 1 }),
    0.1,
  ),
  non_retryable: defaulted(texts("Error codes that end the step at once."), []),
});

export const AgentPolicySchema = closed("AgentPolicy", "How long, how often and how many at once.", {
  timeout_ms: maybe(whole("Deadline of one attempt, in milliseconds; absent: none.", 1, 2_592_000_000)),
  heartbeat_ms: maybe(
    whole(
      "The longest an attempt may go without a sign of life, in milliseconds: an event, or that it only waits; absent: any time.",
      1,
      2_592_000_000,
    ),
  ),
  retry: maybe(RetryPolicySchema),
  concurrency: maybe(
    whole("Attempts of this agent under way at once over the whole host; absent: no limit.", 1, 100_000),
  ),
  idempotent: maybe(flag("Whether repeating an attempt is harmless. Default false.")),
  pure: maybe(
    flag(
      "Whether the agent has no effect outside the host. Default: inferred for Lua agents without host grants, else false.",
    ),
  ),
});

export const AgentDefSchema = closed("AgentDef", "An agent: who serves the steps whose `ref` is its name.", {
  name: text("Name that steps (`ref`) and audits use; unique among `agents`."),
  kind: AgentKindSchema,
  spec: defaulted(free("What the agent's kind needs to know; see `kind`. Keys it does not know are left alone."), null),
  profile: maybe(AgentProfileSchema),
  meta: maybe(AgentMetaSchema),
  runner: maybe(RunnerSchema),
  runner_ref: maybe(text("Name of an entry of `runners`; `runner` wins over it.")),
  verdict: maybe(VerdictContractSchema),
  policy: maybe(AgentPolicySchema),
  lints: maybe(LintsSchema),
});
