/**
 * Names and places of step outputs.
 */
import { DEFAULT_PLACEMENT, type ProjectionPlacement, planPlacement } from "../projection-placement.ts";
import { buildStepNaming, type StepNaming } from "../step-naming.ts";
import { agentElement, agentPointer, type Compilation, listed, pointerOf } from "./compilation.ts";

/** Builds the naming table; what is wrong with it is reported, and the table is then not to be used. */
export function nameSteps({ blueprint, flow, report }: Compilation): StepNaming {
  if (flow === undefined) return { canonical: new Map(), owners: new Map() };
  const declared = new Map(
    blueprint.agents.flatMap(({ name, meta }) =>
      meta?.projection_name === undefined ? [] : [[name, meta.projection_name] as const],
    ),
  );
  const { naming, collisions, shared } = buildStepNaming(flow, declared);
  for (const { name, declaredBy, others } of collisions) {
    const index = blueprint.agents.findIndex((agent) => agent.name === declaredBy);
    report("step-naming-collision", {
      message: `'${declaredBy}' declares the projection_name '${name}', which ${listed(others)} claims too`,
      pointer: agentPointer({ index }, "meta", "projection_name"),
      element: agentElement(declaredBy),
      notes: ["a step claims its agent's name, its projection_name, and the key it writes to"],
      help: "choose another projection_name, or write the other step's output elsewhere",
    });
  }
  for (const { name, owner, others } of shared) {
    report("shared-step-name", {
      message: `'${owner}' and ${listed(others)} both claim the step name '${name}'; '${owner}' gets it`,
      pointer: "/flow",
      element: { type: "step", ref: owner },
      help: "give one of the agents a projection_name, or let the steps write to different keys",
    });
  }
  return naming;
}

/** Checks `projection_placement`; where it is wrong the default is returned, and the finding reported. */
export function placeProjections({ blueprint, report }: Compilation): ProjectionPlacement {
  const { placement, problems } = planPlacement(blueprint.projection_placement);
  for (const { field, reason } of problems) {
    report("invalid-projection-placement", {
      message: `projection_placement.${field}: ${reason}`,
      pointer: pointerOf("projection_placement", field),
      element: { type: "blueprint_root" },
      help: `the default is ${field === "root" ? `'${DEFAULT_PLACEMENT.root}'` : `'${DEFAULT_PLACEMENT.dirTemplate}'`}`,
    });
  }
  return placement ?? DEFAULT_PLACEMENT;
}
