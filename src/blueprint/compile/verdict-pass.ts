/**
 * Verdict contracts against the conditions of the flow: channel, values, and values nobody handles.
 *
 * V1  An error only where the reference system has one too *and* the step really may have made what is read; what only
 *     the reaching definitions show is a warning. A literal that some other step that may reach the condition gives is
 *     fine.
 * V2  A literal counts as handled for every agent that either way of looking attributes it to.
 */
import type { Json } from "../../flow/index.ts";
import type { DiagnosticLevel } from "../diagnostic.ts";
import type { VerdictContract } from "../schema.ts";
import { agentElement, agentPointer, type Compilation, listed } from "./compilation.ts";
import type { Comparison, FlowFacts } from "./flow-facts.ts";

/** Where in a step's value a condition reads. `wrapped` is `<out>.out`, the body of a step that also staged parts. */
type Channel = "body" | "part" | "wrapped";

/** A contract and where it is. */
interface Contract {
  readonly agent: string;
  readonly index: number;
  readonly verdict: VerdictContract;
}

/** A comparison seen as one of the verdict of an agent. */
interface Attribution {
  readonly ref: string;
  readonly channel: Channel;
}

/** The values each agent gives that some comparison looks at, as text. */
export type HandledValues = ReadonlyMap<string, ReadonlySet<string>>;

/** Runs the lints. Returns what is handled, for the doctor. */
export function checkVerdicts(compilation: Compilation, facts: FlowFacts): HandledValues {
  const handled = new Map<string, Set<string>>();
  if (!facts.complete) return handled;
  const contracts = contractsOf(compilation);
  const lastWriter = lastWriters(facts);
  for (const comparison of facts.comparisons) {
    const reaching = attribute(comparison, facts);
    const written = comparison.plain ? attributeToLastWriter(comparison, lastWriter) : undefined;
    for (const { ref } of [...reaching, ...(written === undefined ? [] : [written])]) {
      const values = handled.get(ref) ?? new Set<string>();
      for (const literal of comparison.literals) values.add(wordOf(literal));
      handled.set(ref, values);
    }
    checkComparison(compilation, contracts, comparison, reaching, written);
  }
  checkUnhandled(compilation, contracts, handled, facts);
  return handled;
}

/** A literal as a verdict: a text is itself, anything else its JSON. */
export function wordOf(literal: Json): string {
  return typeof literal === "string" ? literal : JSON.stringify(literal);
}

function contractsOf({ blueprint }: Compilation): ReadonlyMap<string, Contract> {
  const contracts = new Map<string, Contract>();
  for (const [index, { name, verdict }] of blueprint.agents.entries()) {
    if (verdict !== undefined && !contracts.has(name)) contracts.set(name, { agent: name, index, verdict });
  }
  return contracts;
}

/** The steps that may have made what is compared, by reaching definitions, each ref and channel once. */
function attribute({ read }: Comparison, facts: FlowFacts): readonly Attribution[] {
  const found = new Map<string, Attribution>();
  for (const source of read.sources.values()) {
    const step = source.kind === "step" ? facts.steps[source.step] : undefined;
    const channel = source.kind === "step" ? channelOf(source.rest) : undefined;
    if (step !== undefined && channel !== undefined) found.set(`${step.ref}\n${channel}`, { ref: step.ref, channel });
  }
  return [...found.values()];
}

/** What keys below a step's value address. */
export function channelOf(rest: readonly string[]): Channel | undefined {
  if (rest.length === 0) return "body";
  if (rest.length === 1 && rest[0] === "out") return "wrapped";
  return rest.length === 2 && rest[0] === "parts" && rest[1] === "verdict" ? "part" : undefined;
}

const keyOf = (path: readonly string[]): string => JSON.stringify(path);

/** The reference's view: each out path belongs to the last step in the document that writes it. */
function lastWriters(facts: FlowFacts): ReadonlyMap<string, string> {
  const writers = new Map<string, string>();
  for (const step of facts.steps) {
    if (step.out !== undefined) writers.set(keyOf(step.out), step.ref);
  }
  return writers;
}

function attributeToLastWriter({ read }: Comparison, writers: ReadonlyMap<string, string>): Attribution | undefined {
  const body = writers.get(keyOf(read.path));
  if (body !== undefined) return { ref: body, channel: "body" };
  if (channelOf(read.path.slice(-2)) !== "part") return undefined;
  const part = writers.get(keyOf(read.path.slice(0, -2)));
  return part === undefined ? undefined : { ref: part, channel: "part" };
}

function checkComparison(
  compilation: Compilation,
  contracts: ReadonlyMap<string, Contract>,
  comparison: Comparison,
  reaching: readonly Attribution[],
  written: Attribution | undefined,
): void {
  for (const attribution of reaching) {
    const contract = contracts.get(attribution.ref);
    if (contract === undefined) {
      reportNoContract(compilation, comparison, attribution);
      continue;
    }
    const agreed = written?.ref === attribution.ref && written.channel === attribution.channel;
    const level = agreed ? undefined : "warn";
    if (!usesChannel(contract.verdict, attribution.channel)) {
      // Another step that may reach here and does use this channel makes the read a sensible one.
      const others = reaching.filter((other) => other.ref !== attribution.ref);
      const sensible = others.some((other) => {
        const verdict = contracts.get(other.ref)?.verdict;
        return verdict === undefined || usesChannel(verdict, other.channel);
      });
      reportChannel(compilation, contract, comparison, sensible ? "warn" : level);
      continue;
    }
    for (const literal of comparison.literals) {
      const word = wordOf(literal);
      if (contract.verdict.values.includes(word)) continue;
      const given = reaching.some((other) => {
        const verdict = contracts.get(other.ref)?.verdict;
        return verdict === undefined || verdict.values.includes(word);
      });
      if (!given) reportValue(compilation, contract, comparison, word, level);
    }
  }
}

function usesChannel(verdict: VerdictContract, channel: Channel): boolean {
  return channel === "wrapped" ? verdict.channel === "body" : verdict.channel === channel;
}

function reportNoContract({ report }: Compilation, { read, pointer }: Comparison, { ref, channel }: Attribution): void {
  // A guarded or body read of an agent without a contract works; an unguarded part is unguarded-verdict-read.
  if (channel === "part" && !read.guarded) return;
  report("verdict-without-contract", {
    message: `a condition compares ${read.text}, the output of '${ref}', which declares no verdict contract`,
    pointer,
    element: agentElement(ref),
    help: `give '${ref}' a verdict contract, so that a misspelt word is found before it runs`,
  });
}

function reportChannel(
  { report }: Compilation,
  { agent, verdict }: Contract,
  { read, pointer }: Comparison,
  level: DiagnosticLevel | undefined,
): void {
  const part = verdict.channel === "part";
  report("verdict-channel-mismatch", {
    ...(level === undefined ? {} : { level }),
    message: `a condition reads ${read.text}, but '${agent}' gives its verdict ${part ? "as the part 'verdict'" : "as its output"}`,
    pointer,
    element: agentElement(agent),
    notes: [
      "channel 'body': the output itself is the word, read as $.<out>",
      "channel 'part': the staged part 'verdict' is the word, read as $.<out>.parts.verdict",
    ],
    help: part
      ? `read the output's parts.verdict, or declare channel 'body' for '${agent}'`
      : `read the output itself, or declare channel 'part' for '${agent}'`,
  });
}

function reportValue(
  { report }: Compilation,
  { agent, index, verdict }: Contract,
  { pointer }: Comparison,
  word: string,
  level: DiagnosticLevel | undefined,
): void {
  report("verdict-value-not-in-contract", {
    ...(level === undefined ? {} : { level }),
    message: `a condition compares the verdict of '${agent}' with '${word}', which it never gives`,
    pointer,
    element: agentElement(agent),
    notes: [`values of '${agent}': ${listed(verdict.values)}`],
    help: "add the value to the contract, or change the condition",
    suggestion: {
      message: `add '${word}' to the contract of '${agent}'`,
      patch: [{ op: "add", path: `${agentPointer({ index }, "verdict", "values")}/-`, value: word }],
      applicability: "maybe_incorrect",
    },
  });
}

/** Declared values that no condition looks at. `strict_verdict_handling` makes them errors, over every `lints` map. */
function checkUnhandled(
  { blueprint, report }: Compilation,
  contracts: ReadonlyMap<string, Contract>,
  handled: HandledValues,
  facts: FlowFacts,
): void {
  const strict = blueprint.metadata.strict_verdict_handling === true;
  const sorted = [...contracts.values()].sort((a, b) => (a.agent < b.agent ? -1 : 1));
  for (const { agent, index, verdict } of sorted) {
    for (const value of new Set(verdict.values)) {
      if (handled.get(agent)?.has(value)) continue;
      const dispatched = facts.steps.some((step) => step.ref === agent);
      report("verdict-value-unhandled", {
        ...(strict ? { level: "error" } : {}),
        message: `no condition handles the value '${value}' of '${agent}'`,
        pointer: agentPointer({ index }, "verdict", "values", verdict.values.indexOf(value)),
        element: agentElement(agent),
        notes: [
          `values of '${agent}': ${listed(verdict.values)}`,
          ...(dispatched ? [] : [`no step dispatches '${agent}'`]),
        ],
        help: "compare with it in a condition, or drop it from the contract",
      });
    }
  }
}
