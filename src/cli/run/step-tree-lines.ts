/**
 * A StepTree as lines of text, as many as there is room for.
 *
 * Owns: order, indentation, what is folded where room is short. Does not own: the width of a terminal (the live view
 * cuts lines), colours and glyphs (style.ts).
 *
 * L1  The same tree, time and room give the same lines.
 * L2  Never more lines than `maxLines` (at least 2).
 * L3  Where children do not fit, running ones are shown before failed ones, failed ones before finished ones, later ones
 *     before earlier ones; what is shown keeps its order, and one line counts what is not.
 */
import { count, formatDuration, oneLine, type Style } from "../style.ts";
import {
  isBusy,
  isFailure,
  isOpen,
  type StepGroup,
  type StepLeaf,
  type StepNode,
  type StepState,
  type StepTree,
  type Tally,
  tallyTotal,
} from "./step-tree.ts";

/** Lanes or turns shown of one fanout or loop before the rest is folded, however much room there is. */
const SHOWN_OF_A_GROUP = 8;

/** Characters of a message or note on a step's line. */
const MESSAGE_LENGTH = 200;

/** How to draw. */
export interface TreeRoom {
  readonly style: Style;
  /** What the run is called in the first line. */
  readonly title: string;
  /** Milliseconds since 1970: running steps count up to it. */
  readonly now: number;
  /** Frame of the spinner. */
  readonly frame: number;
  /** Lines there is room for. */
  readonly maxLines: number;
}

/** The tree with its head line. */
export function treeLines(tree: StepTree, room: TreeRoom): readonly string[] {
  return [headLine(tree, room), ...childLines(tree.root, room, Math.max(1, room.maxLines - 1), "  ")];
}

/** What the steps came to: `12 done, 1 failed`. Empty for no steps. */
export function tallyText(tally: Tally, style: Style): string {
  const parts: string[] = [];
  const add = (number: number, word: string, paint: (text: string) => string): void => {
    if (number > 0) parts.push(paint(`${number} ${word}`));
  };
  add(tally.running, "running", style.active);
  add(tally.retrying, "retrying", style.warn);
  add(tally.passed, "done", style.good);
  add(tally.skipped, "skipped", style.faint);
  add(tally.failed, "failed", style.bad);
  add(tally.cancelled, "cancelled", style.faint);
  return parts.join(style.faint(", "));
}

function headLine(tree: StepTree, { style, title, now, frame }: TreeRoom): string {
  const end = tree.finishedAt ?? now;
  const elapsed = tree.startedAt === undefined ? "" : style.faint(formatDuration(end - tree.startedAt));
  const spin = tree.finishedAt === undefined ? `${style.active(spinner(style, frame))} ` : "";
  const cancelling = tree.cancelling && tree.finishedAt === undefined ? style.warn("cancelling") : "";
  return joined([`${spin}${style.strong(oneLine(title))}`, cancelling, tallyText(tree.root.tally, style), elapsed]);
}

function childLines(group: StepGroup, room: TreeRoom, maxLines: number, indent: string): readonly string[] {
  const children = [...group.children.values()];
  const hiddenSteps = tallyTotal(group.tally) - children.reduce((sum, child) => sum + stepsOf(child), 0);
  const wanted = group.kind === "loop" || group.kind === "fanout" ? SHOWN_OF_A_GROUP : children.length;
  const everything = hiddenSteps === 0 && children.length <= wanted && children.length <= maxLines;
  const shown = everything ? children : mostTelling(children, Math.min(wanted, maxLines - 1));
  const lines = everything ? [] : [restLine(group, shown, room, indent)];
  let spare = maxLines - lines.length - shown.length;
  for (const child of shown) {
    const [head, below] = nodeLines(child, group, room, spare, indent);
    spare -= below.length;
    lines.push(head, ...below);
  }
  return lines;
}

/** A node's own line, and those below it, of which there are at most `spare`. */
function nodeLines(
  node: StepNode,
  parent: StepGroup,
  room: TreeRoom,
  spare: number,
  indent: string,
): readonly [string, readonly string[]] {
  const label = labelOf(node, parent, room.style);
  const only = node.kind === "step" ? node : onlyStep(node);
  if (only !== undefined) return [`${indent}${leafLine(only, label, room)}`, []];
  const group = node as StepGroup;
  const { style, now, frame } = room;
  const head = joined([`${indent}${groupGlyph(group, style, frame)} ${label}`, tallyText(group.tally, style)]);
  const open = spare > 0 && (isBusy(group) || group.tally.failed > 0 || group.children.size <= SHOWN_OF_A_GROUP);
  return [head, open ? childLines(group, { ...room, now }, spare, `${indent}  `) : []];
}

function leafLine(leaf: StepLeaf, label: string, { style, now, frame }: TreeRoom): string {
  const glyph = stateGlyph(leaf.state, style, frame);
  const name = label === "" ? oneLine(leaf.agent) : `${label} ${oneLine(leaf.agent)}`;
  const attempt = leaf.attempt > 1 ? style.warn(`attempt ${leaf.attempt}`) : "";
  const time = style.faint(formatDuration(leaf.durationMs ?? now - leaf.startedAt));
  const said = leaf.message ?? (isOpen(leaf.state) ? leaf.note : undefined);
  const text = said === undefined ? "" : oneLine(said).slice(0, MESSAGE_LENGTH);
  const paint = isFailure(leaf.state) ? style.bad : leaf.state === "retrying" ? style.warn : style.faint;
  return joined([`${glyph} ${name}`, attempt, stateWord(leaf.state, style), time, text === "" ? "" : paint(text)]);
}

/** The children worth showing (L3), in their own order. */
function mostTelling(children: readonly StepNode[], room: number): readonly StepNode[] {
  const rank = (node: StepNode): number => {
    const busy = node.kind === "step" ? isOpen(node.state) : isBusy(node);
    if (busy) return 0;
    return (node.kind === "step" ? isFailure(node.state) : node.tally.failed > 0) ? 1 : 2;
  };
  const chosen = children
    .map((child, index) => ({ child, index, rank: rank(child) }))
    .sort((a, b) => a.rank - b.rank || b.index - a.index)
    .slice(0, Math.max(0, room));
  return chosen.sort((a, b) => a.index - b.index).map(({ child }) => child);
}

function restLine(group: StepGroup, shown: readonly StepNode[], { style }: TreeRoom, indent: string): string {
  const rest: Tally = { ...group.tally };
  for (const node of shown) {
    const tally = node.kind === "step" ? leafTally(node) : node.tally;
    for (const slot of Object.keys(rest) as (keyof Tally)[]) rest[slot] -= tally[slot];
  }
  return joined([
    `${indent}${style.faint(`${style.glyphs.more} ${count(tallyTotal(rest), "more step")}:`)}`,
    tallyText(rest, style),
  ]);
}

function leafTally(leaf: StepLeaf): Tally {
  const tally: Tally = { running: 0, retrying: 0, passed: 0, skipped: 0, failed: 0, cancelled: 0 };
  const slot =
    leaf.state === "pass"
      ? "passed"
      : leaf.state === "skip"
        ? "skipped"
        : isFailure(leaf.state)
          ? "failed"
          : leaf.state;
  tally[slot as keyof Tally] = 1;
  return tally;
}

function stepsOf(node: StepNode): number {
  return node.kind === "step" ? 1 : tallyTotal(node.tally);
}

/** The step of a group that has only ever had one: shown on the group's own line. */
function onlyStep(group: StepGroup): StepLeaf | undefined {
  if (group.kind !== "lane" && group.kind !== "turn") return undefined;
  const [child] = group.children.values();
  return tallyTotal(group.tally) === 1 && child?.kind === "step" ? child : undefined;
}

function labelOf(node: StepNode, parent: StepGroup, style: Style): string {
  if (node.kind === "step") return "";
  if (node.kind === "lane") {
    return parent.winner === node.index
      ? style.good(`lane ${node.index + 1} won`)
      : style.faint(`lane ${node.index + 1}`);
  }
  if (node.kind === "turn") return style.faint(`turn ${node.index + 1}`);
  return node.kind;
}

function groupGlyph(group: StepGroup, style: Style, frame: number): string {
  if (isBusy(group)) return style.active(spinner(style, frame));
  return group.tally.failed > 0 && group.joined !== true ? style.bad(style.glyphs.fail) : style.good(style.glyphs.pass);
}

/** The glyph of a step's state, in its colour. */
export function stateGlyph(state: StepState, style: Style, frame = 0): string {
  const { glyphs } = style;
  switch (state) {
    case "running":
      return style.active(spinner(style, frame));
    case "retrying":
      return style.warn(glyphs.retry);
    case "pass":
      return style.good(glyphs.pass);
    case "skip":
      return style.faint(glyphs.skip);
    case "cancelled":
      return style.faint(glyphs.cancelled);
    case "blocked":
    case "error":
    case "timeout":
      return style.bad(glyphs.fail);
  }
}

/** What a state is called where the glyph alone would not tell. */
export function stateWord(state: StepState, style: Style): string {
  switch (state) {
    case "running":
    case "pass":
    case "error":
      return "";
    case "skip":
      return style.faint("skipped");
    case "cancelled":
      return style.faint("cancelled");
    case "retrying":
      return style.warn("retrying");
    case "blocked":
    case "timeout":
      return style.bad(state);
  }
}

function spinner(style: Style, frame: number): string {
  const { spinner: frames } = style.glyphs;
  return frames[frame % frames.length] as string;
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("  ");
}
