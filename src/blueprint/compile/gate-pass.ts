/**
 * Conditions that cannot do what they look like: dead gates, constants, arms nothing selects, verdicts that may be absent,
 * gates on joined lanes; and writes that must fail.
 */
import { deepEqual, type FlowExpr, type FlowNode, type Json } from "../../flow/index.ts";
import { agentElement, type Compilation, listed } from "./compilation.ts";
import type { ConditionRead, FlowFacts } from "./flow-facts.ts";
import { type NodeSite, nodeSites, targetExprs } from "./flow-walk.ts";
import { channelOf } from "./verdict-pass.ts";

/** Checks what can be seen in the tree alone. */
export function checkConditions({ flow, report }: Compilation): void {
  if (flow === undefined) return;
  for (const site of nodeSites(flow)) {
    const { node, pointer } = site;
    if (node.kind === "branch" || node.kind === "loop") {
      const at = `${pointer}/cond`;
      const dead = deadGate(node.cond, at);
      const value = dead === undefined ? constantOf(node.cond) : undefined;
      if (dead !== undefined) {
        report("dead-gate", {
          message: `a ${node.kind === "loop" ? "loop" : "gate"} without values to look for can never ${node.kind === "loop" ? "turn" : "fire"}`,
          pointer: dead,
          help: "list the values that halt or repeat, or drop it",
        });
      } else if (value !== undefined && !(node.kind === "loop" && value)) {
        // A loop that is always true is how one says "so many times".
        report("constant-condition", {
          message: `the condition of a ${node.kind} is always ${value}`,
          pointer: at,
          help: "compare with path expressions: in Lua, == on an expression is a comparison of tables, not of values",
        });
      }
    }
    for (const target of targetExprs(site)) {
      if (target.expr.op === "path") continue;
      report("non-path-write-target", {
        message: `the '${target.pointer.split("/").at(-1)}' of a ${node.kind} is no path, so it fails when it is reached`,
        pointer: target.pointer,
        help: "make it a path expression, such as { op: path, at: $.result }",
      });
    }
  }
  checkArms({ node: flow, pointer: "/flow" }, report);
}

/** The place of an `or` of nothing, or an `in` of nothing, that a condition depends on. */
function deadGate(cond: FlowExpr, pointer: string): string | undefined {
  if (cond.op === "or" && cond.args.length === 0) return pointer;
  if (cond.op === "in" && cond.haystack.op === "lit" && Array.isArray(cond.haystack.value)) {
    return cond.haystack.value.length === 0 ? pointer : undefined;
  }
  if (cond.op !== "and") return undefined;
  for (const [index, arg] of cond.args.entries()) {
    const dead = deadGate(arg, `${pointer}/args/${index}`);
    if (dead !== undefined) return dead;
  }
  return undefined;
}

/** The value a condition always has, as far as its literals tell; undefined where it depends on anything. */
function constantOf(expr: FlowExpr): boolean | undefined {
  switch (expr.op) {
    case "lit":
      return expr.value !== null && expr.value !== false;
    case "not": {
      const value = constantOf(expr.arg);
      return value === undefined ? undefined : !value;
    }
    case "and":
    case "or": {
      const deciding = expr.op === "or";
      const values = expr.args.map(constantOf);
      if (values.includes(deciding)) return deciding;
      return values.every((value) => value === !deciding) ? !deciding : undefined;
    }
    case "eq":
    case "ne":
      if (expr.lhs.op !== "lit" || expr.rhs.op !== "lit") return undefined;
      return deepEqual(expr.lhs.value, expr.rhs.value) === (expr.op === "eq");
    default:
      return undefined;
  }
}

/** One arm of a chain of `if path == word`, by else. */
interface Arm {
  readonly path: string;
  readonly word: Json;
  readonly pointer: string;
}

/** Arms that an earlier arm of the same chain, or the fanout's own items, leave nothing for. */
function checkArms(flow: NodeSite, report: Compilation["report"]): void {
  const inChain = new Set<FlowNode>();
  for (const { node, pointer } of nodeSites(flow.node, flow.pointer)) {
    if (node.kind === "branch" && !inChain.has(node)) {
      const arms = armsOf(node, pointer, inChain);
      for (const [index, arm] of arms.entries()) {
        const earlier = arms
          .slice(0, index)
          .find((other) => other.path === arm.path && deepEqual(other.word, arm.word));
        if (earlier === undefined) continue;
        report("unreachable-lane", {
          message: `an arm for ${arm.path} == ${JSON.stringify(arm.word)} is never taken: an earlier arm has the same condition`,
          pointer: arm.pointer,
          notes: [`the earlier arm is at ${earlier.pointer}`],
          help: "give the arm a value of its own, or drop it",
        });
      }
    }
    if (node.kind !== "fanout" || node.bind.op !== "path" || node.body.kind !== "branch") continue;
    if (node.items.op !== "lit" || !Array.isArray(node.items.value)) continue;
    const items: readonly Json[] = node.items.value;
    const bind = node.bind.at.text;
    for (const arm of armsOf(node.body, `${pointer}/body`, new Set())) {
      if (arm.path !== bind || items.some((item) => deepEqual(item, arm.word))) continue;
      report("unreachable-lane", {
        message: `the lane for ${JSON.stringify(arm.word)} is never taken: the fanout has no such item`,
        pointer: arm.pointer,
        notes: [
          `items: ${items
            .slice(0, 20)
            .map((item) => JSON.stringify(item))
            .join(", ")}`,
        ],
        help: "add the item, or drop the lane",
      });
    }
  }
}

/** The arms of a chain that begins here; its branches are added to `seen`. */
function armsOf(first: FlowNode, pointer: string, seen: Set<FlowNode>): readonly Arm[] {
  const arms: Arm[] = [];
  let at = pointer;
  for (let node = first; node.kind === "branch"; node = node.else, at += "/else") {
    seen.add(node);
    const { cond } = node;
    if (cond.op !== "eq") continue;
    const [path, word] = cond.lhs.op === "path" ? [cond.lhs, cond.rhs] : [cond.rhs, cond.lhs];
    if (path.op === "path" && word.op === "lit") {
      arms.push({ path: path.at.text, word: word.value, pointer: `${at}/then` });
    }
  }
  return arms;
}

/** Checks what reaching definitions show. */
export function checkReads({ blueprint, report }: Compilation, facts: FlowFacts): void {
  if (!facts.complete) return;
  for (const write of facts.scalarWrites) {
    report("write-under-scalar", {
      message: `a write to ${write.text} fails: $${write.scalarAt.map((key) => `.${key}`).join("")} holds no object there`,
      pointer: write.pointer,
      help: "write somewhere else, or do not write a plain value to the path above it",
    });
  }
  const said = new Set<string>();
  const contracts = new Map(blueprint.agents.map((agent) => [agent.name, agent.verdict]));
  for (const read of facts.reads) {
    if (said.has(read.text)) continue;
    if ([...read.sources.values()].some((source) => source.kind === "lanes" && source.below)) {
      said.add(read.text);
      report("gate-on-fanout", {
        message: `a condition reads ${read.text}, below the joined lanes of a fanout: they are an array, so nothing is there`,
        pointer: read.pointer,
        help: "let a step after the fanout decide, and read its verdict",
      });
      continue;
    }
    const doubt = read.guarded ? undefined : doubtOf(read, facts, contracts);
    if (doubt === undefined) continue;
    said.add(read.text);
    report("unguarded-verdict-read", {
      message: `a condition reads ${read.text}, which may not be there: ${doubt.why}; the read then fails the run`,
      pointer: read.pointer,
      ...(doubt.ref === undefined ? {} : { element: agentElement(doubt.ref) }),
      help: doubt.help,
    });
  }
  for (const read of facts.reads) {
    if (channelOf(read.path.slice(-2)) !== "part" || said.has(read.text)) continue;
    if (![...read.sources.values()].every((source) => source.kind === "initial" || source.kind === "unknown")) continue;
    said.add(read.text);
    report("verdict-source-unknown", {
      message: `a condition reads ${read.text}, and whose verdict that is cannot be told`,
      pointer: read.pointer,
      notes: [
        `steps that write: ${listed(facts.steps.flatMap((step) => (step.out === undefined ? [] : `$.${step.out.join(".")}`)))}`,
      ],
      help: "correct the path, or make sure that the start ctx has it",
    });
  }
}

type Contracts = ReadonlyMap<string, { readonly channel: "body" | "part" } | undefined>;

/** Why a part that is read without a guard may be absent, and what helps. */
function doubtOf(
  read: ConditionRead,
  facts: FlowFacts,
  contracts: Contracts,
): { readonly why: string; readonly help: string; readonly ref?: string } | undefined {
  const sources = [...read.sources.values()];
  const parts = sources.flatMap((source) => {
    if (source.kind !== "step" || channelOf(source.rest) !== "part") return [];
    return facts.steps[source.step]?.ref ?? [];
  });
  if (parts.length === 0) return undefined;
  const channels = parts.map((ref) => contracts.get(ref)?.channel);
  // A body contract read as a part is a channel mismatch, and said as such.
  if (channels.includes("body")) return undefined;
  const free = parts[channels.indexOf(undefined)];
  if (free !== undefined) {
    return {
      why: `nothing obliges '${free}' to stage a verdict`,
      help: `declare verdict { channel: part } for '${free}', or read it behind exists`,
      ref: free,
    };
  }
  if (!sources.some((source) => source.kind === "initial")) return undefined;
  return {
    why: `'${parts[0]}' does not run on every way here`,
    help: "read it behind exists, or write a value on the other way",
    ...(parts[0] === undefined ? {} : { ref: parts[0] }),
  };
}
