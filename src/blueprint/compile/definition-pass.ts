/**
 * What a document defines: names given twice, things nobody uses, fields without effect, contexts of the wrong type.
 */
import { isJsonObject, ownValue, walkSteps } from "../../flow/index.ts";
import type { AgentDef } from "../schema.ts";
import { agentElement, agentPointer, type Compilation, pointerOf } from "./compilation.ts";

/** The agents by name, first definition first; a second one of a name is reported and left out. */
export function uniqueAgents({ blueprint, report }: Compilation): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const [index, agent] of blueprint.agents.entries()) {
    const earlier = first.get(agent.name);
    if (earlier === undefined) {
      first.set(agent.name, index);
      continue;
    }
    report("duplicate-agent-name", {
      message: `two agents are called '${agent.name}'`,
      pointer: agentPointer({ index }, "name"),
      element: agentElement(agent.name),
      notes: [`the first is at ${pointerOf("agents", earlier)}`],
      help: "rename one of them",
    });
  }
  return first;
}

/** Operators, metas, runners and templates with a name that an earlier one has. */
export function checkDuplicates({ blueprint, report }: Compilation): void {
  for (const list of ["operators", "metas", "runners", "subprocesses"] as const) {
    const first = new Map<string, number>();
    for (const [index, { name }] of blueprint[list].entries()) {
      const earlier = first.get(name);
      if (earlier === undefined) {
        first.set(name, index);
        continue;
      }
      report("duplicate-name", {
        message: `${list} has two entries called '${name}'; the first counts`,
        pointer: pointerOf(list, index, "name"),
        element: { type: "blueprint_root" },
        notes: [`the first is at ${pointerOf(list, earlier)}`],
        help: "rename or drop one of them",
      });
    }
  }
}

/** Agents that no step and no audit names, and definitions that nothing names. */
export function checkUnused({ blueprint, flow, report }: Compilation): void {
  if (flow === undefined) return;
  const dispatched = new Set(blueprint.audits.map((audit) => audit.agent));
  const metasNamed = new Set<string>();
  let metasOpen = false;
  walkSteps(flow, ({ node }) => {
    dispatched.add(node.ref);
    if (node.in.op !== "lit") {
      // A computed input may carry a $step_meta of any name.
      metasOpen = true;
      return;
    }
    const envelope = isJsonObject(node.in.value) ? ownValue(node.in.value, "$step_meta") : undefined;
    const ref = isJsonObject(envelope) ? ownValue(envelope, "ref") : undefined;
    if (typeof ref === "string") metasNamed.add(ref);
  });
  for (const [index, agent] of blueprint.agents.entries()) {
    if (dispatched.has(agent.name)) continue;
    report("unused-agent", {
      message: `no step and no audit names the agent '${agent.name}'`,
      pointer: agentPointer({ index }),
      element: agentElement(agent.name),
      help: "add a step for it, or drop it",
    });
  }

  for (const agent of blueprint.agents) if (agent.meta?.meta_ref !== undefined) metasNamed.add(agent.meta.meta_ref);
  const runnersNamed = new Set(blueprint.agents.flatMap((agent) => agent.runner_ref ?? []));
  if (blueprint.default_runner !== undefined) runnersNamed.add(blueprint.default_runner);
  const templatesNamed = new Set(
    [
      ...blueprint.agents.map((agent) => agent.runner),
      ...blueprint.runners.map((definition) => definition.runner),
    ].flatMap((runner) => (runner?.backend === "subprocess" ? runner.template : [])),
  );
  const seatsNamed = new Set(blueprint.agents.flatMap(seatOf));
  const named = { operators: seatsNamed, metas: metasNamed, runners: runnersNamed, subprocesses: templatesNamed };
  for (const list of ["operators", "metas", "runners", "subprocesses"] as const) {
    if (list === "metas" && metasOpen) continue;
    for (const [index, { name }] of blueprint[list].entries()) {
      if (named[list].has(name)) continue;
      report("unused-definition", {
        message: `nothing names the entry '${name}' of ${list}`,
        pointer: pointerOf(list, index),
        element: { type: "blueprint_root" },
        help: "drop it, or name it where it is meant",
      });
    }
  }
}

function seatOf(agent: AgentDef): readonly string[] {
  const seat = isJsonObject(agent.spec) ? ownValue(agent.spec, "operator_ref") : undefined;
  return typeof seat === "string" ? [seat] : [];
}

/** Fields that are carried but decide nothing. */
export function checkInert({ blueprint, report }: Compilation): void {
  const inert = (field: string, keys: readonly (string | number)[], help: string): void =>
    report("inert-field", {
      message: `${field} has no effect`,
      pointer: pointerOf(...keys),
      element: { type: "blueprint_root" },
      help,
    });
  if (blueprint.degradation_policy !== undefined) {
    inert("degradation_policy", ["degradation_policy"], "drop it");
  }
  if (blueprint.hints.global !== undefined) inert("hints.global", ["hints", "global"], "drop it");
  for (const agent of Object.keys(blueprint.hints.per_agent)) {
    if (!blueprint.agents.some(({ name }) => name === agent)) continue;
    inert(`hints.per_agent of '${agent}'`, ["hints", "per_agent", agent], "drop it, or say it in the agent's spec");
  }
  for (const [index, operator] of blueprint.operators.entries()) {
    for (const field of ["spec", "profile", "meta"] as const) {
      const value = operator[field];
      if (value === undefined || value === null || (isJsonObject(value) && Object.keys(value).length === 0)) continue;
      inert(
        `'${field}' of the seat '${operator.name}'`,
        ["operators", index, field],
        "say it on the agents of the seat",
      );
    }
  }
  for (const [index, agent] of blueprint.agents.entries()) {
    if (agent.runner === undefined || agent.runner_ref === undefined) continue;
    inert(`runner_ref of '${agent.name}'`, ["agents", index, "runner_ref"], "drop it: the agent's own runner wins");
  }
}

/** Context tiers that are not objects, and so are left out of every agent's context. */
export function checkContexts({ blueprint, report }: Compilation): void {
  const refuse = (what: string, keys: readonly (string | number)[]): void =>
    report("context-not-object", {
      message: `${what} is not an object, so no context key comes from it`,
      pointer: pointerOf(...keys),
      element: { type: "blueprint_root" },
      help: "make it an object of context keys",
    });
  if (blueprint.default_agent_ctx !== undefined && !isJsonObject(blueprint.default_agent_ctx)) {
    refuse("default_agent_ctx", ["default_agent_ctx"]);
  }
  for (const [index, meta] of blueprint.metas.entries()) {
    if (!isJsonObject(meta.ctx)) refuse(`the context of the meta '${meta.name}'`, ["metas", index, "ctx"]);
  }
  for (const [index, agent] of blueprint.agents.entries()) {
    const ctx = agent.meta?.ctx;
    if (ctx !== undefined && !isJsonObject(ctx)) {
      refuse(`the context of the agent '${agent.name}'`, ["agents", index, "meta", "ctx"]);
    }
  }
}

/** Verdict contracts that no answer, or one answer twice, fits. */
export function checkContracts({ blueprint, report }: Compilation): void {
  for (const [index, agent] of blueprint.agents.entries()) {
    if (agent.verdict === undefined) continue;
    const { values } = agent.verdict;
    const twice = values.find((value, position) => values.indexOf(value) !== position);
    if (values.length > 0 && twice === undefined) continue;
    report("verdict-values-malformed", {
      message:
        values.length === 0
          ? `the verdict contract of '${agent.name}' has no values, so every answer breaks it`
          : `the verdict contract of '${agent.name}' has '${twice}' twice`,
      pointer: agentPointer({ index }, "verdict", "values"),
      element: agentElement(agent.name),
      help: values.length === 0 ? "list the words the agent may answer with, or drop the contract" : "drop one",
    });
  }
}
