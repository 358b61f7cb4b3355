/**
 * From a typed Blueprint to a CompiledBlueprint, or to everything that is wrong with it at once.
 *
 * Owns: the order of the passes and what is compiled of them. Each pass is a file in compile/.
 * Does not own: the document's shape (parse.ts), the report-only lints (doctor.ts).
 *
 * C1  Every pass runs, whatever an earlier one found. A compiled Blueprint is returned exactly where no finding is an error.
 * C2  The flow is never rewritten: the program is the document's own.
 * C3  Pure: equal Blueprints in equal environments give equal results and equal digests.
 */
import {
  compileFlow,
  decodeFlow,
  FlowError,
  type FlowNode,
  isJsonObject,
  type Json,
  type JsonObject,
} from "../flow/index.ts";
import { blueprintVersion, canonicalText } from "./canonical.ts";
import { compileAgents } from "./compile/agent-pass.ts";
import { type AgentCompilation, collectFindings, type EmbeddedBlueprint, type Report } from "./compile/compilation.ts";
import {
  checkContexts,
  checkContracts,
  checkDuplicates,
  checkInert,
  checkUnused,
  uniqueAgents,
} from "./compile/definition-pass.ts";
import type { CompileEnvironment } from "./compile/environment.ts";
import { analyseFlow, type FlowFacts } from "./compile/flow-facts.ts";
import { checkConditions, checkReads } from "./compile/gate-pass.ts";
import { checkLayers } from "./compile/layer-pass.ts";
import { nameSteps, placeProjections } from "./compile/layout-pass.ts";
import { checkFlowNames, checkNames } from "./compile/reference-pass.ts";
import { checkVerdicts, type HandledValues } from "./compile/verdict-pass.ts";
import type { CompiledAgent, CompiledBlueprint } from "./compiled.ts";
import { type Diagnostic, hasErrors } from "./diagnostic.ts";
import { type LeveledFindings, levelFindings } from "./lint-levels.ts";
import { parseBlueprint } from "./parse.ts";
import type { Blueprint, LayerName } from "./schema.ts";

/** What compiling yields. */
export interface CompileResult extends LeveledFindings {
  /** Absent where a diagnostic is an error. */
  readonly compiled?: CompiledBlueprint;
}

/** Compiles a Blueprint for a host. Never throws for a bad Blueprint. */
export function compileBlueprint(blueprint: Blueprint, environment: CompileEnvironment): CompileResult {
  return finishCompiling(examineBlueprint(blueprint, environment), environment);
}

/** Levels what was found, and assembles the result where nothing is an error. */
export function finishCompiling(examined: ExaminedBlueprint, environment: CompileEnvironment): CompileResult {
  const leveled = levelFindings(examined.findings, examined.blueprint, { linting: false });
  if (hasErrors(leveled.diagnostics)) return leveled;
  const compiled = assemble(examined, environment);
  return compiled === undefined ? leveled : { ...leveled, compiled };
}

/** A Blueprint after all passes, before levels: what compileBlueprint assembles and the doctor looks at. */
export interface ExaminedBlueprint {
  readonly blueprint: Blueprint;
  readonly findings: readonly Diagnostic[];
  readonly flow?: FlowNode;
  readonly facts: FlowFacts;
  readonly handled: HandledValues;
  readonly agents: ReadonlyMap<string, CompiledAgent>;
  readonly layers: readonly LayerName[];
  readonly naming: CompiledBlueprint["naming"];
  readonly placement: CompiledBlueprint["placement"];
}

/** Runs every pass (C1). @param depth In how many others the Blueprint is embedded. */
export function examineBlueprint(blueprint: Blueprint, environment: CompileEnvironment, depth = 0): ExaminedBlueprint {
  const { findings, report } = collectFindings();
  const flow = decode(blueprint, environment, report);
  const compilation: AgentCompilation = {
    blueprint,
    environment,
    report,
    depth,
    embedded: (document) => compileEmbedded(document, environment, depth + 1),
    ...(flow === undefined ? {} : { flow }),
  };

  const layers = checkLayers(compilation);
  checkNames(compilation);
  const agents = compileAgents(compilation, uniqueAgents(compilation));
  checkDuplicates(compilation);
  checkContracts(compilation);
  checkContexts(compilation);

  const facts = flow === undefined ? NO_FACTS : analyseFlow(flow, knownKeys(blueprint));
  const handled = checkVerdicts(compilation, facts);
  checkFlowNames(compilation, new Set(agents.keys()));
  const naming = nameSteps(compilation);
  const placement = placeProjections(compilation);
  checkConditions(compilation);
  checkReads(compilation, facts);
  checkUnused(compilation);
  checkInert(compilation);
  return { ...compilation, findings, facts, handled, agents, layers, naming, placement };
}

function compileEmbedded(document: Json, environment: CompileEnvironment, depth: number): EmbeddedBlueprint {
  const { blueprint, diagnostics } = parseBlueprint(document);
  if (blueprint === undefined) return { diagnostics };
  const result = finishCompiling(examineBlueprint(blueprint, environment, depth), environment);
  return { ...result, diagnostics: [...diagnostics, ...result.diagnostics] };
}

const NO_FACTS: FlowFacts = { steps: [], reads: [], comparisons: [], scalarWrites: [], complete: false };

function decode(blueprint: Blueprint, environment: CompileEnvironment, report: Report): FlowNode | undefined {
  try {
    const { limits } = environment;
    return decodeFlow(blueprint.flow, { basePointer: "/flow", ...(limits === undefined ? {} : { limits }) });
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    report("invalid-flow", { message: error.message, pointer: error.pointer ?? "/flow" });
    return undefined;
  }
}

/** Top-level keys that every run's ctx starts with. */
function knownKeys({ default_init_ctx: init }: Blueprint): readonly string[] {
  return isJsonObject(init) ? Object.keys(init) : [];
}

function assemble(examined: ExaminedBlueprint, environment: CompileEnvironment): CompiledBlueprint | undefined {
  const { blueprint, flow, agents, naming, placement, layers } = examined;
  if (flow === undefined) return undefined;
  const canonical = canonicalText(blueprint as unknown as JsonObject);
  const metas = new Map<string, JsonObject>();
  for (const { name, ctx } of blueprint.metas) if (isJsonObject(ctx) && !metas.has(name)) metas.set(name, ctx);
  return Object.freeze({
    blueprint,
    canonical,
    version: blueprintVersion(canonical),
    program: compileFlow(flow, environment.limits),
    agents,
    naming,
    placement,
    metas,
    layers,
    layerOptions: blueprint.spawner_hints.options ?? {},
    audits: blueprint.audits,
  });
}
