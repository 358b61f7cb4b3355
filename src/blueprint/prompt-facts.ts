/**
 * What can be said of a system prompt without rendering it: which variables it takes, and whether it can be rendered.
 *
 * The engine is loaded when the first prompt with template syntax is met: loading it takes longer than compiling a
 * Blueprint. Rendering is the workers'; both go by prompt-guard.ts, so what passes here is accepted there.
 */
import { createRequire } from "node:module";
import type { AgentPlan } from "./compiled.ts";
import { guardTemplate, type TemplateNode } from "./prompt-guard.ts";

/** What is known of a prompt. */
export interface PromptFacts {
  /** Variables the prompt takes from its slots, in order of first use; empty where it cannot be rendered. */
  readonly variables: readonly string[];
  /** Why it cannot be rendered, with the line in the prompt where that is known. */
  readonly problem?: string;
}

/** Whether an agent's prompt is a template, rendered over the step's input. Other kinds take it as it stands. */
export function isPromptRendered(plan: AgentPlan): boolean {
  return plan.kind === "operator" || (plan.kind === "subprocess" && plan.form === "template");
}

/** Inspects a prompt. One without template syntax takes no variables and is its own rendering. */
export function inspectPrompt(prompt: string): PromptFacts {
  if (!/\{[{%#]/.test(prompt)) return { variables: [] };
  const engine: { readonly parser: { parse(source: string): TemplateNode } } = createRequire(import.meta.url)(
    "nunjucks",
  );
  try {
    return { variables: guardTemplate(engine.parser.parse(prompt)) };
  } catch (error) {
    return { variables: [], problem: problemOf(error) };
  }
}

/** The engine's errors carry the line beside a message; the guard's have it in the message. */
function problemOf(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/^\s*(\w*Error: )?/, "").trim();
  const line: unknown = Object(error).lineno;
  return typeof line === "number" && line > 0 ? `line ${line}: ${message}` : message;
}
