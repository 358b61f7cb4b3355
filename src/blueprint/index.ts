/**
 * The Blueprint: its document, its diagnostics, its compiler. The public face of this folder.
 */

export { type AgentDirectory, readAgentDirectory } from "./agent-directory.ts";
export { idProblem, PORTABLE_ID, portableId } from "./blueprint-id.ts";
export { blueprintVersion, canonicalText } from "./canonical.ts";
export type { CompileEnvironment, FunctionFacts, LuaProblem } from "./compile/environment.ts";
export { type CompileResult, compileBlueprint } from "./compile.ts";
export type {
  AgentPlan,
  CompiledAgent,
  CompiledBlueprint,
  RunnerSource,
  StepPolicy,
  StreamMode,
  SwarmTarget,
} from "./compiled.ts";
export { complete, minimal } from "./conform.ts";
export {
  type Diagnostic,
  type DiagnosticCategory,
  type DiagnosticElement,
  type DiagnosticLevel,
  type DiagnosticStage,
  formatDiagnostic,
  hasErrors,
  type PatchOperation,
  type SourcePosition,
  type Suggestion,
} from "./diagnostic.ts";
export { type LintOptions, lintBlueprint } from "./doctor.ts";
export type { DocumentFiles, FileRead } from "./document-files.ts";
export { type DocumentLimits, documentLimits } from "./document-inspection.ts";
export { type DocumentText, readDocumentText } from "./document-text.ts";
export { BlueprintError, type BlueprintErrorCode, invalidBlueprint } from "./errors.ts";
export { type AgentExplanation, explainAgent } from "./explain.ts";
export {
  bundledAgents,
  describeDirectory,
  type IncludeDirectory,
  type IncludeSources,
  type IncludeTier,
  includesFromEnvironment,
} from "./include-cascade.ts";
export { auditsOf, type BaseLayer, type LayerInStack, layersOf } from "./layer-order.ts";
export { checkEmbedded, type LinkedDocument, type LinkOptions, linkDocument, type ManifestEntry } from "./link.ts";
export type { LintKindRow } from "./lint-kinds.ts";
export type { LeveledFindings, SuppressedFinding } from "./lint-levels.ts";
export { diagnose, type Finding, type LintKind, lintRegistry } from "./lint-registry.ts";
export {
  type AuthoringScript,
  type LoadedDocument,
  type LoadPorts,
  loadDocument,
  type RunScript,
  type ScriptResult,
  type ScriptWarning,
} from "./load.ts";
export { nodeFiles } from "./node-files.ts";
export { type ParsedBlueprint, type ParseOptions, parseBlueprint, SUPPORTED_MAJOR } from "./parse.ts";
export {
  CONTEXT_STEM,
  type ProjectionPlacement,
  type ProjectionRoot,
  projectionDir,
  projectionFile,
  projectionRoot,
  projectionStem,
} from "./projection-placement.ts";
export { inspectPrompt, type PromptFacts } from "./prompt-facts.ts";
export { type RefLimits, refLimits } from "./ref-reader.ts";
export { LAYER_NAMES } from "./schema/words.ts";
export type * from "./schema.ts";
export { located, noSource, type SourceMap } from "./source-map.ts";
export { resolveStepName, type StepNaming, stepAliases } from "./step-naming.ts";
export {
  PLACEHOLDERS,
  type Placeholder,
  type PlaceholderValues,
  renderTemplate,
  scanTemplate,
} from "./subprocess-template.ts";
