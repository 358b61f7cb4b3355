/**
 * What `lints` maps make of a finding: kept, raised, lowered or suppressed.
 *
 * L1  Layers, strongest first: the call's own map, the map of the agent a finding spans, the Blueprint's map. The first
 *     layer with any matching key decides; inside it the exact kind wins over `category:<name>`, and that over `all`.
 * L2  A hard error stays an error: a document that cannot run is not made to run by a setting.
 * L3  When compiling, a `deny` under `category:` or `all` makes errors of `verdict-value-unhandled` only, as it does in the
 *     reference system; otherwise a Blueprint that compiles there would not compile here. When linting it makes errors of
 *     everything it covers.
 */
import type { Diagnostic } from "./diagnostic.ts";
import type { Blueprint, LintMap, LintSetting } from "./schema.ts";

/** Error kinds that `lints` maps may lower: the document could still be run. */
const SOFT_ERRORS: ReadonlySet<string> = new Set(["lua-syntax", "unknown-layer"]);

/** The kind that wide keys deny even when compiling (L3). */
const WIDELY_DENIED = "verdict-value-unhandled";

/** A finding that a map has silenced. */
export interface SuppressedFinding {
  readonly diagnostic: Diagnostic;
  /** Whose map it was: `call-site`, `agent:<name>` or `blueprint`. */
  readonly source: string;
}

/** How to apply the maps. */
export interface LevelOptions {
  /** The call's own map. */
  readonly lints?: LintMap;
  /** Whether wide keys may deny everything (L3). */
  readonly linting: boolean;
}

/** Findings with their final levels, and those that were silenced. */
export interface LeveledFindings {
  readonly diagnostics: readonly Diagnostic[];
  readonly suppressed: readonly SuppressedFinding[];
}

/** Applies the maps to findings about a Blueprint. */
export function levelFindings(
  findings: readonly Diagnostic[],
  blueprint: Blueprint,
  options: LevelOptions,
): LeveledFindings {
  const diagnostics: Diagnostic[] = [];
  const suppressed: SuppressedFinding[] = [];
  for (const finding of findings) {
    const decided = isHardError(finding) ? undefined : decide(finding, layersFor(finding, blueprint, options.lints));
    if (decided === undefined) diagnostics.push(finding);
    else if (decided.setting === "allow") suppressed.push({ diagnostic: finding, source: decided.source });
    else diagnostics.push(leveled(finding, decided, options.linting));
  }
  return { diagnostics, suppressed };
}

/** Whether a finding is an error whatever the maps say. */
export function isHardError(finding: Pick<Diagnostic, "kind" | "level">): boolean {
  return finding.level === "error" && !SOFT_ERRORS.has(finding.kind);
}

interface Layer {
  readonly source: string;
  readonly lints: LintMap;
}

interface Decision {
  readonly setting: LintSetting;
  readonly exact: boolean;
  readonly source: string;
}

function layersFor(finding: Diagnostic, blueprint: Blueprint, callSite: LintMap | undefined): readonly Layer[] {
  const { element } = finding;
  const agent =
    element?.type === "agent" ? blueprint.agents.find(({ name }) => name === element.name)?.lints : undefined;
  const layers: Layer[] = [];
  if (callSite !== undefined) layers.push({ source: "call-site", lints: callSite });
  if (agent !== undefined && element?.type === "agent") layers.push({ source: `agent:${element.name}`, lints: agent });
  if (blueprint.metadata.lints !== undefined) layers.push({ source: "blueprint", lints: blueprint.metadata.lints });
  return layers;
}

function decide(finding: Diagnostic, layers: readonly Layer[]): Decision | undefined {
  for (const { source, lints } of layers) {
    if (Object.hasOwn(lints, finding.kind)) {
      const setting = lints[finding.kind];
      if (setting !== undefined) return { setting, exact: true, source };
    }
    const category = `category:${finding.category}`;
    const wide =
      Object.entries(lints).find(([key]) => key.toLowerCase() === category) ??
      Object.entries(lints).find(([key]) => key === "all");
    if (wide !== undefined) return { setting: wide[1], exact: false, source };
  }
  return undefined;
}

function leveled(finding: Diagnostic, { setting, exact }: Decision, linting: boolean): Diagnostic {
  if (setting === "deny") {
    return exact || linting || finding.kind === WIDELY_DENIED ? { ...finding, level: "error" } : finding;
  }
  // Asking for warnings in general does not make warnings of mere information.
  return exact || finding.level === "error" ? { ...finding, level: "warn" } : finding;
}
