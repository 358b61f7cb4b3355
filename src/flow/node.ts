/**
 * Nodes: the seven kinds, as readonly data with a literal `kind`.
 *
 * Owns: the closed union and how each kind is written in each dialect. What a kind does is in machine/.
 * Field names are the wire's own; paths are parsed. Both dialects decode to this one tree: what 0.2 writes as `assign`
 * and 0.3 as `let` is a `let` here.
 */
import type { FlowExpr } from "./expr.ts";
import type { FieldTable, JoinMode } from "./wire.ts";

/** Dispatches `ref` with the value of `in` and writes what comes back to `out`. The only suspension point. */
export interface StepNode {
  readonly kind: "step";
  /** Name of the agent. */
  readonly ref: string;
  readonly in: FlowExpr;
  /** A `path` at run time, checked after the dispatch. */
  readonly out: FlowExpr;
}

/** Runs its children in order. */
export interface SeqNode {
  readonly kind: "seq";
  readonly children: readonly FlowNode[];
}

/** Runs one of two arms; `cond` must be a boolean. */
export interface BranchNode {
  readonly kind: "branch";
  readonly cond: FlowExpr;
  readonly then: FlowNode;
  readonly else: FlowNode;
}

/** Runs its body once for each item, each lane in a ctx of its own, and joins the lanes. */
export interface FanoutNode {
  readonly kind: "fanout";
  readonly items: FlowExpr;
  /** Where a lane finds its item; a `path` at run time. */
  readonly bind: FlowExpr;
  readonly body: FlowNode;
  readonly join: JoinMode;
  /** Where the joined result is written; a `path` at run time, checked after the lanes. */
  readonly out: FlowExpr;
}

/** Runs its body while `cond` is truthy, at most `max` times. */
export interface LoopNode {
  readonly kind: "loop";
  /** Where the number of completed turns is written; a `path` at run time. */
  readonly counter: FlowExpr;
  readonly cond: FlowExpr;
  readonly body: FlowNode;
  /** From 0 to 4294967295. */
  readonly max: number;
}

/** Runs its body; on an error takes the ctx back to what it was before and runs `catch`. */
export interface TryNode {
  readonly kind: "try";
  readonly body: FlowNode;
  readonly catch: FlowNode;
  /** Where the error's text is written before `catch` runs; a `path` at run time. */
  readonly err_at?: FlowExpr;
}

/** Writes a value. */
export interface LetNode {
  readonly kind: "let";
  /** A `path`, except in a 0.2 document whose `assign` was given something else, which fails at run time. */
  readonly at: FlowExpr;
  readonly value: FlowExpr;
}

/** Every node. */
export type FlowNode = StepNode | SeqNode | BranchNode | FanoutNode | LoopNode | TryNode | LetNode;

/** Names of all kinds. */
export type FlowNodeKind = FlowNode["kind"];

/** The wire dialects: 0.2 is what mlua-swarm 0.26 speaks, 0.3 is flow.ir's latest. */
export type FlowDialect = "0.2" | "0.3";

/** How each kind is written, in the order the language lists them. `let` is the form of 0.3, `assign` that of 0.2. */
export const NODE_FIELDS: Readonly<Record<FlowNodeKind | "assign", FieldTable>> = {
  step: [
    ["ref", "string"],
    ["in", "expr"],
    ["out", "expr"],
  ],
  seq: [["children", "nodes"]],
  branch: [
    ["cond", "expr"],
    ["then", "node"],
    ["else", "node"],
  ],
  fanout: [
    ["items", "expr"],
    ["bind", "expr"],
    ["body", "node"],
    ["join", "join"],
    ["out", "expr"],
  ],
  loop: [
    ["counter", "expr"],
    ["cond", "expr"],
    ["body", "node"],
    ["max", "count"],
  ],
  try: [
    ["body", "node"],
    ["catch", "node"],
    ["err_at", "optional_expr"],
  ],
  let: [
    ["at", "target"],
    ["value", "expr"],
  ],
  assign: [
    ["at", "expr"],
    ["value", "expr"],
  ],
};
