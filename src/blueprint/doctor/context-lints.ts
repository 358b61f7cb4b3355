/**
 * Context policies against the roots that step outputs are written below.
 */
import type { JsonObject } from "../../flow/index.ts";
import { agentContextTiers } from "../compile/agent-context.ts";
import { agentElement, agentPointer, type Compilation } from "../compile/compilation.ts";
import type { ContextPolicy } from "../schema.ts";

const ROOTS = ["work_dir", "project_root"] as const;

/** Lints context policies. `launch` is the context a launch would seed; absent: what a launch seeds is not looked at. */
export function lintContexts({ blueprint, report }: Compilation, launch: JsonObject | undefined): void {
  for (const [index, agent] of blueprint.agents.entries()) {
    const policy = agent.meta?.context_policy ?? blueprint.default_context_policy;
    const visible = ROOTS.filter((root) => allows(policy, root));
    const pointer =
      agent.meta?.context_policy === undefined
        ? "/default_context_policy"
        : agentPointer({ index }, "meta", "context_policy");
    if (visible.length === 0) {
      report("context-policy-strips-projection-roots", {
        message: `the context policy of '${agent.name}' hides both work_dir and project_root`,
        pointer,
        element: agentElement(agent.name),
        help: "let one of them through",
      });
      continue;
    }
    if (launch === undefined) continue;
    const seeded = [launch, ...agentContextTiers(blueprint, agent).map((tier) => tier.context)];
    if (visible.some((root) => seeded.some((context) => Object.hasOwn(context, root)))) continue;
    report("projection-root-seed-missing", {
      message: `a launch like this one gives '${agent.name}' neither work_dir nor project_root, so its output is not written to a file`,
      pointer: policy === undefined ? agentPointer({ index }) : pointer,
      element: agentElement(agent.name),
      help: "launch with one of them, or let the one that is given through the context policy",
    });
  }
}

function allows(policy: ContextPolicy | undefined, key: string): boolean {
  if (policy === undefined) return true;
  return !policy.exclude.includes(key) && (policy.include === undefined || policy.include.includes(key));
}
