/**
 * Cutting a Markdown file into front matter and body.
 *
 * F1. The file begins with a line `---` (a byte order mark before it is ignored), and so begins the block.
 * F2. A later line that is exactly `---`, spaces after it allowed, ends the block.
 * F3. Files written for mlua-swarm may end it with any line that starts with `---`; what follows the dashes is then the
 *     start of the body. That is honoured where F2 yields nothing usable.
 */

/** One way to cut a file. */
export interface FrontMatter {
  readonly yaml: string;
  readonly body: string;
  /** Line of the file, from 1, on which the body starts. The YAML always starts on line 2. */
  readonly bodyLine: number;
  /** Whether F3 was needed. */
  readonly loose: boolean;
}

const OPENING = /^---\r?\n/;

/** The ways to cut `text`, the best first; none where it has no front matter. */
export function cutFrontMatter(text: string): readonly FrontMatter[] {
  const plain = text.startsWith("\ufeff") ? text.slice(1) : text;
  const opening = OPENING.exec(plain)?.[0];
  if (opening === undefined) return [];
  const exact = cutAt(plain, opening.length, /^---[ \t]*\r?$/m, false);
  const loose = cutAt(plain, opening.length, /^---/m, true);
  return [exact, loose].filter((cut) => cut !== undefined);
}

function cutAt(text: string, start: number, closing: RegExp, loose: boolean): FrontMatter | undefined {
  const rest = text.slice(start);
  const found = closing.exec(rest);
  if (found === null) return undefined;
  const yaml = rest.slice(0, found.index);
  const after = rest.slice(found.index + found[0].length);
  const lineEnd = /^\r?\n/.exec(after)?.[0] ?? "";
  const bodyLine = 2 + yaml.split("\n").length - 1 + (lineEnd === "" ? 0 : 1);
  return { yaml, body: after.slice(lineEnd.length), bodyLine, loose };
}
