/**
 * A dry run of one agent: what it would be run with, and where each part of that comes from. Plain JSON, for people and
 * for programs. Agrees with what a run does, since it reads the same compiled agent.
 */
import type { Json } from "../flow/index.ts";
import { agentContextTiers, type ContextTier } from "./compile/agent-context.ts";
import type { AgentPlan, CompiledAgent, CompiledBlueprint, RunnerSource, StepPolicy } from "./compiled.ts";
import { type LayerInStack, layersOf } from "./layer-order.ts";
import { projectionStem } from "./projection-placement.ts";
import { inspectPrompt, isPromptRendered } from "./prompt-facts.ts";
import { backendsFor } from "./runner-resolution.ts";
import type { ContextPolicy, Runner, VerdictContract } from "./schema.ts";
import { buildStepNaming, stepAliases } from "./step-naming.ts";

/** What would be used for one agent. */
export interface AgentExplanation {
  readonly blueprint: { readonly id: string; readonly version: string };
  readonly agent: { readonly name: string; readonly kind: CompiledAgent["kind"] };
  readonly plan: AgentPlan;
  readonly runner: {
    readonly resolved: Runner | null;
    readonly source: RunnerSource;
    /** Why the runner cannot serve the agent's kind, if so. */
    readonly warning: string | null;
    readonly binding_digest: string;
  };
  readonly tools: {
    /** As the profile declares them. */
    readonly declared: readonly string[];
    /** As the agent gets them. */
    readonly effective: readonly string[];
  };
  /** Null where the agent has none. */
  readonly system_prompt: {
    readonly bytes: number;
    readonly lines: number;
    /** Whether it is rendered over the step's input when the agent is run. */
    readonly rendered: boolean;
    readonly template_variables: readonly string[];
    readonly template_error: string | null;
  } | null;
  /** The agent's own context by key; what a launch or a step supplies wins over it. */
  readonly context: Readonly<Record<string, { readonly value: Json; readonly tier: ContextTier["tier"] }>>;
  readonly context_policy: ContextPolicy | null;
  readonly output: {
    /** The name its outputs go by; null where no step dispatches it. */
    readonly name: string | null;
    readonly aliases: readonly string[];
    /** Below the launch's root; `{task_id}` stands for the step's id. */
    readonly file: string | null;
    /** Names it would have had, but another step has. */
    readonly lost_names: readonly { readonly name: string; readonly owner: string }[];
  };
  /** The layers around its worker, outermost first. */
  readonly layers: readonly LayerInStack[];
  readonly verdict: VerdictContract | null;
  readonly policy: StepPolicy;
  readonly pure: boolean;
}

/** Explains the agent called `name`, or undefined where the compiled Blueprint has none of that name. */
export function explainAgent(compiled: CompiledBlueprint, name: string): AgentExplanation | undefined {
  const agent = compiled.agents.get(name);
  const authored = compiled.blueprint.agents.find((definition) => definition.name === name);
  if (agent === undefined || authored === undefined) return undefined;
  const backends = backendsFor(authored.kind);
  const mismatch = agent.runner !== undefined && !backends.includes(agent.runner.backend);
  const canonical = compiled.naming.canonical.get(name);
  return {
    blueprint: { id: compiled.blueprint.id, version: compiled.version },
    agent: { name, kind: agent.kind },
    plan: agent.plan,
    runner: {
      resolved: agent.runner ?? null,
      source: agent.runnerSource,
      warning: mismatch ? `a ${agent.runner?.backend} runner cannot serve an agent of kind '${authored.kind}'` : null,
      binding_digest: agent.bindingDigest,
    },
    tools: { declared: authored.profile?.tools ?? [], effective: toolsOf(agent) },
    system_prompt: explainPrompt(agent),
    context: explainContext(agentContextTiers(compiled.blueprint, authored)),
    context_policy: agent.contextPolicy ?? null,
    output: {
      name: canonical ?? null,
      aliases: stepAliases(compiled.naming, name),
      file: canonical === undefined ? null : `${compiled.placement.dirTemplate}/${projectionStem(canonical)}.md`,
      lost_names: lostNames(compiled, name),
    },
    layers: layersOf(compiled, name),
    verdict: agent.verdict ?? null,
    policy: agent.policy,
    pure: agent.pure,
  };
}

function toolsOf({ plan, profile }: CompiledAgent): readonly string[] {
  switch (plan.kind) {
    case "subprocess":
      return plan.form === "template" ? plan.tools : [];
    case "operator":
      return plan.binding?.tools ?? [];
    case "agent_block":
    case "llm":
      return plan.tools;
    case "swarm":
    case "lua":
    case "function":
      return profile?.tools ?? [];
  }
}

function explainPrompt({ plan, profile }: CompiledAgent): AgentExplanation["system_prompt"] {
  const prompt = profile?.system_prompt ?? "";
  if (prompt === "") return null;
  const rendered = isPromptRendered(plan);
  const { variables, problem } = rendered ? inspectPrompt(prompt) : { variables: [], problem: undefined };
  return {
    bytes: Buffer.byteLength(prompt),
    lines: prompt.split("\n").length,
    rendered,
    template_variables: variables,
    template_error: problem ?? null,
  };
}

function explainContext(tiers: readonly ContextTier[]): AgentExplanation["context"] {
  return Object.fromEntries(
    tiers
      .toReversed()
      .flatMap(({ tier, context }) => Object.entries(context).map(([key, value]) => [key, { value, tier }] as const)),
  );
}

function lostNames({ blueprint, program }: CompiledBlueprint, name: string) {
  const declared = new Map(
    blueprint.agents.flatMap((agent) =>
      agent.meta?.projection_name === undefined ? [] : [[agent.name, agent.meta.projection_name] as const],
    ),
  );
  return buildStepNaming(program.root, declared)
    .shared.filter(({ others }) => others.includes(name))
    .map((shared) => ({ name: shared.name, owner: shared.owner }));
}
