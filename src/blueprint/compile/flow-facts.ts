/**
 * Reaching definitions over a flow: at each condition, which steps may have made the values it reads.
 *
 * Owns: how control flows through the nodes, and what conditions and write targets are noted for the lints.
 * Does not own: what is made of it (verdict-lints.ts, gate-lints.ts) or the abstract ctx (ctx-state.ts).
 *
 * F1  One walk, each node once: a loop's body starts from what its own writes may have left, not from a fixed point.
 * F2  Work is bounded. When the budget runs out the facts are incomplete, and whoever reads them stays silent.
 */
import type { FlowExpr, FlowNode, Json } from "../../flow/index.ts";
import { CtxState, type Source, type Sources, sourcesOf } from "./ctx-state.ts";
import { childNodes, type ExprSite, FLOW_POINTER, type NodeSite, nodeSites, operands } from "./flow-walk.ts";

/** A path read inside a condition, or inside a value that is computed and kept. */
export interface ConditionRead {
  readonly path: readonly string[];
  /** The path as it is written. */
  readonly text: string;
  readonly pointer: string;
  readonly sources: Sources;
  /** Whether an `exists` on the way here has shown that it is there, or the read itself sits in one. */
  readonly guarded: boolean;
}

/** A path compared with literals inside a condition: the leaves that handle verdicts. */
export interface Comparison {
  /** `member`: the literals are the haystack of an `in`. */
  readonly op: "eq" | "ne" | "member";
  readonly read: ConditionRead;
  readonly literals: readonly Json[];
  /** Pointer of the comparing expression. */
  readonly pointer: string;
  /**
   * Whether it is one the reference system looks at too: literals in place, and nothing but `and`, `or` and `not` between
   * it and the condition of a branch or loop.
   */
  readonly plain: boolean;
}

/** How a walk came to an expression. */
interface Way {
  readonly guarded: boolean;
  readonly plain: boolean;
}

/** A write below a value that is no object, wherever it comes from. */
export interface ScalarWrite {
  readonly pointer: string;
  readonly text: string;
  /** The part of the path that holds the scalar. */
  readonly scalarAt: readonly string[];
}

/** A step node, in document order. */
export interface FlowStep {
  readonly ref: string;
  readonly pointer: string;
  /** Keys of the path it writes, where that is a path. */
  readonly out?: readonly string[];
}

/** What the walk found. */
export interface FlowFacts {
  readonly steps: readonly FlowStep[];
  readonly reads: readonly ConditionRead[];
  readonly comparisons: readonly Comparison[];
  readonly scalarWrites: readonly ScalarWrite[];
  /** False where the budget ran out (F2). */
  readonly complete: boolean;
}

const WORK_BUDGET = 2_000_000;
const SCALAR: Sources = sourcesOf({ kind: "scalar" });
const LANES: Sources = sourcesOf({ kind: "lanes", below: false });
const UNKNOWN: Sources = sourcesOf({ kind: "unknown" });

/** Analyses a flow. `known` are top-level keys every run's ctx starts with. */
export function analyseFlow(flow: FlowNode, known: readonly string[] = []): FlowFacts {
  const walk = new FactWalk(flow);
  walk.run({ node: flow, pointer: FLOW_POINTER }, new CtxState(known));
  return walk.facts();
}

class FactWalk {
  readonly #steps: FlowStep[] = [];
  readonly #stepIndex = new Map<string, number>();
  readonly #reads: ConditionRead[] = [];
  readonly #comparisons: Comparison[] = [];
  readonly #scalarWrites: ScalarWrite[] = [];
  #work = WORK_BUDGET;

  constructor(flow: FlowNode) {
    for (const { node, pointer } of nodeSites(flow)) {
      if (node.kind !== "step") continue;
      this.#stepIndex.set(pointer, this.#steps.length);
      const out = node.out.op === "path" ? { out: node.out.at.segments } : {};
      this.#steps.push({ ref: node.ref, pointer, ...out });
    }
  }

  facts(): FlowFacts {
    return {
      steps: this.#steps,
      reads: this.#reads,
      comparisons: this.#comparisons,
      scalarWrites: this.#scalarWrites,
      complete: this.#work > 0,
    };
  }

  /** Runs a node abstractly; `state` afterwards is what holds behind it. */
  run(site: NodeSite, state: CtxState): void {
    this.#work -= 1;
    if (this.#work <= 0) return;
    const { node, pointer } = site;
    const [first, second] = childNodes(site);
    switch (node.kind) {
      case "step":
        this.#write(state, node.out, `${pointer}/out`, this.#stepSources(pointer));
        return;
      case "let":
        if (node.value.op !== "path") this.#condition(state, { expr: node.value, pointer: `${pointer}/value` }, false);
        this.#assign(state, node.at, `${pointer}/at`, node.value);
        return;
      case "seq":
        for (const child of childNodes(site)) this.run(child, state);
        return;
      case "branch": {
        this.#condition(state, { expr: node.cond, pointer: `${pointer}/cond` }, true);
        const otherwise = this.#fork(state);
        assume(state, node.cond, true);
        assume(otherwise, node.cond, false);
        if (first !== undefined) this.run(first, state);
        if (second !== undefined) this.run(second, otherwise);
        this.#join(state, otherwise);
        return;
      }
      case "loop": {
        this.#write(state, node.counter, `${pointer}/counter`, SCALAR);
        const head = this.#fork(state);
        this.#mayWriteAll(node.body, `${pointer}/body`, head);
        this.#condition(head, { expr: node.cond, pointer: `${pointer}/cond` }, true);
        assume(head, node.cond, true);
        if (first !== undefined) this.run(first, head);
        this.#join(state, head);
        return;
      }
      case "fanout": {
        const lane = this.#fork(state);
        this.#write(lane, node.bind, `${pointer}/bind`, itemSources(node.items));
        if (first !== undefined) this.run(first, lane);
        this.#write(state, node.out, `${pointer}/out`, LANES);
        if (node.join === "any" || node.join === "race") this.#adopt(state, node.out, lane);
        return;
      }
      case "try": {
        const caught = this.#fork(state);
        if (first !== undefined) this.run(first, state);
        if (node.err_at !== undefined) this.#write(caught, node.err_at, `${pointer}/err_at`, SCALAR);
        if (second !== undefined) this.run(second, caught);
        this.#join(state, caught);
        return;
      }
    }
  }

  #fork(state: CtxState): CtxState {
    this.#work -= state.weight;
    return state.copy();
  }

  #join(state: CtxState, other: CtxState): void {
    this.#work -= other.weight;
    state.join(other);
  }

  #stepSources(pointer: string): Sources {
    const step = this.#stepIndex.get(pointer);
    return step === undefined ? UNKNOWN : sourcesOf({ kind: "step", step, rest: [] });
  }

  #write(state: CtxState, target: FlowExpr, pointer: string, sources: Sources): void {
    if (target.op !== "path") return;
    const { segments, text } = target.at;
    for (let length = 1; length < segments.length; length += 1) {
      const scalarAt = segments.slice(0, length);
      if (!isScalar(state.lookUp(scalarAt))) continue;
      this.#scalarWrites.push({ pointer, text, scalarAt });
      break;
    }
    state.write(segments, sources);
  }

  #assign(state: CtxState, target: FlowExpr, pointer: string, value: FlowExpr): void {
    if (value.op !== "path" || target.op !== "path") {
      this.#write(state, target, pointer, valueSources(value));
      return;
    }
    const copied = state.entriesBelow(value.at.segments).filter((entry) => entry.rest.length > 0);
    this.#work -= copied.length;
    this.#write(state, target, pointer, state.lookUp(value.at.segments));
    for (const { rest, sources } of copied) state.write([...target.at.segments, ...rest], sources);
  }

  /** The result of an `any` or `race` is the winner's whole ctx. */
  #adopt(state: CtxState, target: FlowExpr, lane: CtxState): void {
    if (target.op !== "path") return;
    state.write(target.at.segments, lane.lookUp([]));
    const entries = lane.entriesBelow([]);
    this.#work -= entries.length;
    for (const { rest, sources } of entries) state.write([...target.at.segments, ...rest], sources);
  }

  /** What the nodes of a loop's body may have written in an earlier turn. */
  #mayWriteAll(body: FlowNode, pointer: string, state: CtxState): void {
    const lanes: string[] = [];
    for (const site of nodeSites(body, pointer)) {
      this.#work -= 1;
      if (this.#work <= 0) return;
      const { node } = site;
      // Writes inside a lane stay in the lane.
      while (lanes.length > 0 && !site.pointer.startsWith(`${lanes.at(-1)}/`)) lanes.pop();
      const inLane = lanes.length > 0;
      if (node.kind === "fanout") {
        if (!inLane) mayWrite(state, node.out, node.join === "any" || node.join === "race" ? UNKNOWN : LANES);
        lanes.push(`${site.pointer}/body`);
      } else if (inLane) {
      } else if (node.kind === "step") mayWrite(state, node.out, this.#stepSources(site.pointer));
      else if (node.kind === "let") mayWrite(state, node.at, valueSources(node.value));
      else if (node.kind === "loop") mayWrite(state, node.counter, SCALAR);
      else if (node.kind === "try" && node.err_at !== undefined) mayWrite(state, node.err_at, SCALAR);
    }
  }

  /** Notes what an expression reads, left to right, with what earlier operands have shown to exist. */
  #condition(state: CtxState, site: ExprSite, plain: boolean): void {
    this.#read(state, site, { guarded: false, plain });
  }

  #read(state: CtxState, site: ExprSite, way: Way): void {
    const { expr, pointer } = site;
    this.#work -= 1;
    if (this.#work <= 0) return;
    if (expr.op === "path") {
      this.#reads.push(readAt(state, expr.at.segments, expr.at.text, pointer, way.guarded));
      return;
    }
    if (expr.op === "and" || expr.op === "or") {
      // Operands are evaluated until one decides, so a later one knows how the earlier ones came out.
      const sofar = this.#fork(state);
      for (const operand of operands(site)) {
        this.#read(sofar, operand, way);
        assume(sofar, operand.expr, expr.op === "and");
      }
      return;
    }
    if (expr.op === "eq" || expr.op === "ne" || expr.op === "in") {
      const comparison = compareAt(state, site, way);
      if (comparison !== undefined) this.#comparisons.push(comparison);
    }
    const inner = { guarded: way.guarded || expr.op === "exists", plain: way.plain && expr.op === "not" };
    for (const operand of operands(site)) this.#read(state, operand, inner);
  }
}

function mayWrite(state: CtxState, target: FlowExpr, sources: Sources): void {
  if (target.op === "path") state.writePerhaps(target.at.segments, sources);
}

function readAt(
  state: CtxState,
  path: readonly string[],
  text: string,
  pointer: string,
  guarded: boolean,
): ConditionRead {
  return { path, text, pointer, sources: state.lookUp(path), guarded: guarded || state.isPresent(path) };
}

/** `path eq literal` either way round, `path in literals`, and `path in path` where the ctx holds known lists. */
function compareAt(state: CtxState, { expr, pointer }: ExprSite, { guarded, plain }: Way): Comparison | undefined {
  if (expr.op === "eq" || expr.op === "ne") {
    const sides = [
      [expr.lhs, expr.rhs, "lhs"],
      [expr.rhs, expr.lhs, "rhs"],
    ] as const;
    for (const [path, literal, side] of sides) {
      if (path.op !== "path" || literal.op !== "lit") continue;
      const read = readAt(state, path.at.segments, path.at.text, `${pointer}/${side}`, guarded);
      return { op: expr.op, read, literals: [literal.value], pointer, plain };
    }
    return undefined;
  }
  if (expr.op !== "in" || expr.needle.op !== "path") return undefined;
  const { haystack, needle } = expr;
  const read = readAt(state, needle.at.segments, needle.at.text, `${pointer}/needle`, guarded);
  if (haystack.op === "lit" && Array.isArray(haystack.value)) {
    return { op: "member", read, literals: haystack.value, pointer, plain };
  }
  if (haystack.op !== "path") return undefined;
  const lists = [...state.lookUp(haystack.at.segments).values()];
  const literals: Json[] = [];
  for (const list of lists) {
    if (list.kind !== "literal" || !Array.isArray(list.value)) return undefined;
    literals.push(...list.value);
  }
  return { op: "member", read, literals, pointer, plain: false };
}

/** Takes over what is shown to exist when `expr` came out as `outcome`. */
function assume(state: CtxState, expr: FlowExpr, outcome: boolean): void {
  if (expr.op === "exists" && outcome && expr.arg.op === "path") state.assumePresent(expr.arg.at.segments);
  else if (expr.op === "not") assume(state, expr.arg, !outcome);
  else if ((expr.op === "and" && outcome) || (expr.op === "or" && !outcome)) {
    for (const arg of expr.args) assume(state, arg, outcome);
  }
}

function valueSources(value: FlowExpr): Sources {
  switch (value.op) {
    case "lit":
      return sourcesOf({ kind: "literal", value: value.value });
    case "path":
    case "call_extern":
      return UNKNOWN;
    default:
      return SCALAR;
  }
}

// A longer list of items is not worth the memory: nothing is decided by so many words.
const MAX_ITEMS = 64;

/** What a lane finds at `bind`. */
function itemSources(items: FlowExpr): Sources {
  if (items.op !== "lit" || !Array.isArray(items.value) || items.value.length > MAX_ITEMS) return UNKNOWN;
  return sourcesOf(...(items.value as readonly Json[]).map((value): Source => ({ kind: "literal", value })));
}

/** Whether every source is a value that nothing can be written below. Null gives way to an object when written under. */
function isScalar(sources: Sources): boolean {
  return (
    sources.size > 0 &&
    [...sources.values()].every(
      (source) =>
        source.kind === "scalar" ||
        (source.kind === "lanes" && !source.below) ||
        (source.kind === "literal" &&
          source.value !== null &&
          (typeof source.value !== "object" || Array.isArray(source.value))),
    )
  );
}
