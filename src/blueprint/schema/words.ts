/**
 * Words of the schema that code needs at run time, where the schema's builders are not loaded.
 */
import type { AgentKind, LayerName, LintSetting } from "../schema.ts";

/** Words of a union, checked to be all of them. */
const allOf = <W extends string>(words: Readonly<Record<W, true>>): readonly W[] => Object.keys(words) as W[];

/** Every agent kind. */
export const AGENT_KINDS: readonly AgentKind[] = allOf<AgentKind>({
  operator: true,
  lua: true,
  function: true,
  rust_fn: true,
  subprocess: true,
  agent_block: true,
  llm: true,
  swarm: true,
});

/** Every lint setting. */
export const LINT_SETTINGS: readonly LintSetting[] = allOf<LintSetting>({ allow: true, warn: true, deny: true });

/** Every hint layer. */
export const LAYER_NAMES: readonly LayerName[] = allOf<LayerName>({
  audit: true,
  long_hold: true,
  main_ai: true,
  senior_escalation: true,
  input_inject: true,
  resolver: true,
  sink: true,
  lua_layer: true,
  timeout: true,
  retry: true,
  circuit_breaker: true,
  bulkhead: true,
  deduplicate: true,
  rate_limit: true,
  budget: true,
});
