/**
 * Who runs an agent: the tiers a runner comes from, and which backends can serve which kinds.
 *
 * R1  First hit wins: inline `runner`, `runner_ref`, `profile.worker_binding`, the Blueprint's `default_runner`, none.
 * R2  The Blueprint's default serves only agents of a kind its backend can serve; what an agent names itself it gets.
 */
import type { RunnerSource } from "./compiled.ts";
import { pointerTo } from "./json-pointer.ts";
import type { AgentDef, AgentKind, AgentProfile, Blueprint, Runner } from "./schema.ts";

/** The tag of a runner. */
export type RunnerBackend = Runner["backend"];

/** A name of a runner that is not defined. */
export interface UnknownRunner {
  /** The field that names it. */
  readonly field: "runner_ref" | "default_runner";
  readonly name: string;
}

/** What resolving came to. `unknown` is set where a name leads nowhere; the agent then has no runner. */
export interface RunnerResolution {
  readonly runner?: Runner;
  readonly source: RunnerSource;
  readonly unknown?: UnknownRunner;
}

const PAIRINGS: Readonly<Record<AgentKind, readonly RunnerBackend[]>> = {
  operator: ["ws_operator", "ws_claude_code"],
  agent_block: ["agent_block_in_process"],
  subprocess: ["subprocess"],
  lua: [],
  function: [],
  rust_fn: [],
  llm: [],
  swarm: [],
};

/** The backends that can serve agents of a kind; empty for kinds that need no runner. */
export function backendsFor(kind: AgentKind): readonly RunnerBackend[] {
  return PAIRINGS[kind];
}

/** Resolves the runner of one agent (R1, R2). */
export function resolveRunner(blueprint: Blueprint, agent: AgentDef): RunnerResolution {
  if (agent.runner !== undefined) return { runner: agent.runner, source: "agent_inline" };
  if (agent.runner_ref !== undefined) {
    const named = namedRunner(blueprint, agent.runner_ref);
    if (named !== undefined) return { runner: named, source: "agent_ref" };
    return { source: "none", unknown: { field: "runner_ref", name: agent.runner_ref } };
  }
  const variant = agent.profile?.worker_binding;
  if (variant !== undefined) {
    const runner: Runner = { backend: "ws_claude_code", variant, tools: agent.profile?.tools ?? [] };
    return { runner, source: "legacy_worker_binding" };
  }
  const backends = backendsFor(agent.kind);
  if (blueprint.default_runner === undefined || backends.length === 0) return { source: "none" };
  const fallback = namedRunner(blueprint, blueprint.default_runner);
  if (fallback === undefined) {
    return { source: "none", unknown: { field: "default_runner", name: blueprint.default_runner } };
  }
  return backends.includes(fallback.backend) ? { runner: fallback, source: "blueprint_default" } : { source: "none" };
}

/** Where in the document a resolved runner stands; the agent itself where it has none. */
export function runnerPointer(blueprint: Blueprint, index: number, source: RunnerSource): string {
  const agent = pointerTo("/agents", index);
  const named = (name: string | undefined): string => {
    const at = blueprint.runners.findIndex((definition) => definition.name === name);
    return `${pointerTo("/runners", at)}/runner`;
  };
  switch (source) {
    case "agent_inline":
      return `${agent}/runner`;
    case "agent_ref":
      return named(blueprint.agents[index]?.runner_ref);
    case "legacy_worker_binding":
      return `${agent}/profile/worker_binding`;
    case "blueprint_default":
      return named(blueprint.default_runner);
    case "none":
      return agent;
  }
}

function namedRunner(blueprint: Blueprint, name: string): Runner | undefined {
  return blueprint.runners.find((definition) => definition.name === name)?.runner;
}

/** The profile an agent really runs with: what an operator's or an in-process runner grants replaces its tools. */
export function projectProfile(
  profile: AgentProfile | undefined,
  runner: Runner | undefined,
): AgentProfile | undefined {
  if (profile === undefined || runner === undefined) return profile;
  switch (runner.backend) {
    case "ws_operator":
    case "ws_claude_code":
      return { ...profile, worker_binding: runner.variant, tools: runner.tools };
    case "agent_block_in_process": {
      const { worker_binding: _dropped, ...rest } = profile;
      return { ...rest, tools: runner.tools };
    }
    case "subprocess":
      return profile;
  }
}
