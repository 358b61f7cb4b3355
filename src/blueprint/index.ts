/**
 * The Blueprint: its document, its diagnostics, its compiler. The public face of this folder.
 */

export type { CompileEnvironment, FunctionFacts, LuaProblem } from "./compile/environment.ts";
export { type CompileResult, compileBlueprint } from "./compile.ts";
export type {
  AgentPlan,
  CompiledAgent,
  CompiledBlueprint,
  RunnerSource,
  StepPolicy,
  StreamMode,
} from "./compiled.ts";
export { type LintOptions, lintBlueprint } from "./doctor.ts";
export { type AgentExplanation, explainAgent } from "./explain.ts";
export type { LeveledFindings, SuppressedFinding } from "./lint-levels.ts";
export {
  CONTEXT_STEM,
  contextFile,
  type ProjectionPlacement,
  type ProjectionRoot,
  projectionDir,
  projectionFile,
  projectionRoot,
  projectionStem,
} from "./projection-placement.ts";
export { inspectPrompt, type PromptFacts } from "./prompt-facts.ts";
export { canonicalNameOf, resolveStepName, type StepNaming, stepAliases } from "./step-naming.ts";
export {
  PLACEHOLDERS,
  type Placeholder,
  type PlaceholderValues,
  renderTemplate,
  scanTemplate,
} from "./subprocess-template.ts";
