/**
 * The agent's own tiers of context: `meta.ctx` over the meta it refers to over `default_agent_ctx`, key by key.
 */
import { isJsonObject, type JsonObject } from "../../flow/index.ts";
import type { AgentDef, Blueprint } from "../schema.ts";

/** A tier of agent context. */
export interface ContextTier {
  readonly tier: "agent_inline" | "meta_ref" | "bp_global";
  readonly context: JsonObject;
}

/** The tiers of an agent's context, strongest first. A tier that is no object is left out. */
export function agentContextTiers(blueprint: Blueprint, agent: AgentDef): readonly ContextTier[] {
  const meta = blueprint.metas.find((definition) => definition.name === agent.meta?.meta_ref);
  const tiers = [
    ["agent_inline", agent.meta?.ctx],
    ["meta_ref", meta?.ctx],
    ["bp_global", blueprint.default_agent_ctx],
  ] as const;
  return tiers.flatMap(([tier, context]) => (isJsonObject(context) ? [{ tier, context }] : []));
}

/** The tiers as one context: the strongest value of each key. */
export function mergedContext(tiers: readonly ContextTier[]): JsonObject {
  return Object.fromEntries(tiers.toReversed().flatMap(({ context }) => Object.entries(context)));
}
