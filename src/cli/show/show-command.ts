/** `swarm-host bp show <file>`: the flow as a tree, or for a drawing tool. */
import type { CompiledBlueprint } from "../../blueprint/index.ts";
import { compiledOrRefuse, openWorkshop } from "../checked.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { writeResult } from "../output.ts";
import { count, oneLine, type Style, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { dot } from "./dot.ts";
import { flowGraph } from "./flow-graph.ts";
import { flowTree, type KindOf } from "./flow-tree.ts";
import { mermaid } from "./mermaid.ts";

/** Options as commander gives them. */
export interface ShowFlags {
  readonly format: "tree" | "mermaid" | "dot";
  readonly include?: readonly string[];
}

/** Draws a Blueprint's flow on standard output. Throws CliError `bad_blueprint`. */
export async function showCommand(surface: Surface, file: string, flags: ShowFlags): Promise<ExitCode> {
  await using workshop = await openWorkshop(surface, flags.include);
  const compiled = compiledOrRefuse(surface, await workshop.check(file));
  await writeResult(surface.stdout, draw(compiled, flags.format, styleFor(surface.stdout, surface.env)));
  return EXIT.done;
}

/** The drawing as text. */
export function draw(compiled: CompiledBlueprint, format: ShowFlags["format"], style: Style): string {
  const { blueprint, agents, program } = compiled;
  const kindOf: KindOf = (ref) => agents.get(ref)?.kind;
  switch (format) {
    case "mermaid":
      return mermaid(flowGraph(program.root, kindOf));
    case "dot":
      return dot(blueprint.id, flowGraph(program.root, kindOf));
    case "tree": {
      const sizes = `${count(agents.size, "agent")}, ${count(program.steps.length, "step")}`;
      const lines = [`${style.strong(oneLine(blueprint.id))} ${style.faint(`(${sizes})`)}`];
      if (blueprint.metadata.description !== undefined) lines.push(oneLine(blueprint.metadata.description));
      return `${[...lines, "", ...flowTree(program.root, kindOf, style)].join("\n")}\n`;
    }
  }
}
