/**
 * The types of a parsed Blueprint, all read off the one schema in `schema/`.
 *
 * A parsed Blueprint has its defaults filled in, and its optional keys are absent, never null. It is readonly.
 * Only types live here: the schema's builders are not loaded at run time.
 */
import type { Static } from "@sinclair/typebox";
import type * as agent from "./schema/agent.ts";
import type * as context from "./schema/context.ts";
import type * as document from "./schema/document.ts";
import type * as layers from "./schema/layers.ts";
import type * as runner from "./schema/runner.ts";

/** The whole document. `flow` is flow.ir as JSON, in either dialect. */
export type Blueprint = Static<typeof document.BlueprintSchema>;
/** A seat. */
export type OperatorDef = Static<typeof document.OperatorDefSchema>;
export type OperatorKind = Static<typeof document.OperatorKindSchema>;
/** An after-run audit. */
export type AuditDef = Static<typeof document.AuditDefSchema>;
export type CompilerHints = Static<typeof document.CompilerHintsSchema>;
export type CompilerStrategy = Static<typeof document.CompilerStrategySchema>;
export type SpawnerHints = Static<typeof document.SpawnerHintsSchema>;
export type BlueprintOrigin = Static<typeof document.BlueprintOriginSchema>;
export type BlueprintMetadata = Static<typeof document.BlueprintMetadataSchema>;

/** Who serves the steps that name it. */
export type AgentDef = Static<typeof agent.AgentDefSchema>;
export type AgentKind = Static<typeof agent.AgentKindSchema>;
/** Persona. */
export type AgentProfile = Static<typeof agent.AgentProfileSchema>;
export type AgentMeta = Static<typeof agent.AgentMetaSchema>;
/** Timeout, retry and concurrency as authored, in snake case. */
export type AgentPolicy = Static<typeof agent.AgentPolicySchema>;
export type RetryPolicy = Static<typeof agent.RetryPolicySchema>;
export type VerdictContract = Static<typeof agent.VerdictContractSchema>;
/** `allow`, `warn` or `deny`. */
export type LintSetting = Static<typeof agent.LintSettingSchema>;
/** Lint levels by kind, category or `all`. */
export type LintMap = Static<typeof agent.LintsSchema>;

/** How an agent is run, by `backend`. */
export type Runner = Static<typeof runner.RunnerSchema>;
export type RunnerDef = Static<typeof runner.RunnerDefSchema>;
export type SubprocessDef = Static<typeof runner.SubprocessDefSchema>;
export type SubprocessOutput = Static<typeof runner.SubprocessOutputSchema>;
export type SubprocessOverrides = Static<typeof runner.SubprocessOverridesSchema>;
export type SubprocessStats = Static<typeof runner.SubprocessStatsSchema>;

/** Which context keys and steps an agent may see. */
export type ContextPolicy = Static<typeof context.ContextPolicySchema>;
/** A named context object. */
export type MetaDef = Static<typeof context.MetaDefSchema>;
export type ProjectionPlacementSpec = Static<typeof context.ProjectionPlacementSchema>;

/** Options of the hint layers, by layer. */
export type LayerOptions = Static<typeof layers.LayerOptionsSchema>;
/** Name of a hint layer. */
export type LayerName = keyof LayerOptions;
