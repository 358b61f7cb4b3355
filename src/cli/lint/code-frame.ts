/**
 * An excerpt of a source text around a position, with a caret below it.
 *
 * Owns: which lines are shown and where the caret stands. Tabs are shown as blanks of their width, control characters as
 * blanks, and long lines are cut around the column, so that the caret is right whatever the source holds.
 */
import type { Style } from "../style.ts";

/** Lines shown before and after the one in question. */
const CONTEXT_LINES = 1;

/** Columns of a tab. */
const TAB_WIDTH = 4;

/** Where in the text, counting from 1; without a column the whole line is meant. */
export interface FramePosition {
  readonly line: number;
  readonly column?: number;
}

/** The excerpt's lines; none where the text has no such line. `width` is the room for a line, 20 or more. */
export function codeFrame(source: string, position: FramePosition, width: number, style: Style): readonly string[] {
  const lines = source.split(/\r\n|\n|\r/u);
  if (position.line < 1 || position.line > lines.length) return [];
  const first = Math.max(1, position.line - CONTEXT_LINES);
  const last = Math.min(lines.length, position.line + CONTEXT_LINES);
  const gutter = String(last).length;
  const room = Math.max(20, width) - gutter - 5;
  const caret = caretColumns(lines[position.line - 1] as string, position.column);
  const start = Math.max(0, caret.from - Math.floor(room / 2));
  const frame: string[] = [];
  for (let number = first; number <= last; number += 1) {
    const here = number === position.line;
    const text = expand(lines[number - 1] as string).slice(start, start + room);
    const mark = here ? style.bad(">") : " ";
    frame.push(`${mark} ${style.faint(`${String(number).padStart(gutter)} ${style.glyphs.bar}`)} ${text}`.trimEnd());
    if (here) {
      const blanks = " ".repeat(caret.from - start);
      const carets = "^".repeat(Math.max(1, Math.min(caret.width, room - blanks.length)));
      frame.push(`  ${style.faint(`${" ".repeat(gutter)} ${style.glyphs.bar}`)} ${blanks}${style.bad(carets)}`);
    }
  }
  return frame;
}

/** Where the caret starts (from 0, in shown columns) and how wide it is. */
function caretColumns(line: string, column: number | undefined): { readonly from: number; readonly width: number } {
  if (column === undefined) {
    const indent = /^\s*/u.exec(line)?.[0] ?? "";
    const from = expand(indent).length;
    return { from, width: expand(line.trimEnd()).length - from };
  }
  const before = line.slice(0, column - 1);
  const token = /^[\p{L}\p{N}_]+/u.exec(line.slice(column - 1))?.[0] ?? "";
  return { from: expand(before).length, width: token.length };
}

function expand(line: string): string {
  return line.replaceAll("\t", " ".repeat(TAB_WIDTH)).replace(/\p{Cc}/gu, " ");
}
