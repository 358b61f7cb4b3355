/**
 * The templates of `bp new`: their names, what they are good for, and the names they use themselves.
 *
 * Plain data, without the template engine, so that the command line can list them at no cost.
 */

/** One template. */
export interface TemplateRow {
  readonly name: string;
  /** What the template is good for, in a sentence. */
  readonly summary: string;
  /** Names of stages where none are given; a template without has one agent instead. */
  readonly stages?: readonly string[];
  /** Exactly as many stages as defaults: missing ones are filled, further ones dropped. */
  readonly fixedLength?: true;
  /** Default name of the only agent. */
  readonly agent?: string;
  /** Names that the template itself uses. */
  readonly taken: readonly string[];
}

/** Keys of the ctx that pipelines use themselves. */
const PIPELINE_KEYS = ["d", "halted_at", "pipeline_complete"];

/** The templates, in the order they are listed to people. */
export const SCAFFOLD_TEMPLATES: readonly TemplateRow[] = [
  {
    name: "pipeline",
    summary: "stages in order, each worked by an operator",
    stages: ["stage1", "stage2"],
    taken: PIPELINE_KEYS,
  },
  { name: "single", summary: "one agent, worked by an operator", agent: "solo", taken: [] },
  {
    name: "verdict",
    summary: "a review with a verdict, a fixer and a bounded retry",
    stages: ["analyze", "review", "publish"],
    fixedLength: true,
    taken: [...PIPELINE_KEYS, "fix", "fixer"],
  },
  {
    name: "fanout",
    summary: "checkers side by side and an agent that sums up",
    stages: ["checker1", "checker2"],
    taken: ["aggregate"],
  },
  {
    name: "lua",
    summary: "stages of sandboxed Lua; runs at once",
    stages: ["draft", "polish"],
    taken: ["text", "pipeline_complete"],
  },
  { name: "subprocess", summary: "a child process with a template; runs at once", agent: "counter", taken: ["text"] },
];
