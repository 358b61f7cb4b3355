/**
 * System prompts as templates, in the Jinja family: variables, filters, conditions, loops. Nothing is escaped, nothing
 * is loaded, and printing what is undefined is an error.
 *
 * Slots are the input's keys where it is an object, else the one slot `directive`.
 *
 * M1  The template engine is loaded when the first prompt that has template tags is rendered, and never for plain text.
 * M2  A template cannot reach anything but its slots (blueprint/prompt-guard.ts), and takes bounded time and space.
 */
import type { Environment, Template } from "nunjucks";
import { guardTemplate, RANGE, type TemplateNode } from "../blueprint/prompt-guard.ts";
import { isJsonObject, type Json } from "../flow/index.ts";
import { clip, messageOf, WorkerError } from "./errors.ts";

/** Longest template and longest rendered prompt, in UTF-16 units. */
const MAX_TEMPLATE = 256 * 1024;
const MAX_PROMPT = 4 * 1024 * 1024;
/** Assignments of loop variables in one rendering: about eight a turn. */
const MAX_ASSIGNMENTS = 1_000_000;
/** Longest `range`. */
const MAX_RANGE = 10_000;

/** A prompt, ready to render. */
export interface PromptTemplate {
  /** Renders for a step's input. @throws WorkerError `prompt_template` naming the agent and what is wrong. */
  render(input: Json): Promise<string>;
}

/** Makes a template of an agent's system prompt. Nothing is checked before the first rendering. */
export function promptTemplate(agent: string, source: string): PromptTemplate {
  if (!/\{[{%#]/.test(source)) return { render: async () => source };
  let compiled: Promise<Compiled> | undefined;
  return {
    async render(input) {
      const slots = isJsonObject(input) ? input : { directive: input };
      try {
        compiled ??= compile(source);
        return renderBounded(await compiled, slots);
      } catch (cause) {
        // The engine puts its name for the template, and line breaks, into its messages.
        const reason = messageOf(cause)
          .replace(/^\(system prompt\)\s*/, "")
          .replace(/\s*\n\s*/g, " ");
        throw new WorkerError(
          "prompt_template",
          `the system prompt of agent '${agent}' does not render: ${clip(reason, 500)}`,
          { cause },
        );
      }
    },
  };
}

interface Compiled {
  readonly template: Template;
  readonly frame: object;
  readonly variables: readonly string[];
}

/** What the walk and the bounds need of nunjucks beside its published types. */
interface Nunjucks {
  readonly Environment: new (loader: null, options: object) => Environment;
  readonly Template: new (source: string, environment: Environment, path: string, eager: boolean) => Template;
  readonly parser: { parse(source: string, extensions: readonly [], options: object): TemplateNode };
  readonly runtime: { readonly Frame: new () => object };
}

async function compile(source: string): Promise<Compiled> {
  if (source.length > MAX_TEMPLATE) throw new Error(`it is longer than ${MAX_TEMPLATE} characters`);
  const nunjucks = (await import("nunjucks")).default as unknown as Nunjucks;
  const options = { autoescape: false, throwOnUndefined: true };
  const variables = guardTemplate(nunjucks.parser.parse(source, [], options));
  const environment = new nunjucks.Environment(null, options);
  environment.addFilter("tojson", (value: unknown) => JSON.stringify(value));
  environment.addGlobal(RANGE, boundedRange);
  const template = new nunjucks.Template(source, environment, "system prompt", true);
  return { template, frame: countingFrame(nunjucks.runtime.Frame), variables };
}

function renderBounded({ template, frame, variables }: Compiled, slots: { readonly [key: string]: Json }): string {
  try {
    const render = template.render as unknown as (context: object, frame: object) => string;
    // The engine copies slots by assignment, where this one key would become the prototype. No template can name it.
    const { ["__proto__"]: _, ...assignable } = slots;
    const prompt = render.call(template, assignable, frame);
    if (prompt.length > MAX_PROMPT) throw new Error(`the rendered prompt is longer than ${MAX_PROMPT} characters`);
    return prompt;
  } catch (cause) {
    const missing = variables.filter((variable) => !Object.hasOwn(slots, variable));
    if (missing.length === 0) throw cause;
    const offered = Object.keys(slots).map((slot) => `'${clip(slot, 40)}'`);
    const shown = offered.length === 0 ? "nothing" : offered.slice(0, 20).join(", ");
    const names = missing.map((name) => `'${name}'`).join(", ");
    throw new Error(`${messageOf(cause)} (not given: ${names}; the step's input offers ${shown})`, { cause });
  }
}

function boundedRange(...args: unknown[]): number[] {
  const [start, end, step] = args.length === 1 ? [0, args[0], 1] : [args[0], args[1], args[2] ?? 1];
  if (typeof start !== "number" || typeof end !== "number" || typeof step !== "number" || step === 0) {
    throw new Error("range takes numbers, and a step other than 0");
  }
  const length = Math.max(0, Math.ceil((end - start) / step));
  if (!(length <= MAX_RANGE)) throw new Error(`range gives at most ${MAX_RANGE} numbers`);
  return Array.from({ length }, (_, index) => start + index * step);
}

/** A parent frame for renderings: frames pushed from it count what loops assign (M2). */
function countingFrame(Frame: new () => object): object {
  interface CountedFrame {
    parent: unknown;
    isolateWrites: boolean | undefined;
    push(isolateWrites?: boolean): object;
    set(name: string, value: unknown, resolveUp?: boolean): void;
  }
  const Counted = class extends (Frame as new () => CountedFrame) {
    budget = { left: MAX_ASSIGNMENTS };
    override push(isolateWrites?: boolean): object {
      const child = new Counted();
      child.parent = this;
      child.isolateWrites = isolateWrites;
      child.budget = this.budget;
      return child;
    }
    override set(name: string, value: unknown, resolveUp?: boolean): void {
      this.budget.left -= 1;
      if (this.budget.left < 0) throw new Error("its loops take too many turns");
      super.set(name, value, resolveUp);
    }
  };
  // A fresh budget for each rendering: the template pushes exactly one frame from its parent to begin.
  const root = new Counted();
  const begin = root.push.bind(root);
  root.push = (isolateWrites) => {
    root.budget = { left: MAX_ASSIGNMENTS };
    return begin(isolateWrites);
  };
  return root;
}
