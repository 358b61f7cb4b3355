/** Tables for people: columns as wide as what is in them, what others wrote made fit for a terminal. */
import { stripVTControlCharacters } from "node:util";
import type { Style } from "../style.ts";

/** The lines of a table. Cells may be painted; they must be one line each. The last column is not padded. */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): readonly string[] {
  const widths = head.map((title, column) =>
    rows.reduce((widest, row) => Math.max(widest, width(row[column] ?? "")), title.length),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd();
  return [line(head.map((title) => style.faint(title))), ...rows.map(line)];
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
