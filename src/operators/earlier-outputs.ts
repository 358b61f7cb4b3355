/**
 * Which earlier outputs of its run a worker is pointed to, under which names.
 *
 * Owns: names, the context policy's lists over them, and whether a file stands behind one.
 * Does not own: what outputs there are (run-outputs.ts), where files are written (blueprint/projection-placement.ts).
 *
 * B1  A worker is never pointed to its own agent's output, nor to one that its policy hides, and cannot read either.
 * B2  Whatever cannot be resolved is said (`problems`); where it leaves open what a policy hides, nothing is shown.
 */
import { lstat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import {
  type ContextPolicy,
  type ProjectionPlacement,
  projectionFile,
  projectionRoot,
  resolveStepName,
  type StepNaming,
} from "../blueprint/index.ts";
import type { RequestTerms } from "./request-body.ts";
import type { RunOutput } from "./run-outputs.ts";

/** Most pointers in one payload; the newest are named. */
export const MAX_POINTERS = 200;

/** Where a Blueprint's outputs go by which names. */
export interface OutputLayout {
  readonly naming: StepNaming;
  readonly placement: ProjectionPlacement;
}

/** An earlier output, and what it is called. */
export interface NamedOutput {
  readonly name: string;
  readonly output: RunOutput;
}

/** Something that could not be resolved, said instead of left out in silence. */
export interface PayloadProblem {
  readonly code: "names_unavailable" | "policy_name_unknown" | "outputs_cut" | "file_missing";
  readonly message: string;
}

/** What a worker may see of its run. */
export interface VisibleOutputs {
  /** Oldest first. */
  readonly outputs: readonly NamedOutput[];
  readonly problems: readonly PayloadProblem[];
}

/**
 * The outputs that a worker may see (B1, B2).
 * @param layout absent: the Blueprint cannot be had; outputs then go by their agents' names.
 */
export function visibleOutputs(
  all: readonly RunOutput[],
  agent: string,
  { contextPolicy: policy }: RequestTerms,
  layout: OutputLayout | undefined,
): VisibleOutputs {
  const naming = layout?.naming;
  const nameOf = (producer: string): string => naming?.canonical.get(producer) ?? producer;
  const filters = policy !== undefined && (policy.steps !== undefined || policy.steps_exclude.length > 0);
  if (naming === undefined) {
    const how = filters ? "no earlier output is shown" : "earlier outputs go by their agents' names";
    const message = `the run's Blueprint is not to be had here, and with it the names of its steps: ${how}`;
    const problems: PayloadProblem[] = [{ code: "names_unavailable", message }];
    if (filters) return { outputs: [], problems };
    return { outputs: named(all, agent, nameOf), problems };
  }
  const { shows, problems } = filterOf(policy, naming);
  return { outputs: named(all, agent, nameOf).filter(({ name }) => shows(name)), problems };
}

/** The one of them that a name, canonical or alias, leads to. */
export function findOutput(
  { outputs }: VisibleOutputs,
  name: string,
  layout: OutputLayout | undefined,
): NamedOutput | undefined {
  const canonical = (layout && resolveStepName(layout.naming, name)) ?? name;
  return outputs.find((output) => output.name === canonical);
}

/**
 * The file that an output was written to, where there is one.
 * @returns `problem` where there should be one.
 */
export async function outputFile(
  { name }: NamedOutput,
  stepId: string,
  { workDir, projectRoot }: RequestTerms,
  layout: OutputLayout | undefined,
): Promise<{ readonly path?: string; readonly problem?: PayloadProblem }> {
  const root = layout && projectionRoot(layout.placement, { work_dir: workDir, project_root: projectRoot });
  if (layout === undefined || root === undefined || !isAbsolute(root)) return {};
  const path = join(root, projectionFile(layout.placement, stepId, name));
  if (await isFile(path)) return { path };
  const message = `the output '${name}' has no file '${path}': read it at its content_url`;
  return { problem: { code: "file_missing", message } };
}

function named(all: readonly RunOutput[], agent: string, nameOf: (producer: string) => string): readonly NamedOutput[] {
  const own = nameOf(agent);
  const byName = new Map<string, NamedOutput>();
  for (const output of all) {
    const name = nameOf(output.agent);
    if (name !== own) byName.set(name, { name, output });
  }
  return [...byName.values()];
}

function filterOf(
  policy: ContextPolicy | undefined,
  naming: StepNaming,
): { readonly shows: (name: string) => boolean; readonly problems: readonly PayloadProblem[] } {
  const problems: PayloadProblem[] = [];
  const resolved = (names: readonly string[]): ReadonlySet<string> =>
    new Set(
      names.map((name) => {
        const canonical = resolveStepName(naming, name);
        if (canonical !== undefined) return canonical;
        problems.push({
          code: "policy_name_unknown",
          message: `the context policy names the step '${name}', which the Blueprint does not have`,
        });
        return name;
      }),
    );
  const included = policy?.steps === undefined ? undefined : resolved(policy.steps);
  const excluded = resolved(policy?.steps_exclude ?? []);
  return { shows: (name) => !excluded.has(name) && (included === undefined || included.has(name)), problems };
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch {
    // Missing or out of reach: either way there is no file to point to, which is what is asked.
    return false;
  }
}
