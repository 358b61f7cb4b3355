/**
 * Paths: `$.a["b.c"]`, parsed once and kept parsed.
 *
 * Owns: the grammar, the reasons a text is refused, and the canonical text. Reading and writing is path-access.ts.
 *
 * 1. Every segment is an object key; there are no indexes, wildcards or escapes, and no key is special.
 * 2. The canonical text of a path parses to an equal path.
 */
import { FlowError } from "./error.ts";

/** Where a path starts. The two are synonyms for the whole ctx; which one was written is kept. */
export type PathRoot = "$" | "ctx";

/** What bounds a path text. */
export interface PathOptions {
  /** `0.2` knows the root `$` only. Default: both roots. */
  readonly dialect?: "any" | "0.2" | "0.3";
  /** Characters at most. Default 8192. */
  readonly maxLength?: number;
}

/** A parsed path. Immutable; equal paths have equal `text`. */
export class FlowPath {
  readonly root: PathRoot;
  /** Keys from the root on; empty for the whole ctx. */
  readonly segments: readonly string[];
  /** Canonical text. */
  readonly text: string;

  private constructor(root: PathRoot, segments: readonly string[]) {
    this.root = root;
    this.segments = segments;
    this.text = root + segments.map(renderSegment).join("");
  }

  /** Parses a path text. Throws FlowError `invalid_path` that quotes the text and says why. */
  static parse(text: string, options: PathOptions = {}): FlowPath {
    const maxLength = options.maxLength ?? 8192;
    if (text.length > maxLength) {
      throw refused(`${text.slice(0, 60)}...`, `longer than ${maxLength} characters`);
    }
    const root = parseRoot(text, options.dialect ?? "any");
    return new FlowPath(root, parseSegments(text, text.slice(root.length)));
  }

  /** The same keys below another root. */
  withRoot(root: PathRoot): FlowPath {
    return root === this.root ? this : new FlowPath(root, this.segments);
  }

  /** The canonical text. */
  toString(): string {
    return this.text;
  }
}

// A key with a quote cannot be bracketed, since brackets know no escapes; it came from a plain segment, so it has
// neither "." nor "[" and parses again as it stands.
const renderSegment = (key: string): string => (/[.[\]]/.test(key) && !key.includes('"') ? `["${key}"]` : `.${key}`);

const refused = (text: string, reason: string): FlowError =>
  new FlowError("invalid_path", `invalid path syntax '${text}': ${reason}`, { details: { path: text, reason } });

const parseRoot = (text: string, dialect: "any" | "0.2" | "0.3"): PathRoot => {
  const root = dialect !== "0.2" && text.startsWith("ctx") ? "ctx" : text.startsWith("$") ? "$" : undefined;
  if (root === undefined) {
    const roots = dialect === "0.2" ? "'$'" : "'$' or 'ctx' followed by '.', '[', or end-of-string";
    throw refused(text, `path must start with ${roots}`);
  }
  const next = text.charAt(root.length);
  if (next !== "" && next !== "." && next !== "[") {
    throw refused(text, `expected '.', '[', or end-of-string right after '${root}'`);
  }
  return root;
};

const parseSegments = (text: string, tail: string): readonly string[] => {
  if (tail === "") return [];
  if (tail === ".") throw refused(text, "trailing '.' with no segment after it");
  if (!tail.includes("[")) {
    const names = tail.slice(1).split(".");
    if (names.includes("")) throw refused(text, "empty path segment (leading, trailing, or consecutive '.')");
    return names;
  }
  const segments: string[] = [];
  let at = 0;
  while (at < tail.length) {
    // Between segments: a "." (before a plain segment or a bracket), or a bracket directly.
    if (tail[at] === ".") at += 1;
    if (tail[at] === "[") {
      const { key, end } = parseBracket(text, tail, at);
      segments.push(key);
      at = end;
      if (at < tail.length && tail[at] !== "." && tail[at] !== "[") {
        throw refused(text, "expected '.' or '[' after bracket segment");
      }
    } else {
      const end = plainEnd(tail, at);
      if (end === at) throw refused(text, "empty path segment");
      segments.push(tail.slice(at, end));
      at = end;
    }
  }
  return segments;
};

const plainEnd = (tail: string, from: number): number => {
  let end = from;
  while (end < tail.length && tail[end] !== "." && tail[end] !== "[") end += 1;
  return end;
};

const parseBracket = (text: string, tail: string, open: number): { key: string; end: number } => {
  if (tail[open + 1] !== '"') throw refused(text, "expected '\"' after '['");
  const close = tail.indexOf('"', open + 2);
  if (close < 0) throw refused(text, "unterminated bracket segment");
  if (close === open + 2) throw refused(text, "empty bracket key");
  if (tail[close + 1] !== "]") throw refused(text, "missing closing ']' after key");
  return { key: tail.slice(open + 2, close), end: close + 2 };
};
