/**
 * The steps of a live run as a tree: events in, nodes out.
 *
 * Owns: how step keys nest (loops, turns, fanouts, lanes), what each step's state is, and which finished nodes are
 * folded into counts. Does not own: how it looks (step-tree-lines.ts), time (events carry it).
 *
 * S1  Every event costs its depth, whatever the size of the run.
 * S2  A group keeps at most KEEP_FINISHED finished children and KEEP_FAILED failed ones; the rest live on in its tally.
 *     Running children are always kept.
 * S3  Tallies count steps, not attempts: a step counts once, under its latest state.
 */
import type { StepKey } from "../../flow/index.ts";
import type { RunEvent } from "../../host.ts";
import { endMessage } from "./worker-end.ts";

/** Finished children a group keeps: more than a screen ever shows. */
export const KEEP_FINISHED = 200;

/** Failed children a group keeps. */
export const KEEP_FAILED = 50;

/** Where a step is. `retrying`: its last attempt failed and another will follow. */
export type StepState = "running" | "retrying" | "pass" | "blocked" | "skip" | "error" | "timeout" | "cancelled";

/** One step. Times in milliseconds since 1970. */
export interface StepLeaf {
  readonly kind: "step";
  readonly key: StepKey;
  readonly agent: string;
  readonly state: StepState;
  readonly attempt: number;
  readonly startedAt: number;
  /** Absent while it runs. */
  readonly durationMs?: number;
  /** What its latest failure said. */
  readonly message?: string;
  /** What its worker said last. */
  readonly note?: string;
}

/** How many steps of a group are in which state. */
export interface Tally {
  running: number;
  retrying: number;
  passed: number;
  skipped: number;
  failed: number;
  cancelled: number;
}

/** A loop, one of its turns, a fanout, one of its lanes, or the whole run. */
export interface StepGroup {
  readonly kind: "run" | "loop" | "turn" | "fanout" | "lane";
  /** Key prefix of what is in it. */
  readonly prefix: string;
  /** Turn or lane number, from 0. */
  readonly index: number;
  /** By key or prefix, in order of appearance. */
  readonly children: Map<string, StepNode>;
  readonly tally: Tally;
  /** Of a fanout: its join has succeeded, whatever single lanes came to. */
  joined?: true;
  /** The winning lane of a joined fanout, where its join has one. */
  winner?: number;
}

/** A node of the tree. */
export type StepNode = StepLeaf | StepGroup;

interface Keeping {
  readonly finished: string[];
  failed: number;
}

/** The tree of one run. */
export class StepTree {
  readonly root: StepGroup = newGroup("run", "", 0);
  startedAt: number | undefined;
  finishedAt: number | undefined;
  cancelling = false;
  readonly #groups = new Map<string, StepGroup>([["", this.root]]);
  readonly #keeping = new Map<StepGroup, Keeping>();

  /** Takes in what happened. */
  apply(event: RunEvent): void {
    switch (event.type) {
      case "run_started":
        this.startedAt = event.at;
        return;
      case "step_started":
        this.#put(event.key, {
          kind: "step",
          key: event.key,
          agent: event.agent,
          state: "running",
          attempt: event.attempt,
          startedAt: event.at,
        });
        return;
      case "step_event":
        this.#note(event);
        return;
      case "step_completed": {
        const { key, agent, attempt, durationMs, at } = event;
        const message = endMessage(event);
        const state = event.retryAt === undefined ? event.outcome : "retrying";
        const said = message === undefined ? {} : { message };
        this.#put(key, { kind: "step", key, agent, state, attempt, startedAt: at - durationMs, durationMs, ...said });
        return;
      }
      case "fanout_joined": {
        const group = this.#groups.get(event.key === "root" ? "@" : `${event.key}@`);
        if (group === undefined) return;
        group.joined = true;
        if (event.winner !== undefined) group.winner = event.winner;
        this.#closeRunning(group, event.at);
        return;
      }
      case "cancel_requested":
        this.cancelling = true;
        return;
      case "run_parked":
        return;
      case "run_finished":
        this.finishedAt = event.at;
        this.#closeRunning(this.root, event.at);
        return;
    }
  }

  /** Steps in any state. */
  get total(): number {
    return tallyTotal(this.root.tally);
  }

  #put(key: StepKey, leaf: StepLeaf): void {
    const ancestors = this.#ancestors(key);
    const parent = ancestors.at(-1) as StepGroup;
    const before = parent.children.get(key);
    parent.children.set(key, leaf);
    for (const group of ancestors) {
      if (before?.kind === "step") group.tally[tallySlot(before.state)] -= 1;
      group.tally[tallySlot(leaf.state)] += 1;
    }
    if (!isOpen(leaf.state)) this.#fold(ancestors, key, leaf);
  }

  #note(event: Extract<RunEvent, { type: "step_event" }>): void {
    const parent = this.#ancestors(event.key).at(-1) as StepGroup;
    const leaf = parent.children.get(event.key);
    const note = noteText(event.event);
    if (leaf?.kind !== "step" || note === undefined) return;
    parent.children.set(event.key, { ...leaf, note });
  }

  /** The groups a key is in, outermost first, made where they are new. */
  #ancestors(key: string): readonly StepGroup[] {
    const ancestors: StepGroup[] = [this.root];
    let prefix = "";
    for (const part of key.split(".")) {
      const below = prefix === "" ? part : `${prefix}.${part}`;
      const sign = part[0];
      if (sign === "~" || sign === "@") {
        const index = Number(part.slice(1));
        ancestors.push(this.#group(ancestors, sign === "~" ? "loop" : "fanout", `${prefix}${sign}`, 0));
        ancestors.push(this.#group(ancestors, sign === "~" ? "turn" : "lane", below, index));
      }
      prefix = below;
    }
    return ancestors;
  }

  #group(ancestors: readonly StepGroup[], kind: StepGroup["kind"], prefix: string, index: number): StepGroup {
    const known = this.#groups.get(prefix);
    if (known !== undefined) return known;
    const group = newGroup(kind, prefix, index);
    this.#groups.set(prefix, group);
    (ancestors.at(-1) as StepGroup).children.set(prefix, group);
    return group;
  }

  /** Keeps what has finished within bounds (S2), from the step upwards as far as groups have fallen quiet. */
  #fold(ancestors: readonly StepGroup[], key: string, leaf: StepLeaf): void {
    let child = key;
    let failed = isFailure(leaf.state);
    for (const group of ancestors.toReversed()) {
      const keeping = this.#keepingOf(group);
      if (failed && keeping.failed < KEEP_FAILED) keeping.failed += 1;
      else {
        keeping.finished.push(child);
        if (keeping.finished.length > KEEP_FINISHED) this.#drop(group, keeping.finished.shift() as string);
      }
      if (group.tally.running + group.tally.retrying > 0) return;
      child = group.prefix;
      failed = group.tally.failed > 0;
    }
  }

  #drop(group: StepGroup, child: string): void {
    const node = group.children.get(child);
    if (node === undefined || (node.kind === "step" ? isOpen(node.state) : isBusy(node))) return;
    // A group is listed again each time it falls quiet: only its last listing drops it.
    if (this.#keepingOf(group).finished.includes(child)) return;
    group.children.delete(child);
    if (node.kind !== "step") this.#forget(node);
  }

  #forget(group: StepGroup): void {
    this.#groups.delete(group.prefix);
    this.#keeping.delete(group);
    for (const child of group.children.values()) if (child.kind !== "step") this.#forget(child);
  }

  #keepingOf(group: StepGroup): Keeping {
    const known = this.#keeping.get(group);
    if (known !== undefined) return known;
    const keeping: Keeping = { finished: [], failed: 0 };
    this.#keeping.set(group, keeping);
    return keeping;
  }

  /** Steps that will not report any more: the lanes that lost, and whatever a run's end stopped. */
  #closeRunning(group: StepGroup, at: number): void {
    if (!isBusy(group)) return;
    for (const child of [...group.children.values()]) {
      if (child.kind !== "step") this.#closeRunning(child, at);
      else if (isOpen(child.state))
        this.#put(child.key, { ...child, state: "cancelled", durationMs: at - child.startedAt });
    }
  }
}

/** Steps in any state. */
export function tallyTotal(tally: Tally): number {
  return tally.running + tally.retrying + tally.passed + tally.skipped + tally.failed + tally.cancelled;
}

/** Whether a step is not over. */
export function isOpen(state: StepState): boolean {
  return state === "running" || state === "retrying";
}

/** Whether a step ended badly. */
export function isFailure(state: StepState): boolean {
  return state === "error" || state === "timeout" || state === "blocked";
}

/** Whether any step of a group is not over. */
export function isBusy(group: StepGroup): boolean {
  return group.tally.running + group.tally.retrying > 0;
}

function tallySlot(state: StepState): keyof Tally {
  switch (state) {
    case "running":
      return "running";
    case "retrying":
      return "retrying";
    case "pass":
      return "passed";
    case "skip":
      return "skipped";
    case "cancelled":
      return "cancelled";
    case "blocked":
    case "error":
    case "timeout":
      return "failed";
  }
}

function newGroup(kind: StepGroup["kind"], prefix: string, index: number): StepGroup {
  const tally: Tally = { running: 0, retrying: 0, passed: 0, skipped: 0, failed: 0, cancelled: 0 };
  return { kind, prefix, index, children: new Map(), tally };
}

function noteText(event: Extract<RunEvent, { type: "step_event" }>["event"]): string | undefined {
  switch (event.type) {
    case "progress":
      return event.note === undefined ? event.stage : `${event.stage}: ${event.note}`;
    case "warning":
      return `warning: ${event.message}`;
    case "artifact":
      return `staged ${event.name}`;
    case "partial":
      return undefined;
  }
}
