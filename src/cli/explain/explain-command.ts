/** `swarm-host bp explain <file> [agent]`: what agents come to, without running anything. */
import { type AgentExplanation, type CompiledBlueprint, explainAgent } from "../../blueprint/index.ts";
import { compiledOrRefuse, openWorkshop } from "../checked.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { agentText, overviewText } from "./explanation-text.ts";

/** Options as commander gives them. */
export interface ExplainFlags {
  readonly json?: boolean;
  readonly include?: readonly string[];
}

/** An agent's explanation and the step nodes that use it. */
export interface ExplainedAgent extends AgentExplanation {
  /** Node paths in the flow. */
  readonly steps: readonly string[];
}

/** Explains one agent in full, or all in short. Throws CliError `bad_blueprint`, or `usage` for an unknown agent. */
export async function explainCommand(
  surface: Surface,
  file: string,
  agent: string | undefined,
  flags: ExplainFlags,
): Promise<ExitCode> {
  await using workshop = await openWorkshop(surface, flags.include);
  const compiled = compiledOrRefuse(surface, await workshop.check(file));
  const names = agent === undefined ? [...compiled.agents.keys()] : [agent];
  const explained = names.map((name) => explain(compiled, name));
  const style = styleFor(surface.stdout, surface.env);
  const [only] = explained;
  let text: string;
  if (agent !== undefined && only !== undefined) text = flags.json ? jsonText(only) : agentText(only, style);
  else text = flags.json ? jsonText(explained) : overviewText(explained, style);
  await writeResult(surface.stdout, text);
  return EXIT.done;
}

function explain(compiled: CompiledBlueprint, name: string): ExplainedAgent {
  const explanation = explainAgent(compiled, name);
  if (explanation === undefined) {
    const names = [...compiled.agents.keys()].sort().join(", ");
    throw new CliError("usage", `there is no agent '${name}' in ${compiled.blueprint.id}`, {
      hint: names === "" ? "the Blueprint has no agents" : `its agents are ${names}`,
    });
  }
  const steps = compiled.program.steps.filter(({ ref }) => ref === name).map(({ nodePath }) => nodePath);
  return { ...explanation, steps };
}
