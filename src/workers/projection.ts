/**
 * Projection: step outputs and staged parts as files below the launch's work directory.
 *
 * Owns: which files an answer becomes, and what a failure to write them means under the check policy.
 * Does not own: names and directories (blueprint/projection-placement.ts), the writing itself (files.ts).
 *
 * J1  Under `silent` and `warn` a file that cannot be written never costs the step its answer.
 * J2  A launch that names no root asks for no files. Only `strict` makes that a failure.
 * J3  A part never overwrites the submission file or the context file.
 */
import {
  CONTEXT_STEM,
  type ProjectionPlacement,
  projectionDir,
  projectionFile,
  projectionRoot,
} from "../blueprint/projection-placement.ts";
import type { StepCall } from "../engine/index.ts";
import { type Json, type JsonObject, ownValue } from "../flow/index.ts";
import { messageOf, WorkerError } from "./errors.ts";
import type { WorkerFiles } from "./files.ts";
import { partText, submissionText } from "./projection-text.ts";
import type { StagedPart } from "./worker.ts";

/** What a failed check does: nothing, a warning event, or a failed step. */
export type CheckPolicy = "silent" | "warn" | "strict";

/** What to write. */
export interface Projection {
  readonly call: StepCall;
  /** The step's canonical name. */
  readonly name: string;
  readonly ok: boolean;
  readonly value: Json;
  readonly parts?: readonly StagedPart[];
}

/** Longest file name of a part, in UTF-8 bytes. */
export const MAX_PART_NAME_BYTES = 255;

/** The root that a call's context names (unfiltered: C1), or undefined. */
export function rootOf(placement: ProjectionPlacement, context: JsonObject): string | undefined {
  return projectionRoot(placement, {
    work_dir: textOf(context, "work_dir"),
    project_root: textOf(context, "project_root"),
  });
}

function textOf(context: JsonObject, key: string): string | undefined {
  const value = ownValue(context, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Writes the files of one answer.
 * @throws WorkerError `check_policy_strict` where the policy is `strict` and a file cannot be written.
 */
export async function project(
  projection: Projection,
  {
    placement,
    files,
    policy,
  }: { readonly placement: ProjectionPlacement; readonly files: WorkerFiles; readonly policy: CheckPolicy },
): Promise<void> {
  const { call, name, ok, value, parts = [] } = projection;
  const root = rootOf(placement, call.context);
  const failed = (what: string, reason: string): void => {
    const message = `submit-time projection sink: ${what}: ${reason}`;
    if (policy === "strict") throw new WorkerError("check_policy_strict", `check_policy=strict: ${message}`);
    if (policy === "warn") call.emit({ type: "warning", code: "projection", message });
  };
  if (root === undefined) {
    if (policy === "strict")
      failed("file materialize", "no work_dir/project_root resolved; launch the run with one of them");
    return;
  }
  const write = async (what: string, path: string, text: string): Promise<void> => {
    try {
      await files.write(root, path, text);
    } catch (cause) {
      failed(what, `cannot write '${path}' below '${root}': ${messageOf(cause)}`);
    }
  };
  const submission = projectionFile(placement, call.stepId, name);
  const head = { task_id: call.stepId, run_id: call.runId, step: name, attempt: call.attempt, ok };
  await write("file materialize", submission, submissionText(head, value));
  const directory = projectionDir(placement, call.stepId);
  const reserved = [submission, `${directory}/${CONTEXT_STEM}.md`].map((path) => path.toLowerCase());
  for (const { name: part, content } of new Map(parts.map((part) => [part.name, part])).values()) {
    const path = `${directory}/${part}`;
    const problem =
      partNameProblem(part) ??
      (reserved.includes(path.toLowerCase()) ? "it is the name of the step's own file" : undefined);
    if (problem === undefined) await write("part file materialize", path, partText(content));
    else failed("part file materialize", `the part name ${JSON.stringify(part)} is refused: ${problem}`);
  }
}

/** Why a part cannot be called so, or undefined. */
export function partNameProblem(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "it is a directory";
  if (/[/\\]/.test(name)) return "it contains a path separator";
  if (/\p{Cc}/u.test(name) || !name.isWellFormed()) return "it contains control characters or broken Unicode";
  if (Buffer.byteLength(name) > MAX_PART_NAME_BYTES) return `it is longer than ${MAX_PART_NAME_BYTES} bytes`;
  return undefined;
}
