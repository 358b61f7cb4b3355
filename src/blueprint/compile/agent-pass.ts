/**
 * From agents as authored to agents as compiled: kind, runner, profile, plan, context, policy, purity, digest.
 */
import { isJsonObject } from "../../flow/index.ts";
import { bindingDigest } from "../binding-digest.ts";
import type { AgentPlan, CompiledAgent, RunnerSource, StepPolicy } from "../compiled.ts";
import { nearestName } from "../nearest-name.ts";
import { inspectPrompt, isPromptRendered } from "../prompt-facts.ts";
import { backendsFor, projectProfile, resolveRunner, runnerPointer } from "../runner-resolution.ts";
import type { AgentPolicy, AgentProfile, Blueprint, Runner } from "../schema.ts";
import { agentContextTiers, mergedContext } from "./agent-context.ts";
import { planAgent } from "./agent-plan.ts";
import type { PlannedAgent } from "./agent-spec.ts";
import {
  type AgentCompilation,
  type AgentSite,
  agentElement,
  agentPointer,
  type Compilation,
  listed,
} from "./compilation.ts";

/** Compiles the agents at these places, by name. One with errors is missing from the result, and its errors reported. */
export function compileAgents(
  compilation: AgentCompilation,
  places: ReadonlyMap<string, number>,
): ReadonlyMap<string, CompiledAgent> {
  const compiled = new Map<string, CompiledAgent>();
  for (const [name, index] of places) {
    const agent = compilation.blueprint.agents[index];
    const result = agent === undefined ? undefined : compileAgent(compilation, { agent, index });
    if (result !== undefined) compiled.set(name, result);
  }
  return compiled;
}

function compileAgent(compilation: AgentCompilation, site: AgentSite): CompiledAgent | undefined {
  const { blueprint } = compilation;
  const { agent } = site;
  const served = checkKind(compilation, site);
  const resolution = resolveRunner(blueprint, agent);
  const { runner, source, unknown } = resolution;
  if (unknown !== undefined) {
    const names = blueprint.runners.map((definition) => definition.name);
    const near = nearestName(unknown.name, names);
    compilation.report("bound-agent-resolution", {
      message: `agent '${agent.name}': ${unknown.field} names the runner '${unknown.name}', which runners does not have`,
      pointer: unknown.field === "runner_ref" ? agentPointer(site, "runner_ref") : "/default_runner",
      element: agentElement(agent.name),
      notes: [`runners: ${listed(names)}`],
      help: near === undefined ? "add it to runners" : `did you mean '${near}'?`,
    });
  }
  const planned: PlannedAgent = {
    ...site,
    profile: projectProfile(agent.profile, runner),
    runner,
    runnerUnknown: unknown !== undefined,
    runnerPointer: runnerPointer(blueprint, site.index, source),
  };
  checkRunner(compilation, planned, source);
  const plan = planAgent(compilation, planned);
  const pure = inferPurity(compilation, site);
  if (!served || unknown !== undefined || plan === undefined) return undefined;
  checkPrompt(compilation, planned, plan);
  return assemble(blueprint, planned, plan, source, pure);
}

/** Whether this host serves the agent's kind. */
function checkKind({ blueprint, environment, report }: Compilation, site: AgentSite): boolean {
  const { kind, name } = site.agent;
  const { kinds } = environment;
  if (kinds === undefined || kinds.has(kind) || (kind === "rust_fn" && kinds.has("function"))) return true;
  const strict = blueprint.strategy.strict_kind;
  report("unknown-agent-kind", {
    ...(strict ? {} : { level: "warn" }),
    message: `this host has no worker for agents of kind '${kind}'${strict ? "" : `; '${name}' is left out`}`,
    pointer: agentPointer(site, "kind"),
    element: agentElement(name),
    notes: [`kinds: ${listed(kinds)}`],
    help: "register a worker for the kind, or set strategy.strict_kind to false to have such agents left out",
  });
  return false;
}

/** A runner the kind cannot use, and tools that get lost to a runner's. */
function checkRunner({ report }: Compilation, planned: PlannedAgent, source: RunnerSource): void {
  const { agent, runner } = planned;
  if (runner === undefined) return;
  const backends = backendsFor(agent.kind);
  if (!backends.includes(runner.backend)) {
    report("runner-kind-mismatch", {
      message: `agent '${agent.name}' of kind '${agent.kind}' has a ${runner.backend} runner, which cannot serve it`,
      pointer: planned.runnerPointer,
      element: agentElement(agent.name),
      notes: [
        backends.length === 0
          ? `agents of kind '${agent.kind}' need no runner`
          : `runners for '${agent.kind}': ${listed(backends)}`,
      ],
      help: "change the agent's kind, or its runner",
    });
  }
  if (source === "legacy_worker_binding" || runner.backend === "subprocess") return;
  const granted = new Set(runner.tools);
  const lost = (agent.profile?.tools ?? []).filter((tool) => !granted.has(tool));
  if (lost.length === 0) return;
  report("profile-tools-replaced", {
    message: `agent '${agent.name}' declares tools that its runner does not grant: ${listed(lost)}`,
    pointer: agentPointer(planned, "profile", "tools"),
    element: agentElement(agent.name),
    notes: [`the runner's tools replace the profile's; it grants: ${listed(granted)}`],
    help: "list the tools on the runner, or drop them from the profile",
  });
}

/** Prompts that are rendered when the agent is spawned must render. */
function checkPrompt({ report }: Compilation, planned: PlannedAgent, plan: AgentPlan): void {
  if (!isPromptRendered(plan)) return;
  const { problem } = inspectPrompt(planned.profile?.system_prompt ?? "");
  if (problem === undefined) return;
  report("prompt-template", {
    message: `the system prompt of '${planned.agent.name}' cannot be rendered: ${problem}`,
    pointer: agentPointer(planned, "profile", "system_prompt"),
    element: agentElement(planned.agent.name),
    notes: [`the prompt of a ${plan.kind} agent is a template over the step's input`],
    help: "wrap literal braces in {% raw %} ... {% endraw %}",
  });
}

/** Whether the agent has no effect outside the host. A policy that claims more than the kind can hold is reported. */
function inferPurity({ environment, report }: Compilation, site: AgentSite): boolean {
  const { agent } = site;
  const claimed = agent.policy?.pure;
  switch (agent.kind) {
    case "lua": {
      const grants = isJsonObject(agent.spec) && Object.hasOwn(agent.spec, "host") ? agent.spec["host"] : [];
      return claimed ?? (Array.isArray(grants) && grants.length === 0);
    }
    case "function":
    case "rust_fn": {
      const fnId = isJsonObject(agent.spec) && Object.hasOwn(agent.spec, "fn_id") ? agent.spec["fn_id"] : undefined;
      return claimed ?? (typeof fnId === "string" && environment.functions.get(fnId)?.pure === true);
    }
    default:
      if (claimed === true) {
        report("invalid-policy", {
          message: `agent '${agent.name}' cannot be pure: agents of kind '${agent.kind}' act outside the host`,
          pointer: agentPointer(site, "policy", "pure"),
          element: agentElement(agent.name),
          help: "drop policy.pure; if repeating the step does no harm, set policy.idempotent",
        });
      }
      return false;
  }
}

function assemble(
  blueprint: Blueprint,
  { agent, profile, runner }: PlannedAgent,
  plan: AgentPlan,
  runnerSource: RunnerSource,
  pure: boolean,
): CompiledAgent {
  const contextPolicy = agent.meta?.context_policy ?? blueprint.default_context_policy;
  const undigested: Omit<CompiledAgent, "bindingDigest"> = {
    name: agent.name,
    kind: agent.kind === "rust_fn" ? "function" : agent.kind,
    plan,
    ...optional("profile", profile),
    ...optional("runner", runner),
    runnerSource,
    ...optional("contextPolicy", contextPolicy),
    context: mergedContext(agentContextTiers(blueprint, agent)),
    ...optional("verdict", agent.verdict),
    policy: stepPolicy(agent.policy, pure),
    pure,
  };
  return { ...undigested, bindingDigest: bindingDigest(undigested) };
}

function optional<K extends string, V extends AgentProfile | Runner | object>(
  key: K,
  value: V | undefined,
): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

/** An authored policy with its defaults. A pure agent may be repeated, whatever it says. */
function stepPolicy(policy: AgentPolicy | undefined, pure: boolean): StepPolicy {
  const retry = policy?.retry;
  return {
    ...(policy?.timeout_ms === undefined ? {} : { timeoutMs: policy.timeout_ms }),
    ...(policy?.heartbeat_ms === undefined ? {} : { heartbeatMs: policy.heartbeat_ms }),
    retry: {
      maxAttempts: retry?.max_attempts ?? 1,
      backoffMs: retry?.backoff_ms ?? 1_000,
      backoffFactor: retry?.backoff_factor ?? 2,
      maxBackoffMs: retry?.max_backoff_ms ?? 60_000,
      jitter: retry?.jitter ?? 0.1,
      nonRetryable: retry?.non_retryable ?? [],
    },
    ...(policy?.concurrency === undefined ? {} : { concurrency: policy.concurrency }),
    idempotent: pure || policy?.idempotent === true,
  };
}
