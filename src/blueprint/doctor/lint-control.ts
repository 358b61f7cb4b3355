/**
 * The `lints` maps themselves: keys that mean nothing, and settings that cannot be had.
 */
import { agentElement, type Compilation, pointerOf } from "../compile/compilation.ts";
import type { DiagnosticElement } from "../diagnostic.ts";
import { isHardError } from "../lint-levels.ts";
import { lintRegistry } from "../lint-registry.ts";
import { nearestName } from "../nearest-name.ts";
import type { LintMap } from "../schema.ts";

const CATEGORIES = ["correctness", "suspicious", "style", "contract", "migration"] as const;

interface PlacedMap {
  readonly lints: LintMap;
  readonly where: string;
  /** Pointer of the map; absent for the call's own. */
  readonly pointer?: string;
  readonly element: DiagnosticElement;
}

/** Lints the maps of the Blueprint, of its agents and of the call. */
export function lintMaps(compilation: Compilation, callSite: LintMap | undefined): void {
  const { blueprint } = compilation;
  const root: DiagnosticElement = { type: "blueprint_root" };
  const maps: PlacedMap[] = [];
  if (callSite !== undefined) maps.push({ lints: callSite, where: "the call's lints", element: root });
  if (blueprint.metadata.lints !== undefined) {
    maps.push({
      lints: blueprint.metadata.lints,
      where: "metadata.lints",
      pointer: pointerOf("metadata", "lints"),
      element: root,
    });
  }
  for (const [index, agent] of blueprint.agents.entries()) {
    if (agent.lints === undefined) continue;
    maps.push({
      lints: agent.lints,
      where: `the lints of '${agent.name}'`,
      pointer: pointerOf("agents", index, "lints"),
      element: agentElement(agent.name),
    });
  }
  for (const map of maps) lintMap(compilation, map);
}

function lintMap({ blueprint, report }: Compilation, { lints, where, pointer, element }: PlacedMap): void {
  for (const [key, setting] of Object.entries(lints)) {
    const at = pointer === undefined ? {} : { pointer: `${pointer}${pointerOf(key)}` };
    if (!isKnownKey(key)) {
      const near = nearestName(key, [...lintRegistry.keys(), ...CATEGORIES.map((name) => `category:${name}`), "all"]);
      report("unknown-lint-kind", {
        message: `${where} has the key '${key}', which is no lint kind, category or 'all'`,
        ...at,
        element,
        help: near === undefined ? "drop it" : `did you mean '${near}'?`,
      });
      continue;
    }
    const row = lintRegistry.get(key);
    const strict = key === "verdict-value-unhandled" && blueprint.metadata.strict_verdict_handling === true;
    if (setting === "deny" || row === undefined || !(strict || isHardError({ kind: key, level: row.level }))) continue;
    report("non-suppressible-lint", {
      message: `${where} sets '${key}' to '${setting}', but it is an error whatever lints says`,
      ...at,
      element,
      help: strict ? "drop the key, or metadata.strict_verdict_handling" : "drop the key, and mend what it is about",
    });
  }
}

function isKnownKey(key: string): boolean {
  const lower = key.toLowerCase();
  return key === "all" || lintRegistry.has(key) || CATEGORIES.some((name) => lower === `category:${name}`);
}
