/**
 * Where step outputs are written as files: `<root>/<dir>/<stem>.md`.
 *
 * Owns: the rules of `projection_placement`, and the one mapping from names to paths that every writer and reader uses.
 * Does not own: writing files (the workers' projection writer).
 *
 * P1  A path made here never leaves its root, whatever the step, the agent or `projection_name` is called.
 * P2  Two different names never share a stem.
 */
import { createHash } from "node:crypto";
import { posix } from "node:path";

/** The context keys a projection root may come from. */
export type ProjectionRoot = "work_dir" | "project_root";

/** A checked `projection_placement`, defaults filled in. */
export interface ProjectionPlacement {
  /** The preferred root; where the launch does not supply it, the other one is used. */
  readonly root: ProjectionRoot;
  /** Relative directory below the root; contains `{task_id}` at least once. */
  readonly dirTemplate: string;
}

/** `projection_placement` of a Blueprint that has none: below the work directory, one folder a step. */
export const DEFAULT_PLACEMENT: ProjectionPlacement = {
  root: "work_dir",
  dirTemplate: "workspace/tasks/{task_id}/ctx",
};

/** Stem of the file that holds a whole context view. No step's stem is ever equal to it. */
export const CONTEXT_STEM = "_ctx";

/** Longest name, in UTF-8 bytes, that is used as a stem unchanged. File systems allow 255 for the whole file name. */
const MAX_STEM_BYTES = 200;

/** What is wrong with a placement: which field, and why. */
export interface PlacementProblem {
  readonly field: "root" | "dir_template";
  readonly reason: string;
}

/** A placement as the document has it. */
export interface PlacementSpec {
  readonly root?: string | null | undefined;
  readonly dir_template?: string | null | undefined;
}

/** Checks a placement and fills in defaults, each field by itself. All problems are returned, not the first only. */
export function planPlacement(spec: PlacementSpec | null | undefined): {
  readonly placement?: ProjectionPlacement;
  readonly problems: readonly PlacementProblem[];
} {
  const root = spec?.root ?? DEFAULT_PLACEMENT.root;
  const dirTemplate = spec?.dir_template ?? DEFAULT_PLACEMENT.dirTemplate;
  const problems: PlacementProblem[] = [];
  if (root !== "work_dir" && root !== "project_root") {
    problems.push({ field: "root", reason: `'${root}' is neither 'work_dir' nor 'project_root'` });
  }
  const reason = templateProblem(dirTemplate);
  if (reason !== undefined) problems.push({ field: "dir_template", reason });
  if (problems.length > 0) return { problems };
  return { placement: { root: root as ProjectionRoot, dirTemplate }, problems };
}

function templateProblem(template: string): string | undefined {
  if (template === "") return "it is empty";
  if (template.startsWith("/")) return `'${template}' is absolute; it must be relative to the root`;
  if (template.split("/").includes("..")) return `'${template}' has a '..' component`;
  if (!template.includes("{task_id}")) return `'${template}' lacks {task_id}, so steps would overwrite one another`;
  return undefined;
}

/** The root directory outputs are written below: the preferred one, else the other, else undefined: not written. */
export function projectionRoot(
  placement: ProjectionPlacement,
  roots: { readonly work_dir?: string | undefined; readonly project_root?: string | undefined },
): string | undefined {
  const other: ProjectionRoot = placement.root === "work_dir" ? "project_root" : "work_dir";
  return roots[placement.root] ?? roots[other];
}

/** The directory, relative to the root, with `/` between components. `taskId` is sanitised like a stem. */
export function projectionDir(placement: ProjectionPlacement, taskId: string): string {
  return posix.normalize(placement.dirTemplate.replaceAll("{task_id}", () => projectionStem(taskId)));
}

/** The file of a step's output, relative to the root. `name` is the step's canonical name. */
export function projectionFile(placement: ProjectionPlacement, taskId: string, name: string): string {
  return `${projectionDir(placement, taskId)}/${projectionStem(name)}.md`;
}

/**
 * A name as a file stem. Ordinary names are themselves. A name that could leave the directory, hide, be cut by the file
 * system or be taken for CONTEXT_STEM becomes its readable part, `~` and a digest of the whole name; names that contain
 * `~` are digested too, which makes the mapping collision-free (P2).
 */
export function projectionStem(name: string): string {
  if (isPlainStem(name)) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 12);
  const readable = name
    .replace(UNSAFE_RUN, "_")
    .replace(/^[._]+/, "")
    .slice(0, 48)
    .toWellFormed();
  return `${readable === "" ? "step" : readable}~${digest}`;
}

// Separators of either platform, control characters, and the characters `~` and NUL that the encoding itself needs.
const UNSAFE = /[/\\~\p{Cc}]/u;
const UNSAFE_RUN = /[/\\~\p{Cc}]+/gu;

function isPlainStem(name: string): boolean {
  return (
    name !== "" &&
    name !== CONTEXT_STEM &&
    !name.startsWith(".") &&
    name.isWellFormed() &&
    !UNSAFE.test(name) &&
    Buffer.byteLength(name) <= MAX_STEM_BYTES
  );
}
