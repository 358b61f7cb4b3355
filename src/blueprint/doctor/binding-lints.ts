/**
 * Runners: what they ask of providers, and what about them is old, unresolvable or adrift.
 */
import { agentElement, agentPointer, type Compilation, listed, pointerOf } from "../compile/compilation.ts";
import { resolveRunner } from "../runner-resolution.ts";

/** Lints the runners of a Blueprint. */
export function lintBindings(compilation: Compilation): void {
  const { blueprint, report } = compilation;
  let attestable = 0;
  let defaultReached = false;
  for (const [index, agent] of blueprint.agents.entries()) {
    const { runner, source, unknown } = resolveRunner(blueprint, agent);
    defaultReached ||= unknown?.field === "default_runner";
    if (runner === undefined || runner.backend === "subprocess") continue;
    attestable += 1;
    const variant = "variant" in runner ? runner.variant : undefined;
    const model = agent.profile?.model;
    const tools = [...new Set(runner.tools)].sort();
    report("binding-requirements-info", {
      message: `agent '${agent.name}' asks its provider (${runner.backend}) for ${[
        ...(variant === undefined ? [] : [`the variant '${variant}'`]),
        ...(model === undefined ? [] : [`the model '${model}'`]),
        `the tools ${listed(tools)}`,
      ].join(", ")}`,
      pointer: agentPointer({ index }),
      element: agentElement(agent.name),
    });
    if (source === "legacy_worker_binding") {
      report("legacy-worker-binding", {
        message: `agent '${agent.name}' declares its runner as profile.worker_binding, the old way`,
        pointer: agentPointer({ index }, "profile", "worker_binding"),
        element: agentElement(agent.name),
        help: "declare a runner",
        suggestion: {
          message: "turn the binding into a runner",
          patch: [
            { op: "add", path: agentPointer({ index }, "runner"), value: { ...runner } },
            { op: "remove", path: agentPointer({ index }, "profile", "worker_binding") },
          ],
          applicability: "machine_applicable",
        },
      });
    }
    const declared = agent.profile?.tools ?? [];
    const adrift = source === "legacy_worker_binding" ? [] : tools.filter((tool) => !declared.includes(tool));
    if (declared.length > 0 && adrift.length > 0) {
      report("wrapper-only-drift", {
        message: `the runner of '${agent.name}' grants tools that its profile does not declare: ${listed(adrift)}`,
        pointer: agentPointer({ index }, "profile", "tools"),
        element: agentElement(agent.name),
        help: "declare them in the profile, so that both say the same",
      });
    }
  }
  if (blueprint.strategy.strict_binding && attestable === 0) {
    report("strict-binding-without-runners", {
      message: "strategy.strict_binding is set, but no agent has a runner that a provider could attest",
      pointer: "/strategy/strict_binding",
      element: { type: "blueprint_root" },
      help: "give agents runners, or drop strict_binding",
    });
  }
  lintUnreached(compilation, defaultReached);
}

/** Names that lead nowhere in places no agent reaches; where one does, compiling reports it. */
function lintUnreached({ blueprint, report }: Compilation, defaultReached: boolean): void {
  const names = blueprint.runners.map((definition) => definition.name);
  const fallback = blueprint.default_runner;
  if (fallback !== undefined && !defaultReached && !names.includes(fallback)) {
    report("binding-resolution-error", {
      message: `default_runner names the runner '${fallback}', which runners does not have; no agent needs it`,
      pointer: "/default_runner",
      element: { type: "blueprint_root" },
      notes: [`runners: ${listed(names)}`],
      help: "add it to runners, or drop default_runner",
    });
  }
  const templates = new Set(blueprint.subprocesses.map((definition) => definition.name));
  const used = new Set(blueprint.agents.map((agent) => resolveRunner(blueprint, agent).runner));
  for (const [index, { name, runner }] of blueprint.runners.entries()) {
    if (runner.backend !== "subprocess" || templates.has(runner.template) || used.has(runner)) continue;
    report("binding-resolution-error", {
      message: `the runner '${name}' names the template '${runner.template}', which subprocesses does not have; no agent uses it`,
      pointer: pointerOf("runners", index, "runner", "template"),
      element: { type: "blueprint_root" },
      notes: [`templates: ${listed(templates)}`],
      help: "add the template, or drop the runner",
    });
  }
}
