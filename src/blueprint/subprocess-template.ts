/**
 * Placeholders of a subprocess template: the closed set, the compile-time scan and the renderer.
 *
 * T1  One left-to-right pass over the template; what is put in is never scanned again.
 * T2  A `{` that does not begin a placeholder is text, and scanning goes on right after it, so `{"task":"{prompt}"}` works.
 */
import { BlueprintError } from "./errors.ts";

/** Every placeholder a template may use. */
export const PLACEHOLDERS = [
  "system",
  "system_file",
  "prompt",
  "model",
  "tools_csv",
  "work_dir",
  "task_id",
  "attempt",
] as const;

/** One word of PLACEHOLDERS. */
export type Placeholder = (typeof PLACEHOLDERS)[number];

/** What placeholders stand for. `system` and `tools_csv` are empty when absent; any other absent one is an error. */
export type PlaceholderValues = Readonly<Partial<Record<Placeholder, string>>>;

const WORD = /\{([a-z_]+)\}/g;

const CURES: Readonly<Record<Placeholder, string>> = {
  system: "give the agent a profile.system_prompt",
  system_file: "it is written by the subprocess worker; a spec-form subprocess has none",
  prompt: "it is the step's input",
  model: "set profile.model, or overrides.model on the agent's runner",
  tools_csv: "set profile.tools, or overrides.tools on the agent's runner",
  work_dir: "launch the run with work_dir or project_root in its context",
  task_id: "it is the step's id",
  attempt: "it is the attempt's number",
};

function isPlaceholder(word: string): word is Placeholder {
  return (PLACEHOLDERS as readonly string[]).includes(word);
}

/** The placeholders `text` uses and the other `{lower_case_words}` in it, each once, in order of first use. */
export function scanTemplate(text: string): {
  readonly used: readonly Placeholder[];
  readonly unknown: readonly string[];
} {
  const used = new Set<Placeholder>();
  const unknown = new Set<string>();
  for (const [, word] of text.matchAll(WORD)) {
    if (word === undefined) continue;
    if (isPlaceholder(word)) used.add(word);
    else unknown.add(word);
  }
  return { used: [...used], unknown: [...unknown] };
}

/** Fills in `text` (T1, T2). Throws BlueprintError `template_value_missing` naming the placeholder and its cure. */
export function renderTemplate(text: string, values: PlaceholderValues): string {
  return text.replace(WORD, (whole, word: string) => {
    if (!isPlaceholder(word)) return whole;
    const value = values[word];
    if (value !== undefined) return value;
    if (word === "system" || word === "tools_csv") return "";
    throw new BlueprintError(
      "template_value_missing",
      `the subprocess template uses {${word}}, which has no value here: ${CURES[word]}`,
    );
  });
}
