/**
 * Verdicts as the flow uses them: contracts nobody reads, and skip guards that do not fit the contracts.
 *
 * A *skip guard* is an `in` of a `.parts.verdict` path in a literal list; a *halt gate* is its `eq` or `ne` with a literal.
 */
import { agentElement, agentPointer, type Compilation, listed } from "../compile/compilation.ts";
import type { FlowFacts } from "../compile/flow-facts.ts";
import { channelOf, type HandledValues, wordOf } from "../compile/verdict-pass.ts";

const SKIP_LIKE: ReadonlySet<string> = new Set(["skip", "not_applicable", "n/a"]);

/** Lints verdict contracts against the flow. Silent where the flow could not be analysed to its end. */
export function lintVerdicts(compilation: Compilation, facts: FlowFacts, handled: HandledValues): void {
  if (!facts.complete) return;
  lintUnread(compilation, facts, handled);
  const skips = guards(facts, true);
  const halts = guards(facts, false);
  lintSkipLike(compilation, skips);
  lintSkipGuards(compilation, skips, halts);
}

/** Words of guards with the place of the first that lists each. */
function guards(facts: FlowFacts, skip: boolean): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  for (const { op, read, literals, pointer, plain } of facts.comparisons) {
    if (!plain || (op === "member") !== skip || channelOf(read.path.slice(-2)) !== "part") continue;
    for (const literal of literals) if (!words.has(wordOf(literal))) words.set(wordOf(literal), pointer);
  }
  return words;
}

function lintUnread({ blueprint, report }: Compilation, facts: FlowFacts, handled: HandledValues): void {
  const dispatched = new Set(facts.steps.map((step) => step.ref));
  for (const [index, { name, verdict }] of blueprint.agents.entries()) {
    if (verdict === undefined || verdict.values.length === 0) continue;
    if (verdict.values.some((value) => handled.get(name)?.has(value))) continue;
    report("verdict-contract-never-read", {
      message: `no condition reads any verdict of '${name}'`,
      pointer: agentPointer({ index }, "verdict"),
      element: agentElement(name),
      notes: [
        `values of '${name}': ${listed(verdict.values)}`,
        ...(dispatched.has(name) ? [] : [`no step dispatches '${name}'`]),
      ],
      help: "gate the stage (in bp_dsl: gate = true), or drop the contract",
      suggestion: { message: "set gate = true on the stage", patch: [], applicability: "maybe_incorrect" },
    });
  }
}

function lintSkipLike({ blueprint, report }: Compilation, skips: ReadonlyMap<string, string>): void {
  for (const [index, { name, verdict }] of blueprint.agents.entries()) {
    for (const [position, value] of (verdict?.values ?? []).entries()) {
      if (!SKIP_LIKE.has(value.toLowerCase()) || skips.has(value)) continue;
      report("skip-on-missing-for-skip-like-verdict-value", {
        message: `'${name}' may answer '${value}', which reads like a skip, but no skip guard lists it`,
        pointer: agentPointer({ index }, "verdict", "values", position),
        element: agentElement(name),
        help: `add skip_on = { "${value}" } to the stage that follows`,
      });
    }
  }
}

function lintSkipGuards(
  { blueprint, report }: Compilation,
  skips: ReadonlyMap<string, string>,
  halts: ReadonlyMap<string, string>,
): void {
  const declared = new Set(blueprint.agents.flatMap((agent) => agent.verdict?.values ?? []));
  for (const [word, pointer] of skips) {
    if (!declared.has(word)) {
      report("skip-on-declared-but-no-matching-verdict-value", {
        message: `a skip guard lists '${word}', which no agent's verdict contract has`,
        pointer,
        element: { type: "blueprint_root" },
        notes: [`declared values: ${listed(declared)}`],
        help: "declare the value on the agent that answers it, or drop it from the guard",
      });
    }
    const halt = halts.get(word);
    if (halt === undefined) continue;
    report("skip-on-pattern-conflicts-with-halt-on", {
      message: `'${word}' both skips a stage and halts the flow`,
      pointer,
      element: { type: "blueprint_root" },
      notes: [`the halt gate is at ${halt}`],
      help: "use different words for skipping and for halting",
    });
  }
}
