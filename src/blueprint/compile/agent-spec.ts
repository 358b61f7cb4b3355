/**
 * Reading an agent's `spec`, which is free JSON: typed look-ups, and the two ways to object.
 *
 * A key of the wrong type counts as absent, as it does for the reference system, but is reported.
 */
import { isJsonObject, type Json, ownValue } from "../../flow/index.ts";
import type { AgentProfile, Runner } from "../schema.ts";
import { type AgentSite, agentElement, agentPointer, type Compilation } from "./compilation.ts";

/** An agent with everything a plan is made of. */
export interface PlannedAgent extends AgentSite {
  /** With what its runner grants put in. */
  readonly profile: AgentProfile | undefined;
  readonly runner: Runner | undefined;
  /** Whether it names a runner that does not exist, which is reported already. */
  readonly runnerUnknown: boolean;
  /** Where the runner stands in the document; the agent itself where it has none. */
  readonly runnerPointer: string;
}

/** A key of the agent's spec, or undefined where the spec is no object or has no such key. */
export function specKey(planned: AgentSite, key: string): Json | undefined {
  const { spec } = planned.agent;
  return isJsonObject(spec) ? ownValue(spec, key) : undefined;
}

/** A text in the agent's spec; what is no text counts as absent, and is reported as ignored. */
export function specText(compilation: Compilation, planned: AgentSite, key: string): string | undefined {
  const value = specKey(planned, key);
  if (typeof value === "string" || value === undefined) return value;
  if (value !== null) ignoreSpec(compilation, planned, key, `'${key}' is not a text`);
  return undefined;
}

/** Reports something in a spec that has no effect. */
export function ignoreSpec(compilation: Compilation, planned: AgentSite, key: string, reason: string): void {
  compilation.report("invalid-agent-spec", {
    level: "warn",
    message: `agent '${planned.agent.name}': ${reason}, and is ignored`,
    pointer: agentPointer(planned, "spec", key),
    element: agentElement(planned.agent.name),
  });
}

/** Reports a spec that no plan can be made of. */
export function refuseSpec(
  compilation: Compilation,
  planned: AgentSite,
  finding: {
    readonly message: string;
    readonly pointer?: string;
    readonly notes?: readonly string[];
    readonly help?: string;
  },
): undefined {
  compilation.report("invalid-agent-spec", {
    pointer: agentPointer(planned, "spec"),
    ...finding,
    message: `agent '${planned.agent.name}': ${finding.message}`,
    element: agentElement(planned.agent.name),
  });
}
