/**
 * A flow as a graph: what control can follow what. The drawing languages are made of it.
 *
 * G1  Ids are `n0`, `n1`, ... and `c0`, `c1`, ..., in document order: equal flows give equal graphs.
 * G2  Every node but `start` can be reached from `start`; an arm without nodes is an edge past it.
 */
import { assertNever, type FlowNode } from "../../flow/index.ts";
import { exprText, pathText } from "./expr-text.ts";
import type { KindOf } from "./flow-tree.ts";

/** What a node stands for, which decides its shape. */
export type GraphShape = "terminal" | "step" | "write" | "decision" | "guard";

/** A box of the drawing. */
export interface GraphNode {
  readonly id: string;
  readonly shape: GraphShape;
  readonly label: string;
}

/** A frame around nodes and other frames: a fanout or a loop. */
export interface GraphCluster {
  readonly id: string;
  readonly label: string;
  readonly members: readonly (GraphNode | GraphCluster)[];
}

/** An arrow. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
  /** Taken only after an error. */
  readonly onError?: true;
}

/** The whole drawing. */
export interface FlowGraph {
  readonly members: readonly (GraphNode | GraphCluster)[];
  readonly edges: readonly GraphEdge[];
}

type Exit = Omit<GraphEdge, "to">;

/** The graph of a flow. */
export function flowGraph(root: FlowNode, kindOf: KindOf): FlowGraph {
  const builder = new Builder(kindOf);
  const start = builder.node("terminal", "start");
  const exits = builder.build(root, [{ from: start }]);
  builder.enter(builder.node("terminal", "end"), exits);
  return { members: builder.members, edges: builder.edges };
}

class Builder {
  readonly edges: GraphEdge[] = [];
  readonly #kindOf: KindOf;
  #members: (GraphNode | GraphCluster)[] = [];
  #nodes = 0;
  #clusters = 0;

  constructor(kindOf: KindOf) {
    this.#kindOf = kindOf;
  }

  get members(): readonly (GraphNode | GraphCluster)[] {
    return this.#members;
  }

  node(shape: GraphShape, label: string): string {
    const id = `n${this.#nodes}`;
    this.#nodes += 1;
    this.#members.push({ id, shape, label });
    return id;
  }

  enter(id: string, entries: readonly Exit[]): void {
    for (const entry of entries) this.edges.push({ ...entry, to: id });
  }

  /** Adds a flow that is entered through `entries`; returns the ways out of it. */
  build(node: FlowNode, entries: readonly Exit[]): readonly Exit[] {
    switch (node.kind) {
      case "step":
        return this.#box("step", `${node.ref}\n${this.#kindOf(node.ref) ?? "no such agent"}`, entries);
      case "let":
        return this.#box("write", `${pathText(node.at)} = ${exprText(node.value)}`, entries);
      case "seq":
        return node.children.reduce((exits, child) => this.build(child, exits), entries);
      case "branch": {
        const [exit] = this.#box("decision", exprText(node.cond), entries) as [Exit];
        const then = this.build(node.then, [{ ...exit, label: "yes" }]);
        return [...then, ...this.build(node.else, [{ ...exit, label: "no" }])];
      }
      case "fanout": {
        const label = `fanout ${node.join}: ${pathText(node.bind)} of ${exprText(node.items)} -> ${pathText(node.out)}`;
        return this.#cluster(label, () => this.build(node.body, entries));
      }
      case "loop":
        return this.#cluster(`loop, at most ${node.max} turns`, () => {
          const [exit] = this.#box("decision", exprText(node.cond), entries) as [Exit];
          this.enter(exit.from, this.build(node.body, [{ ...exit, label: "yes" }]));
          return [{ ...exit, label: "no" }];
        });
      case "try": {
        const [exit] = this.#box("guard", "try", entries) as [Exit];
        const body = this.build(node.body, [exit]);
        return [...body, ...this.build(node.catch, [{ ...exit, label: "error", onError: true }])];
      }
      default:
        return assertNever(node);
    }
  }

  #box(shape: GraphShape, label: string, entries: readonly Exit[]): readonly Exit[] {
    const id = this.node(shape, label);
    this.enter(id, entries);
    return [{ from: id }];
  }

  #cluster(label: string, fill: () => readonly Exit[]): readonly Exit[] {
    const around = this.#members;
    const members: (GraphNode | GraphCluster)[] = [];
    around.push({ id: `c${this.#clusters}`, label, members });
    this.#clusters += 1;
    this.#members = members;
    const exits = fill();
    this.#members = around;
    return exits;
  }
}
