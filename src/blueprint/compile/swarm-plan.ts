/**
 * The plan of an agent that is another swarm: which Blueprint, and how input and result pass between the two.
 *
 * Owns: the `spec` keys `blueprint`, `input` and `output`. Does not own: compiling the embedded Blueprint (compile.ts), or
 * whether one that is named is kept by the host (the host, at launch).
 */
import { FlowError, FlowPath, isJsonObject, type Json } from "../../flow/index.ts";
import { idProblem } from "../blueprint-id.ts";
import type { AgentPlan, SwarmTarget } from "../compiled.ts";
import type { LintKind } from "../lint-registry.ts";
import { type PlannedAgent, refuseSpec, specKey, specText } from "./agent-spec.ts";
import { type AgentCompilation, agentElement, agentPointer, type Compilation } from "./compilation.ts";

/** How deep swarms may be embedded in swarms. */
export const MAX_SWARM_DEPTH = 8;

const KEYS: ReadonlySet<string> = new Set(["blueprint", "input", "output"]);

/** Plans a swarm agent. */
export function planSwarm(compilation: AgentCompilation, planned: PlannedAgent): AgentPlan | undefined {
  const { spec } = planned.agent;
  const unknown = isJsonObject(spec) ? Object.keys(spec).find((key) => !KEYS.has(key)) : undefined;
  if (unknown !== undefined) {
    return refuseSpec(compilation, planned, {
      message: `spec.${unknown} means nothing to a swarm agent`,
      pointer: agentPointer(planned, "spec", unknown),
      help: `give spec.blueprint, and where they are wanted spec.input and spec.output`,
    });
  }
  const blueprint = planTarget(compilation, planned);
  const input = planPath(compilation, planned, "input");
  const output = planPath(compilation, planned, "output");
  if (blueprint === undefined || input === null || output === null) return undefined;
  return {
    kind: "swarm",
    blueprint,
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
  };
}

function planTarget(compilation: AgentCompilation, planned: PlannedAgent): SwarmTarget | undefined {
  const pointer = agentPointer(planned, "spec", "blueprint");
  const named = specKey(planned, "blueprint");
  const refuse = (message: string, help: string): undefined =>
    refuseSpec(compilation, planned, { message, pointer, help });
  if (isJsonObject(named)) return planEmbedded(compilation, planned, named, pointer);
  if (typeof named !== "string") {
    return refuse(
      "a swarm agent needs spec.blueprint, the Blueprint it runs",
      "name one by its id or its version (`sha256:...`), or embed its linked document",
    );
  }
  if (named.trimStart().startsWith("{")) {
    try {
      return planEmbedded(compilation, planned, JSON.parse(named) as Json, undefined);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      return refuse(`spec.blueprint is not JSON: ${cause.message}`, "link what `swarm-host bp build` writes");
    }
  }
  if (/^sha256:[0-9a-f]{64}$/.test(named)) return { kind: "version", version: named };
  const problem = idProblem(named);
  if (problem === undefined && !named.startsWith("sha256:")) return { kind: "id", id: named };
  return refuse(
    `spec.blueprint names no Blueprint: ${problem ?? "a version is `sha256:` and 64 hex digits"}`,
    "name one by its id or its version",
  );
}

/** @param pointer Where its document begins; undefined where it is in a text, which has no places. */
function planEmbedded(
  compilation: AgentCompilation,
  planned: PlannedAgent,
  document: Json,
  pointer: string | undefined,
): SwarmTarget | undefined {
  const { name } = planned.agent;
  const place = pointer ?? agentPointer(planned, "spec", "blueprint");
  if (compilation.depth >= MAX_SWARM_DEPTH) {
    return refuseSpec(compilation, planned, {
      message: `swarms are embedded more than ${MAX_SWARM_DEPTH} deep`,
      pointer: place,
      help: "name a Blueprint that the host keeps instead of embedding it",
    });
  }
  const { compiled, diagnostics } = compilation.embedded(document);
  for (const { kind, level, message, pointer: inner = "", notes, help } of diagnostics) {
    compilation.report(kind as LintKind, {
      level,
      message: `in the Blueprint of agent '${name}'${pointer === undefined ? `, at ${inner || "its root"}` : ""}: ${message}`,
      pointer: pointer === undefined ? place : `${pointer}${inner}`,
      element: agentElement(name),
      notes,
      ...(help === undefined ? {} : { help }),
    });
  }
  if (compiled === undefined || !isJsonObject(document)) return undefined;
  return { kind: "embedded", id: compiled.blueprint.id, version: compiled.version, document };
}

/** The canonical text of a path; null: it is none, which is reported. */
function planPath(compilation: Compilation, planned: PlannedAgent, key: "input" | "output"): string | undefined | null {
  const text = specText(compilation, planned, key);
  if (text === undefined) return undefined;
  try {
    return FlowPath.parse(text).text;
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    refuseSpec(compilation, planned, {
      message: `spec.${key}: ${error.message}`,
      pointer: agentPointer(planned, "spec", key),
      help: "give a path such as $.topic",
    });
    return null;
  }
}
