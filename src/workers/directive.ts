/** A step's input as the text a worker is told, and its context as header lines. */
import type { Json } from "../flow/index.ts";
import type { AgentContextView } from "./context.ts";

/** The directive: a string verbatim, anything else as compact JSON. */
export function directiveText(input: Json): string {
  return typeof input === "string" ? input : JSON.stringify(input);
}

/** The view as `key: value` lines in a fixed order, extras last as they come. A view that holds nothing gives "". */
export function contextHeader(view: AgentContextView): string {
  const lines: string[] = [];
  const { project_name_alias, project_root, work_dir, task_metadata, extra } = view;
  if (project_name_alias !== undefined) lines.push(`project_name_alias: ${project_name_alias}\n`);
  if (project_root !== undefined) lines.push(`project_root: ${project_root}\n`);
  if (work_dir !== undefined) lines.push(`work_dir: ${work_dir}\n`);
  if (task_metadata !== undefined) lines.push(`task_metadata: ${JSON.stringify(task_metadata)}\n`);
  for (const [key, value] of Object.entries(extra ?? {})) lines.push(`${key}: ${JSON.stringify(value)}\n`);
  return lines.join("");
}
