/**
 * The plan of an agent: what its worker needs, checked by kind.
 *
 * Owns: the `spec` keys each kind reads. Subprocesses are in subprocess-plan.ts, swarms in swarm-plan.ts.
 * A kind's factory answers undefined where it reported why there is no plan.
 */
import type { AgentPlan } from "../compiled.ts";
import { nearestName } from "../nearest-name.ts";
import { type PlannedAgent, refuseSpec, specKey, specText } from "./agent-spec.ts";
import { type AgentCompilation, agentElement, agentPointer, type Compilation, listed } from "./compilation.ts";
import { planSubprocess } from "./subprocess-plan.ts";
import { planSwarm } from "./swarm-plan.ts";

/** Plans one agent. */
export function planAgent(compilation: AgentCompilation, planned: PlannedAgent): AgentPlan | undefined {
  switch (planned.agent.kind) {
    case "lua":
      return planLua(compilation, planned);
    case "function":
    case "rust_fn":
      return planFunction(compilation, planned);
    case "subprocess":
      return planSubprocess(compilation, planned);
    case "operator":
      return planOperator(compilation, planned);
    case "agent_block":
      return planAgentBlock(compilation, planned);
    case "swarm":
      return planSwarm(compilation, planned);
    case "llm":
      return openPlan(planned, planned.agent.kind);
  }
}

function planLua(compilation: Compilation, planned: PlannedAgent): AgentPlan | undefined {
  const { environment, report } = compilation;
  const { name } = planned.agent;
  const label = specText(compilation, planned, "label") ?? `${name}.lua`;
  const host = hostGrants(compilation, planned);
  const source = specText(compilation, planned, "source");
  if (source !== undefined) {
    const problem = environment.checkLua?.(source, label);
    if (problem !== undefined) {
      report("lua-syntax", {
        message: `agent '${name}': ${problem.message}`,
        pointer: agentPointer(planned, "spec", "source"),
        element: agentElement(name),
        notes: problem.line === undefined ? [] : [`line ${problem.line} of the chunk ${label}`],
      });
    }
    return host === undefined ? undefined : { kind: "lua", source, label, host };
  }
  const fnId = specText(compilation, planned, "fn_id");
  if (fnId === undefined) {
    return refuseSpec(compilation, planned, {
      message: "a lua agent needs spec.source (a chunk) or spec.fn_id (a registered script)",
    });
  }
  if (!environment.luaScripts.has(fnId)) {
    return refuseUnregistered(compilation, planned, "Lua script", fnId, environment.luaScripts);
  }
  return host === undefined ? undefined : { kind: "lua", fnId, label, host };
}

/** The granted host functions, sorted, each once. */
function hostGrants(compilation: Compilation, planned: PlannedAgent): readonly string[] | undefined {
  const { environment, report } = compilation;
  const { name } = planned.agent;
  const host = specKey(planned, "host") ?? [];
  if (!Array.isArray(host) || !host.every((grant) => typeof grant === "string")) {
    return refuseSpec(compilation, planned, {
      message: "spec.host must be a list of host function names",
      pointer: agentPointer(planned, "spec", "host"),
    });
  }
  let known = true;
  for (const [index, grant] of host.entries()) {
    if (environment.hostFunctions.has(grant)) continue;
    known = false;
    const near = nearestName(grant, environment.hostFunctions);
    report("unknown-host-grant", {
      message: `agent '${name}' asks for host.${grant}, which this host does not offer`,
      pointer: agentPointer(planned, "spec", "host", index),
      element: agentElement(name),
      notes: [`host functions: ${listed(environment.hostFunctions)}`],
      ...(near === undefined ? {} : { help: `did you mean '${near}'?` }),
    });
  }
  return known ? [...new Set<string>(host)].sort() : undefined;
}

function planFunction(compilation: Compilation, planned: PlannedAgent): AgentPlan | undefined {
  const { functions } = compilation.environment;
  const fnId = specText(compilation, planned, "fn_id");
  if (fnId === undefined) {
    return refuseSpec(compilation, planned, {
      message: `a ${planned.agent.kind} agent needs spec.fn_id, the id of a registered function`,
      notes: [`registered functions: ${listed(functions.keys())}`],
    });
  }
  if (!functions.has(fnId)) return refuseUnregistered(compilation, planned, "function", fnId, functions.keys());
  return { kind: "function", fnId };
}

function refuseUnregistered(
  compilation: Compilation,
  planned: PlannedAgent,
  what: string,
  fnId: string,
  registered: Iterable<string>,
): undefined {
  const known = [...registered];
  const near = nearestName(fnId, known);
  return refuseSpec(compilation, planned, {
    message: `no ${what} '${fnId}' is registered with this host`,
    pointer: agentPointer(planned, "spec", "fn_id"),
    notes: [`registered: ${listed(known)}`],
    help: near === undefined ? `register it, or name one that is registered` : `did you mean '${near}'?`,
  });
}

function planOperator(compilation: Compilation, planned: PlannedAgent): AgentPlan | undefined {
  const { agent, profile } = planned;
  const seat = specText(compilation, planned, "operator_ref");
  if (seat === undefined) {
    refuseSpec(compilation, planned, {
      message: "an operator agent needs spec.operator_ref, the name of a seat in operators",
      notes: [`declared seats: ${listed(compilation.blueprint.operators.map((operator) => operator.name))}`],
    });
  }
  const binding = operatorBinding(planned);
  if (binding === undefined && !planned.runnerUnknown) {
    compilation.report("worker-binding-missing", {
      message: `operator agent '${agent.name}' has no runner, so its seat's holder cannot know which worker to launch`,
      pointer: agentPointer(planned),
      element: agentElement(agent.name),
      notes: [
        "give the agent a runner { backend: ws_operator, variant, tools }, or name one of runners with runner_ref",
        "default_runner serves every agent of the Blueprint that names none",
      ],
      help: "add an inline ws_operator runner",
      suggestion: {
        message: "add a ws_operator runner and fill in the variant",
        patch: [
          {
            op: "add",
            path: agentPointer(planned, "runner"),
            value: { backend: "ws_operator", variant: "<variant>" },
          },
        ],
        applicability: "has_placeholders",
      },
    });
  }
  if (seat === undefined || binding === undefined) return undefined;
  return { kind: "operator", seat, systemPrompt: profile?.system_prompt ?? "", binding };
}

function operatorBinding({ runner, profile }: PlannedAgent) {
  if (runner?.backend === "ws_operator" || runner?.backend === "ws_claude_code") {
    return { backend: runner.backend, variant: runner.variant, tools: runner.tools };
  }
  // Beside a runner of another backend an old-style binding still counts.
  const variant = profile?.worker_binding;
  return variant === undefined ? undefined : { backend: "ws_claude_code", variant, tools: profile?.tools ?? [] };
}

function planAgentBlock(compilation: Compilation, planned: PlannedAgent): AgentPlan | undefined {
  const tool = planned.profile?.tools.find((name) => name.startsWith("mcp__")) ?? runnerMcpTool(planned);
  if (typeof specKey(planned, "script_path") === "string" && tool !== undefined) {
    return refuseSpec(compilation, planned, {
      message: `spec.script_path and the tool '${tool}' exclude each other: a script is run as it is, with no server granted`,
      pointer: agentPointer(planned, "spec", "script_path"),
      help: "call mcp.connect in the script, or drop script_path to run prompt-based (PromptBasedAgent)",
    });
  }
  return openPlan(planned, "agent_block");
}

function runnerMcpTool({ runner }: PlannedAgent): string | undefined {
  return runner?.backend === "agent_block_in_process"
    ? runner.tools.find((name) => name.startsWith("mcp__"))
    : undefined;
}

function openPlan({ agent, profile, runner }: PlannedAgent, kind: "agent_block" | "llm"): AgentPlan {
  const granted = runner?.backend === "agent_block_in_process" ? runner.tools : undefined;
  return {
    kind,
    spec: agent.spec,
    systemPrompt: profile?.system_prompt ?? "",
    tools: granted ?? profile?.tools ?? [],
  };
}
