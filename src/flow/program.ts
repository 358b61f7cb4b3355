/**
 * Programs: a decoded flow compiled once, for any number of machines.
 *
 * Owns: turning nodes into operations. Iterative over nodes; expressions recurse within `maxDepth`.
 */
import { assertNever } from "./error.ts";
import { compileEvaluate } from "./evaluate/compile-expr.ts";
import type { FlowExpr } from "./expr.ts";
import { limitExceeded } from "./failures.ts";
import type { Json } from "./json.ts";
import { inspectJson } from "./json-inspect.ts";
import { type FlowLimits, resolveLimits } from "./limits.ts";
import type { CompiledValue, Operation, Target } from "./machine/operation.ts";
import type { FlowNode } from "./node.ts";
import type { ProgramStep } from "./program-step.ts";
import { joinKey, stepKey } from "./step-key.ts";
import { childNodes } from "./walk.ts";

/** A flow ready to run: expressions compiled, places known. Immutable. */
export interface FlowProgram {
  readonly root: FlowNode;
  /** The step nodes, in document order. */
  readonly steps: readonly ProgramStep[];
  readonly limits: FlowLimits;
  /** The nodes as the machine runs them, in document order; the first is the flow. For the machine only. */
  readonly operations: readonly Operation[];
}

/** Compiles a decoded flow. Throws FlowError `limit_exceeded` (too deep, too many nodes) or `invalid_limit`. */
export const compileFlow = (root: FlowNode, limits?: Partial<FlowLimits>): FlowProgram => {
  const bounds = resolveLimits(limits);
  const drafts = listDrafts(root, bounds);
  const steps: ProgramStep[] = [];
  for (const { node, nodePath, pointer } of drafts) {
    if (node.kind === "step") steps.push({ index: steps.length, nodePath, pointer, ref: node.ref, node });
  }
  const operations: Operation[] = new Array(drafts.length);
  let nextStep = steps.length;
  // Children come after their parents, so going backwards finds them made.
  for (const draft of drafts.toReversed()) {
    if (draft.node.kind === "step") nextStep -= 1;
    const below = draft.children.map((child) => operations[child] as Operation);
    operations[draft.index] = compileNode(draft, below, steps[nextStep], bounds);
  }
  return Object.freeze({ root, steps, limits: bounds, operations });
};

/** A node and its place, before it is compiled. */
interface Draft {
  readonly node: FlowNode;
  readonly index: number;
  readonly nodePath: string;
  readonly pointer: string;
  readonly label: string;
  readonly depth: number;
  /** Indexes of the nodes directly below, in document order. */
  readonly children: number[];
}

const listDrafts = (root: FlowNode, limits: FlowLimits): readonly Draft[] => {
  const drafts: Draft[] = [];
  type Waiting = Omit<Draft, "index" | "children" | "nodePath"> & { parent: Draft | undefined; path: string };
  const waiting: Waiting[] = [{ node: root, path: "", pointer: "", label: "", depth: 1, parent: undefined }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, path, pointer, label, depth, parent } = next;
    if (depth > limits.maxDepth) throw limitExceeded("maxDepth", limits.maxDepth, "nodes are nested too deep");
    if (drafts.length >= limits.maxNodes)
      throw limitExceeded("maxNodes", limits.maxNodes, "the flow has too many nodes");
    const draft: Draft = { node, index: drafts.length, nodePath: stepKey(path), pointer, label, depth, children: [] };
    drafts.push(draft);
    parent?.children.push(draft.index);
    for (const child of childNodes(node).toReversed()) {
      waiting.push({
        node: child.node,
        path: joinKey(path, child.label),
        pointer: pointer + child.pointer,
        label: frameLabel(node, label, child.label),
        depth: depth + 1,
        parent: draft,
      });
    }
  }
  return drafts;
};

/** A child's label below the nearest frame: see operation.ts. */
const frameLabel = (parent: FlowNode, parentLabel: string, child: string): string => {
  switch (parent.kind) {
    case "seq":
      return child;
    case "loop":
    case "fanout":
      return "";
    case "branch":
      return joinKey(parentLabel, child);
    case "try":
      // The frame of a try ends with its body: `catch` runs below what encloses the try.
      return child === "body" ? child : joinKey(parentLabel, child);
    case "step":
    case "let":
      return child;
    default:
      return assertNever(parent);
  }
};

const compileNode = (
  draft: Draft,
  below: readonly Operation[],
  step: ProgramStep | undefined,
  limits: FlowLimits,
): Operation => {
  const { node, index, nodePath, pointer, label, depth } = draft;
  const place = { index, nodePath, pointer, label };
  const evaluate = (expr: FlowExpr, field: string) =>
    compileEvaluate(expr, `${pointer}/${field}`, depth + 1, limits.maxDepth);
  const value = (expr: FlowExpr, field: string): CompiledValue => ({
    evaluate: evaluate(expr, field),
    depth: depthRule(expr, limits),
  });
  const [first, second] = below as [Operation, Operation];
  switch (node.kind) {
    case "step":
      return {
        kind: "step",
        ...place,
        step: step as ProgramStep,
        input: evaluate(node.in, "in"),
        out: target(node.out),
      };
    case "seq":
      return { kind: "seq", ...place, children: below };
    case "branch":
      return { kind: "branch", ...place, cond: evaluate(node.cond, "cond"), onTrue: first, onFalse: second };
    case "fanout": {
      const { join } = node;
      const items = value(node.items, "items");
      return { kind: "fanout", ...place, items, bind: target(node.bind), body: first, join, out: target(node.out) };
    }
    case "loop": {
      const { max } = node;
      const cond = evaluate(node.cond, "cond");
      return { kind: "loop", ...place, counter: target(node.counter), cond, body: first, max };
    }
    case "try": {
      const errAt = node.err_at === undefined ? {} : { errAt: { target: target(node.err_at) } };
      return { kind: "try", ...place, body: first, catch: second, ...errAt };
    }
    case "let":
      return { kind: "let", ...place, at: target(node.at), value: value(node.value, "value") };
    default:
      return assertNever(node);
  }
};

const target = (expr: FlowExpr): Target => (expr.op === "path" ? expr.at : undefined);

/** The most a value of this expression can be nested: only paths, literals and externs give containers. */
const depthRule = (expr: FlowExpr, limits: FlowLimits): CompiledValue["depth"] => {
  switch (expr.op) {
    case "path": {
      const above = expr.at.segments.length;
      return (value, ctxDepth) => (typeof value === "object" && value !== null ? Math.max(1, ctxDepth - above) : 0);
    }
    case "lit": {
      const depth = depthOf(expr.value, limits);
      return () => depth;
    }
    case "call_extern":
      return (value) => depthOf(value, limits);
    default:
      return () => 0;
  }
};

/** The depth of a value, or one more than a ctx may have. */
const depthOf = (value: Json, limits: FlowLimits): number => {
  const inspection = inspectJson(value, limits);
  return "depth" in inspection ? inspection.depth : limits.maxCtxDepth + 1;
};
