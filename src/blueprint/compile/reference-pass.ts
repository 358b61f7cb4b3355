/**
 * Every name that must lead somewhere: seats, metas, audits, hinted agents, step refs, externs.
 */
import { isJsonObject, type Json, type JsonObject, nodeExprs, ownValue, walkExprs } from "../../flow/index.ts";
import { nearestName } from "../nearest-name.ts";
import { specKey } from "./agent-spec.ts";
import { agentElement, agentPointer, type Compilation, listed, pointerOf } from "./compilation.ts";
import { nodeSites } from "./flow-walk.ts";

/** Checks seats, metas, audits and hints. */
export function checkNames(compilation: Compilation): void {
  const { blueprint, report } = compilation;
  const seats = new Set(blueprint.operators.map((operator) => operator.name));
  const metas = new Set(blueprint.metas.map((meta) => meta.name));
  const agents = new Set(blueprint.agents.map((agent) => agent.name));

  for (const [index, agent] of blueprint.agents.entries()) {
    const seat = specKey({ agent, index }, "operator_ref");
    if (agent.kind === "operator" && typeof seat === "string" && !seats.has(seat)) {
      report("unresolved-operator-ref", {
        message: `agent '${agent.name}' names the seat '${seat}', which operators does not declare`,
        pointer: agentPointer({ index }, "spec", "operator_ref"),
        element: agentElement(agent.name),
        notes: [`declared seats: ${listed(seats)}`],
        ...didYouMean(seat, seats, "declare the seat in operators"),
      });
    }
    const metaRef = agent.meta?.meta_ref;
    if (metaRef !== undefined && !metas.has(metaRef)) {
      report("unresolved-meta-ref", {
        message: `agent '${agent.name}' names the meta '${metaRef}', which metas does not have`,
        pointer: agentPointer({ index }, "meta", "meta_ref"),
        element: agentElement(agent.name),
        notes: [`metas: ${listed(metas)}`],
        ...didYouMean(metaRef, metas, "add it to metas"),
      });
    }
  }
  for (const [index, audit] of blueprint.audits.entries()) {
    if (agents.has(audit.agent)) continue;
    report("unresolved-audit-agent", {
      message: `audits names the agent '${audit.agent}', which agents does not have`,
      pointer: pointerOf("audits", index, "agent"),
      element: { type: "blueprint_root" },
      notes: [`agents: ${listed(agents)}`],
      ...didYouMean(audit.agent, agents, "add it to agents"),
    });
  }
  for (const hinted of Object.keys(blueprint.hints.per_agent)) {
    if (agents.has(hinted)) continue;
    report("unknown-hinted-agent", {
      message: `hints.per_agent has hints for '${hinted}', which agents does not have`,
      pointer: pointerOf("hints", "per_agent", hinted),
      element: { type: "blueprint_root" },
      notes: [`agents: ${listed(agents)}`],
      ...didYouMean(hinted, agents, "drop the hints"),
    });
  }
}

/** Checks what the flow names: agents (`served` has a plan for each), metas of literal inputs, externs. */
export function checkFlowNames(compilation: Compilation, served: ReadonlySet<string>): void {
  const { blueprint, environment, flow, report } = compilation;
  if (flow === undefined) return;
  const metas = new Set(blueprint.metas.map((meta) => meta.name));
  const refs = new Set<string>();
  for (const site of nodeSites(flow)) {
    const { node, pointer } = site;
    if (node.kind === "step") {
      refs.add(node.ref);
      if (!served.has(node.ref)) reportStepRef(compilation, served, node.ref, pointer);
      if (node.in.op === "lit") {
        checkStepMeta(compilation, metas, { ref: node.ref, input: node.in.value, pointer: `${pointer}/in/value` });
      }
    }
    for (const expression of nodeExprs(node, pointer)) {
      walkExprs(expression.expr, expression.pointer, ({ expr, pointer: at }) => {
        if (expr.op !== "call_extern" || environment.externs.has(expr.ref)) return;
        report("unknown-extern", {
          message: `the flow calls the function '${expr.ref}', which this host does not register`,
          pointer: `${at}/ref`,
          notes: [`functions: ${listed(environment.externs)}`],
          ...didYouMean(expr.ref, environment.externs, "register it with the host; until then the call fails the run"),
        });
      });
    }
  }
  for (const [index, audit] of blueprint.audits.entries()) {
    for (const [position, step] of (audit.steps ?? []).entries()) {
      if (step === "*" || refs.has(step)) continue;
      report("unknown-audit-step", {
        message: `the audit by '${audit.agent}' is of '${step}', which no step of the flow dispatches`,
        pointer: pointerOf("audits", index, "steps", position),
        element: { type: "blueprint_root" },
        notes: [`dispatched agents: ${listed(refs)}`],
        ...didYouMean(step, refs, "drop it"),
      });
    }
  }
}

function reportStepRef(
  { blueprint, report }: Compilation,
  served: ReadonlySet<string>,
  ref: string,
  pointer: string,
): void {
  // An agent that is declared but has no plan is reported where it is declared.
  const declared = blueprint.agents.find((agent) => agent.name === ref);
  if (declared !== undefined && blueprint.strategy.strict_kind) return;
  const strict = blueprint.strategy.strict_refs;
  report("unresolved-agent-ref", {
    ...(strict ? {} : { level: "warn" }),
    message:
      declared === undefined
        ? `a step names the agent '${ref}', which agents does not have${strict ? "" : "; the step will fail"}`
        : `a step names the agent '${ref}', which is left out since this host does not serve its kind`,
    pointer: `${pointer}/ref`,
    element: { type: "step", ref },
    notes: [`agents: ${listed(served)}`],
    ...didYouMean(ref, served, "add the agent, or name one that exists"),
  });
}

interface LiteralInput {
  readonly ref: string;
  readonly input: Json;
  readonly pointer: string;
}

/** A literal input may carry `$step_meta`, whose ref can be checked now. */
function checkStepMeta(
  { report }: Compilation,
  metas: ReadonlySet<string>,
  { ref, input, pointer }: LiteralInput,
): void {
  const envelope = isJsonObject(input) ? ownValue(input, "$step_meta") : undefined;
  if (envelope === undefined) return;
  const at = `${pointer}/$step_meta`;
  const element = { type: "step", ref } as const;
  if (!isJsonObject(envelope) || !isStepMeta(envelope)) {
    report("malformed-step-meta", {
      message: `the $step_meta of a step of '${ref}' must be an object with a text 'ref', an object 'inline', or both`,
      pointer: at,
      element,
    });
    return;
  }
  const name = ownValue(envelope, "ref");
  if (typeof name !== "string" || metas.has(name)) return;
  report("unresolved-meta-ref", {
    message: `a step of '${ref}' names the meta '${name}', which metas does not have`,
    pointer: `${at}/ref`,
    element,
    notes: [`metas: ${listed(metas)}`],
    ...didYouMean(name, metas, "add it to metas"),
  });
}

function isStepMeta(envelope: JsonObject): boolean {
  return Object.entries(envelope).every(
    ([key, value]) =>
      value === null || (key === "ref" && typeof value === "string") || (key === "inline" && isJsonObject(value)),
  );
}

function didYouMean(name: string, known: Iterable<string>, otherwise: string): { readonly help: string } {
  const near = nearestName(name, known);
  return { help: near === undefined ? otherwise : `did you mean '${near}'?` };
}
