/** Which seat is asked about a step, and whether a main agent takes part. */
import type { CompiledBlueprint, OperatorKind } from "../blueprint/index.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "../flow/index.ts";

/** The context key in which a launch says who takes part: `{agents?: {<name>: kind}, default?: kind}`. */
export const OPERATOR_KINDS = "operator_kinds";

/** What is read of a Blueprint here. */
export type SeatedBlueprint = Pick<CompiledBlueprint, "agents" | "blueprint">;

/** The agent's own seat (`spec.operator_ref`, whatever its kind), else the only one the Blueprint declares. */
export function seatOf({ blueprint }: SeatedBlueprint, agent: string): string | undefined {
  const own = ownSeat(blueprint, agent);
  if (own !== undefined) return own;
  return blueprint.operators.length === 1 ? blueprint.operators[0]?.name : undefined;
}

/**
 * How an operator takes part in the steps of an agent. First present wins: the launch for the agent, the launch for all, the
 * agent's seat, the Blueprint, `automate`.
 */
export function operatorKind({ blueprint }: SeatedBlueprint, agent: string, context: JsonObject): OperatorKind {
  const launched = ownValue(context, OPERATOR_KINDS);
  if (isJsonObject(launched)) {
    const agents = ownValue(launched, "agents");
    const said =
      asKind(isJsonObject(agents) ? ownValue(agents, agent) : undefined) ?? asKind(ownValue(launched, "default"));
    if (said !== undefined) return said;
  }
  const seat = ownSeat(blueprint, agent);
  const seatKind = blueprint.operators.find(({ name }) => name === seat)?.kind;
  return seatKind ?? blueprint.default_operator_kind ?? "automate";
}

function ownSeat(blueprint: CompiledBlueprint["blueprint"], agent: string): string | undefined {
  const spec = blueprint.agents.find(({ name }) => name === agent)?.spec;
  const seat = isJsonObject(spec) ? ownValue(spec, "operator_ref") : undefined;
  return typeof seat === "string" && blueprint.operators.some(({ name }) => name === seat) ? seat : undefined;
}

function asKind(value: Json | undefined): OperatorKind | undefined {
  return value === "automate" || value === "main_ai" || value === "composite" ? value : undefined;
}
