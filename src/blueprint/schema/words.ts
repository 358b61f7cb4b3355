/**
 * Words of the schema that code needs at run time, where the schema's builders are not loaded.
 */
import type { AgentKind, LintSetting } from "../schema.ts";

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
