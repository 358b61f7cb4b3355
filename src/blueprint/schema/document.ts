/** Schema of the Blueprint document itself, and of what hangs directly off it. */
import { type Static, type TUnsafe, Type } from "@sinclair/typebox";
import type { JsonObject } from "../../flow/index.ts";
import { AgentDefSchema, AgentKindSchema, AgentMetaSchema, AgentProfileSchema, LintsSchema } from "./agent.ts";
import { ContextPolicySchema, MetaDefSchema, ProjectionPlacementSchema } from "./context.ts";
import { LayerOptionsSchema } from "./layers.ts";
import {
  closed,
  defaulted,
  flag,
  free,
  list,
  mapOf,
  maybe,
  named,
  oneWord,
  tagged,
  text,
  texts,
  whole,
} from "./object.ts";
import { RunnerDefSchema, SubprocessDefSchema } from "./runner.ts";

export const OperatorKindSchema = oneWord("How the holder of a seat takes part.", {
  automate: "Steps are served without a spawn hook.",
  main_ai: "An AI session is told of each step it is to start.",
  composite: "Both.",
});

export const OperatorDefSchema = closed("OperatorDef", "A seat: the place of an operator, filled per run.", {
  name: text("Name that `spec.operator_ref` uses; unique among `operators`."),
  display_name: maybe(text("For people.")),
  kind: maybe(OperatorKindSchema),
  spec: maybe(free("Carried, not interpreted.")),
  profile: maybe(AgentProfileSchema),
  meta: maybe(AgentMetaSchema),
});

export const AuditDefSchema = closed(
  "AuditDef",
  "An agent that looks at steps after they ran. It never changes their result.",
  {
    agent: text("Name of the auditing agent."),
    steps: maybe(texts("Agent names of the audited steps; absent or with `*`: every step.")),
    mode: defaulted(
      oneWord("Whether the flow waits for the audit.", { async: "The flow goes on.", sync: "The flow waits." }),
      "async",
    ),
  },
);

export const CompilerHintsSchema = closed("CompilerHints", "Hints for the compiler.", {
  per_agent: defaulted(mapOf(free("Hints for one agent."), "Hints by agent name."), {}),
  global: maybe(free("Carried, not interpreted.")),
});

export const CompilerStrategySchema = closed("CompilerStrategy", "How strict the compiler is.", {
  strict_refs: defaulted(flag("Refuse a step whose `ref` names no agent."), true),
  strict_kind: defaulted(flag("Refuse an agent of a kind this host does not serve."), true),
  strict_binding: defaulted(flag("Refuse a launch in which an agent's runner is not attested by its provider."), false),
});

export const SpawnerHintsSchema = closed("SpawnerHints", "Which middleware layers wrap the Blueprint's steps.", {
  layers: defaulted(texts("Layer names, innermost first."), []),
  options: maybe(LayerOptionsSchema),
});

const originKind = <const K extends string>(kind: K, description: string): TUnsafe<K> =>
  Type.Unsafe(Type.Literal(kind, { description }));

const open = { additionalProperties: true };
export const BlueprintOriginSchema = tagged("BlueprintOrigin", "kind", "Where the document came from; for people.", [
  Type.Object(
    { kind: originKind("inline", "Sent as it is.") },
    { ...open, $id: "InlineOrigin", description: "Sent as it is." },
  ),
  Type.Object(
    { kind: originKind("file", "Read from a file."), path: text("The file.") },
    { ...open, $id: "FileOrigin", description: "Read from a file." },
  ),
  Type.Object(
    { kind: originKind("algo", "Made by a program."), session_id: text("The session that made it.") },
    { ...open, $id: "AlgoOrigin", description: "Made by a program." },
  ),
]);

export const BlueprintMetadataSchema = closed("BlueprintMetadata", "Facts about the Blueprint.", {
  description: maybe(text("What the Blueprint does, in a sentence.")),
  origin: defaulted(BlueprintOriginSchema, { kind: "inline" }),
  tags: defaulted(texts("For people."), []),
  version_label: maybe(text("Semantic version that selectors such as `^1.2` look at.", { examples: ["1.0.0"] })),
  project_name_alias: maybe(text("Name of the project, put into every agent's context.")),
  default_run_ttl_secs: maybe(whole("How long a run may last, in seconds, when the launch does not say.", 0)),
  strict_verdict_handling: maybe(flag("Refuse declared verdict values that no condition handles. Old; use `lints`.")),
  lints: maybe(LintsSchema),
});

const strategyDefault: Static<typeof CompilerStrategySchema> = {
  strict_refs: true,
  strict_kind: true,
  strict_binding: false,
};
const metadataDefault: Static<typeof BlueprintMetadataSchema> = { origin: { kind: "inline" }, tags: [] };

export const BlueprintSchema = closed(
  "Blueprint",
  "A Blueprint: the flow of a multi-agent job, and the agents that serve it.",
  {
    schema_version: defaulted(
      text("Version of this document format, as semantic version. A newer major version is refused.", {
        examples: ["0.1.0"],
      }),
      "0.1.0",
    ),
    id: text("Name of the series of versions this document belongs to: lower-case letters, digits, `.`, `_` and `-`.", {
      examples: ["release-notes"],
    }),
    flow: named<JsonObject>("FlowNode", "The flow, in flow.ir."),
    agents: defaulted(list(AgentDefSchema, "The agents the flow's steps name."), []),
    operators: defaulted(list(OperatorDefSchema, "The seats operators take."), []),
    metas: defaulted(list(MetaDefSchema, "Named context objects."), []),
    hints: defaulted(CompilerHintsSchema, { per_agent: {} }),
    strategy: defaulted(CompilerStrategySchema, strategyDefault),
    metadata: defaulted(BlueprintMetadataSchema, metadataDefault),
    spawner_hints: defaulted(SpawnerHintsSchema, { layers: [] }),
    default_agent_kind: defaulted(AgentKindSchema, "operator"),
    default_operator_kind: maybe(OperatorKindSchema),
    default_init_ctx: maybe(free("Start values of the ctx; the launch's own keys win.")),
    default_agent_ctx: maybe(free("Context object under every agent's own.")),
    default_context_policy: maybe(ContextPolicySchema),
    projection_placement: maybe(ProjectionPlacementSchema),
    audits: defaulted(list(AuditDefSchema, "Agents that look at steps after they ran."), []),
    degradation_policy: maybe(
      oneWord("Carried, not interpreted.", { warn: "Carried, not interpreted.", fail: "Carried, not interpreted." }),
    ),
    runners: defaulted(list(RunnerDefSchema, "Runners under names."), []),
    default_runner: maybe(text("Name of the entry of `runners` for agents that name none.")),
    subprocesses: defaulted(list(SubprocessDefSchema, "Templates of child processes."), []),
    check_policy: maybe(
      oneWord("What happens when a step's output breaks its contract; the launch wins over it.", {
        silent: "Nothing.",
        warn: "A warning; the run goes on.",
        strict: "A warning, and the step fails.",
      }),
    ),
    blueprint_ref_includes: defaulted(
      texts("Further directories in which refs are looked up, below the document's own."),
      [],
    ),
  },
);
