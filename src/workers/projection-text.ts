/**
 * The text of a step output as a file: front matter, an empty line, and the value as pretty JSON in a code fence.
 *
 * D1  The fence is longer than any run of backticks in the value, so the first line that equals it closes it.
 */
import type { Json } from "../flow/index.ts";

/** What the front matter says, in this order. */
export interface ProjectionHead {
  readonly task_id: string;
  readonly run_id?: string;
  readonly step: string;
  readonly attempt: number;
  readonly ok: boolean;
}

/** The whole text of a submission file. */
export function submissionText(head: ProjectionHead, value: Json): string {
  const lines = Object.entries(head).map(([key, item]) => `${key}: ${scalar(item as string | number | boolean)}\n`);
  const body = JSON.stringify(value, null, 2);
  const longest = body.match(/`{3,}/g)?.reduce((length, run) => Math.max(length, run.length), 0) ?? 0;
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `---\n${lines.join("")}---\n\n${fence}json\n${body}\n${fence}\n`;
}

/** The whole text of a part file: a string as it is, anything else as pretty JSON. */
export function partText(content: Json): string {
  return typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`;
}

// A JSON string is a YAML string too; only plain words that YAML takes for nothing else go without quotes.
const PLAIN = /^[A-Za-z][\w.-]*$/;
const YAML_WORD = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

function scalar(item: string | number | boolean): string {
  return typeof item !== "string" || (PLAIN.test(item) && !YAML_WORD.test(item)) ? String(item) : JSON.stringify(item);
}
