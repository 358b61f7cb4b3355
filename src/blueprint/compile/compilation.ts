/**
 * What every pass is handed, and how it reports.
 *
 * Passes only add findings and return their part of the result; none stops another, and none reads another's findings.
 */
import type { FlowNode, Json } from "../../flow/index.ts";
import type { CompiledBlueprint } from "../compiled.ts";
import type { Diagnostic, DiagnosticElement } from "../diagnostic.ts";
import { pointerTo } from "../json-pointer.ts";
import { diagnose, type Finding, type LintKind } from "../lint-registry.ts";
import type { AgentDef, Blueprint } from "../schema.ts";
import type { CompileEnvironment } from "./environment.ts";

/** Adds a finding of this kind. */
export type Report = (kind: LintKind, finding: Omit<Finding, "stage">) => void;

/** One compilation under way. */
export interface Compilation {
  readonly blueprint: Blueprint;
  readonly environment: CompileEnvironment;
  /** The decoded flow; absent where it cannot be decoded, which is reported already. */
  readonly flow?: FlowNode;
  readonly report: Report;
}

/** A compilation that agents are compiled in: a Blueprint may be embedded in a swarm agent. */
export interface AgentCompilation extends Compilation {
  /** In how many others this Blueprint is embedded. */
  readonly depth: number;
  /** Compiles the linked document of a Blueprint that is embedded in this one. */
  readonly embedded: (document: Json) => EmbeddedBlueprint;
}

/** An embedded Blueprint, compiled; absent where a diagnostic is an error. */
export interface EmbeddedBlueprint {
  readonly compiled?: CompiledBlueprint;
  readonly diagnostics: readonly Diagnostic[];
}

/** A list of findings and the function that adds to it. The same thing said twice of one place is kept once. */
export function collectFindings(): { readonly findings: readonly Diagnostic[]; readonly report: Report } {
  const findings: Diagnostic[] = [];
  const said = new Set<string>();
  const report: Report = (kind, finding) => {
    const identity = JSON.stringify([kind, finding.pointer, finding.message]);
    if (said.has(identity)) return;
    said.add(identity);
    findings.push(diagnose(kind, { ...finding, stage: "compile" }));
  };
  return { findings, report };
}

/** Pointer of what these keys lead to. */
export function pointerOf(...keys: readonly (string | number)[]): string {
  return keys.reduce<string>(pointerTo, "");
}

/** An agent and where it is. */
export interface AgentSite {
  readonly agent: AgentDef;
  readonly index: number;
}

/** Pointer of an agent, or of something in it. */
export function agentPointer(site: Pick<AgentSite, "index">, ...keys: readonly (string | number)[]): string {
  return pointerOf("agents", site.index, ...keys);
}

/** The element of findings about an agent. */
export function agentElement(name: string): DiagnosticElement {
  return { type: "agent", name };
}

/** Names for a message: `'a', 'b'`, or `none`. */
export function listed(names: Iterable<string>): string {
  const quoted = [...names].map((name) => `'${name}'`);
  return quoted.length === 0 ? "none" : quoted.join(", ");
}
