/**
 * A strict scan of JSON text that keeps what JSON.parse throws away: where things are, and keys given twice.
 *
 * Values are made by JSON.parse; the scan only says whether and where. What the scan accepts, JSON.parse accepts.
 *
 * J1. Iterative, one pass, bounded in depth.
 * J2. The place of a member is its key, the place of an element its first character.
 */
import { pointerTo } from "./json-pointer.ts";

/** Something the scan has to say about a place. Offsets count UTF-16 units from 0. */
export interface JsonTextProblem {
  readonly offset: number;
  readonly message: string;
}

/** What a scan found. */
export interface JsonScan {
  /** Why the text is no JSON; absent where it is. */
  readonly error?: JsonTextProblem & { readonly tooDeep: boolean };
  /** Keys that their object has already. */
  readonly duplicates: readonly { readonly offset: number; readonly pointer: string; readonly key: string }[];
}

interface Frame {
  /** Where the container stands in the one around it; undefined for the outermost. */
  readonly token: string | number | undefined;
  /** Its pointer, kept only for `onValue`. */
  readonly pointer: string;
  /** Keys so far; undefined for an array. */
  readonly keys: Set<string> | undefined;
  index: number;
}

/** Called for every value: its pointer and its place. */
export type OnValue = (pointer: string, offset: number) => void;

/** Scans JSON text. `onValue` costs a pointer a value: leave it out where places are not needed. */
export function scanJson(text: string, maxDepth: number, onValue?: OnValue): JsonScan {
  return new Scanner(text, maxDepth, onValue).scan();
}

class Refusal extends Error {
  readonly offset: number;
  readonly tooDeep: boolean;

  constructor(message: string, offset: number, tooDeep = false) {
    super(message);
    this.offset = offset;
    this.tooDeep = tooDeep;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PLAIN = 0x20;

class Scanner {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #onValue: OnValue | undefined;
  readonly #duplicates: { offset: number; pointer: string; key: string }[] = [];
  readonly #frames: Frame[] = [];
  #at = 0;

  constructor(text: string, maxDepth: number, onValue: OnValue | undefined) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#onValue = onValue;
  }

  scan(): JsonScan {
    try {
      this.#space();
      this.#onValue?.("", this.#at);
      this.#value("", undefined);
      while (this.#frames.length > 0) this.#part(this.#frames.at(-1) as Frame);
      this.#space();
      if (this.#at < this.#text.length) throw this.#unexpected("the end of the document");
      return { duplicates: this.#duplicates };
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      const { message, offset, tooDeep } = refusal;
      return { duplicates: this.#duplicates, error: { message, offset, tooDeep } };
    }
  }

  /** Reads a scalar whole, or opens an object or array. */
  #value(pointer: string, token: string | number | undefined): void {
    const start = this.#text[this.#at];
    if (start === "{" || start === "[") {
      if (this.#frames.length >= this.#maxDepth) {
        throw new Refusal(`the document is nested deeper than ${this.#maxDepth} levels`, this.#at, true);
      }
      this.#frames.push({ token, pointer, keys: start === "{" ? new Set() : undefined, index: 0 });
      this.#at += 1;
    } else if (start === '"') {
      this.#string();
    } else if (this.#match(NUMBER) === undefined && this.#match(WORD) === undefined) {
      throw this.#unexpected("a value");
    }
  }

  /** Reads the next member or element of the innermost container, or closes it. */
  #part(frame: Frame): void {
    const close = frame.keys === undefined ? "]" : "}";
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      this.#frames.pop();
      return;
    }
    if (frame.index > 0) {
      this.#expect(",", `\`,\` or \`${close}\``);
      this.#space();
    }
    const offset = this.#at;
    const token = frame.keys === undefined ? frame.index : this.#key(frame.keys);
    frame.index += 1;
    const pointer = this.#onValue === undefined ? "" : pointerTo(frame.pointer, token);
    this.#onValue?.(pointer, offset);
    this.#value(pointer, token);
  }

  #key(keys: Set<string>): string {
    const offset = this.#at;
    if (this.#text[offset] !== '"') throw this.#unexpected("a key in double quotes");
    const raw = this.#string();
    const key = raw.includes("\\") ? (JSON.parse(raw) as string) : raw.slice(1, -1);
    if (keys.has(key)) this.#duplicates.push({ offset, pointer: pointerTo(this.#pointer(), key), key });
    keys.add(key);
    this.#space();
    this.#expect(":", "`:`");
    this.#space();
    return key;
  }

  /** Pointer to the innermost container. */
  #pointer(): string {
    return this.#frames.reduce((pointer, { token }) => (token === undefined ? pointer : pointerTo(pointer, token)), "");
  }

  /** Reads a text, quotes included. A loop, because a pattern over megabytes costs stack. */
  #string(): string {
    const start = this.#at;
    for (let at = start + 1; at < this.#text.length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return this.#text.slice(start, this.#at);
      }
      if (code < FIRST_PLAIN) throw new Refusal("a control character in a text must be escaped", at);
      if (code !== BACKSLASH) continue;
      this.#at = at;
      const escaped = this.#match(ESCAPE);
      if (escaped === undefined) throw new Refusal("an escape that JSON does not have", at);
      at += escaped.length - 1;
    }
    throw new Refusal("the text that starts here does not end", start);
  }

  #expect(character: string, expected: string): void {
    if (this.#text[this.#at] !== character) throw this.#unexpected(expected);
    this.#at += 1;
  }

  #space(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #unexpected(expected: string): Refusal {
    const found = this.#text.codePointAt(this.#at);
    const what = found === undefined ? "the document ends" : `found ${JSON.stringify(String.fromCodePoint(found))}`;
    return new Refusal(`expected ${expected}, ${what}`, this.#at);
  }
}
