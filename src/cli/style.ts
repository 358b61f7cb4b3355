/**
 * How things look on a terminal: colours, glyphs, durations, and what is safe to print.
 *
 * Owns: every escape sequence and glyph of the command line, and the rule when they are used.
 * Does not own: layout (step-tree-lines, the lint printer), cursor movement (live-view, through a library).
 */
import { stripVTControlCharacters, styleText } from "node:util";

/** Something text is written to, with what a terminal adds. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Puts a text in a role's colour, or leaves it alone. */
export type Paint = (text: string) => string;

/** The roles text can have, and the glyphs that go with them. */
export interface Style {
  readonly colour: boolean;
  readonly good: Paint;
  readonly bad: Paint;
  readonly warn: Paint;
  readonly active: Paint;
  readonly faint: Paint;
  readonly strong: Paint;
  readonly glyphs: Glyphs;
}

/** One cell wide each. */
export interface Glyphs {
  readonly pass: string;
  readonly fail: string;
  readonly skip: string;
  readonly cancelled: string;
  readonly retry: string;
  readonly more: string;
  readonly spinner: readonly string[];
  readonly bar: string;
  readonly tee: string;
  readonly elbow: string;
  readonly dash: string;
}

const UNICODE: Glyphs = {
  pass: "✓",
  fail: "✗",
  skip: "○",
  cancelled: "■",
  retry: "↻",
  more: "…",
  spinner: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
  bar: "│",
  tee: "├─",
  elbow: "└─",
  dash: "─",
};

const ASCII: Glyphs = {
  pass: "+",
  fail: "x",
  skip: "o",
  cancelled: "#",
  retry: "~",
  more: ":",
  spinner: ["|", "/", "-", "\\"],
  bar: "|",
  tee: "|-",
  elbow: "`-",
  dash: "-",
};

const plain: Paint = (text) => text;

/**
 * Whether to colour: NO_COLOR (not empty) says no, then FORCE_COLOR (not empty, not 0) says yes, then a terminal that is
 * not dumb does.
 */
export function usesColour(output: Output, env: Environment): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  const force = env["FORCE_COLOR"] ?? "";
  if (force !== "") return force !== "0" && force !== "false";
  return output.isTTY === true && env["TERM"] !== "dumb";
}

/** The style for an output. */
export function styleFor(output: Output, env: Environment): Style {
  return makeStyle(usesColour(output, env), env["TERM"] !== "linux");
}

/** A style with or without colours and Unicode glyphs. */
export function makeStyle(colour: boolean, unicode = true): Style {
  const paint = (format: Parameters<typeof styleText>[0]): Paint =>
    colour ? (text) => styleText(format, text, { validateStream: false }) : plain;
  return {
    colour,
    good: paint("green"),
    bad: paint("red"),
    warn: paint("yellow"),
    active: paint("cyan"),
    faint: paint("dim"),
    strong: paint("bold"),
    glyphs: unicode ? UNICODE : ASCII,
  };
}

/** `7ms`, `1.24s`, `2m03s`, `1h02m`. Negative durations (a clock set back) read as `0ms`. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${ms}ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)}s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
}

/** `0 B`, `512 B`, `1.2 kB`, `2 GB`: in powers of a thousand, as flags take them. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), units.length - 1);
  return `${Number((bytes / 1000 ** power).toFixed(1))} ${units[power]}`;
}

/** A count and its noun: `1 step`, `2 steps`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/**
 * Foreign text made fit for one line of a terminal: escape sequences removed, other control characters shown as blanks.
 * What workers and documents say is data and must not move the cursor.
 */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
}
