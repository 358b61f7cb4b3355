/**
 * Lua patterns: a matcher over bytes that can be interrupted.
 *
 * Owns: the pattern language of Lua 5.4, with its errors and its limits (32 captures, 200 levels).
 * Does not own: strings on Lua's stack (string-calls.ts).
 *
 * Why not Lua's own: it backtracks in C, where no hook runs, so one call could hold a thread for ever. This one says
 * `tick` every TICK_STEPS comparisons, and whoever listens may throw.
 *
 * P1  Subject and pattern are ranges of one byte array. A pattern is followed by a zero byte, as all Lua strings are.
 */

/** A malformed pattern, or one that is too complex. The message is Lua's. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const MAX_CAPTURES = 32;
const MAX_LEVELS = 200;
const TICK_STEPS = 8_192;

const UNFINISHED = -1;
/** Length of a position capture: `()` yields a position, not text. */
export const POSITION_CAPTURE = -2;

const code = (character: string): number => character.charCodeAt(0);
const [ESCAPE, OPEN, CLOSE, DOLLAR, SET, SET_END, NEGATE, ANY] = "%()$[]^.".split("").map(code) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const [STAR, PLUS, MINUS, OPTIONAL, ZERO, NINE] = "*+-?09".split("").map(code) as [
  number,
  number,
  number,
  number,
  number,
  number,
];

/** One attempt after another to match one pattern against one subject. */
export class Matcher {
  /** Replaced by the caller when memory moves. */
  bytes: Uint8Array;
  /** Captures so far. */
  level = 0;
  /** Where capture i starts. */
  readonly captureStart: number[] = [];
  /** Its length, or POSITION_CAPTURE. */
  readonly captureLength: number[] = [];
  readonly #start: number;
  readonly #end: number;
  readonly #patternEnd: number;
  readonly #tick: () => void;
  #depth = 0;
  #steps = 0;

  constructor(bytes: Uint8Array, start: number, end: number, patternEnd: number, tick: () => void) {
    this.bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#patternEnd = patternEnd;
    this.#tick = tick;
  }

  /** Where the match of the pattern from `p` on at subject position `s` ends, or -1. Forgets earlier captures. */
  attempt(s: number, p: number): number {
    this.level = 0;
    this.#depth = 0;
    return this.#match(s, p);
  }

  /** Counts work done on the matcher's behalf. */
  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps >= TICK_STEPS) {
      this.#steps = 0;
      this.#tick();
    }
  }

  #match(start: number, pattern: number): number {
    this.#depth += 1;
    if (this.#depth > MAX_LEVELS) throw new PatternError("pattern too complex");
    const end = this.#run(start, pattern);
    this.#depth -= 1;
    return end;
  }

  #run(start: number, pattern: number): number {
    const { bytes } = this;
    let s = start;
    let p = pattern;
    while (p !== this.#patternEnd) {
      this.spend(1);
      const c = bytes[p] as number;
      const next = bytes[p + 1] as number;
      if (c === OPEN) {
        return next === CLOSE
          ? this.#startCapture(s, p + 2, POSITION_CAPTURE)
          : this.#startCapture(s, p + 1, UNFINISHED);
      }
      if (c === CLOSE) return this.#endCapture(s, p + 1);
      if (c === DOLLAR && p + 1 === this.#patternEnd) return s === this.#end ? s : -1;
      if (c === ESCAPE && next === 0x62 /* b */) {
        s = this.#balance(s, p + 2);
        if (s === -1) return -1;
        p += 4;
        continue;
      }
      if (c === ESCAPE && next === 0x66 /* f */) {
        p += 2;
        if (bytes[p] !== SET) throw new PatternError("missing '[' after '%f' in pattern");
        const after = this.#classEnd(p);
        const before = s === this.#start ? 0 : (bytes[s - 1] as number);
        const here = s === this.#end ? 0 : (bytes[s] as number);
        if (this.#inSet(before, p, after - 1) || !this.#inSet(here, p, after - 1)) return -1;
        p = after;
        continue;
      }
      if (c === ESCAPE && next >= ZERO && next <= NINE) {
        s = this.#backReference(s, next);
        if (s === -1) return -1;
        p += 2;
        continue;
      }
      const after = this.#classEnd(p);
      const suffix = after === this.#patternEnd ? 0 : bytes[after];
      if (suffix === STAR) return this.#longest(s, p, after);
      if (suffix === MINUS) return this.#shortest(s, p, after);
      const here = this.#single(s, p, after);
      if (suffix === PLUS) return here ? this.#longest(s + 1, p, after) : -1;
      if (suffix === OPTIONAL) {
        if (here) {
          const end = this.#match(s + 1, after + 1);
          if (end !== -1) return end;
        }
        p = after + 1;
        continue;
      }
      if (!here) return -1;
      s += 1;
      p = after;
    }
    return s;
  }

  #classEnd(pattern: number): number {
    const { bytes } = this;
    let p = pattern;
    const c = bytes[p++];
    if (c === ESCAPE) {
      if (p === this.#patternEnd) throw new PatternError("malformed pattern (ends with '%')");
      return p + 1;
    }
    if (c !== SET) return p;
    if (bytes[p] === NEGATE) p += 1;
    do {
      if (p >= this.#patternEnd) throw new PatternError("malformed pattern (missing ']')");
      if (bytes[p++] === ESCAPE) p += 1;
    } while (p >= this.#patternEnd || bytes[p] !== SET_END);
    return p + 1;
  }

  #single(s: number, p: number, after: number): boolean {
    if (s >= this.#end) return false;
    const byte = this.bytes[s] as number;
    const c = this.bytes[p] as number;
    if (c === ANY) return true;
    if (c === ESCAPE) return inClass(byte, this.bytes[p + 1] as number);
    if (c === SET) return this.#inSet(byte, p, after - 1);
    return byte === c;
  }

  /** Whether `byte` is in the set from `[` at `p` to `]` at `last`. */
  #inSet(byte: number, set: number, last: number): boolean {
    const { bytes } = this;
    let p = set + 1;
    const negated = bytes[p] === NEGATE;
    if (negated) p += 1;
    for (; p < last; p++) {
      if (bytes[p] === ESCAPE) {
        p += 1;
        if (inClass(byte, bytes[p] as number)) return !negated;
      } else if (bytes[p + 1] === MINUS && p + 2 < last) {
        p += 2;
        if ((bytes[p - 2] as number) <= byte && byte <= (bytes[p] as number)) return !negated;
      } else if (bytes[p] === byte) {
        return !negated;
      }
    }
    return negated;
  }

  #longest(s: number, p: number, after: number): number {
    let count = 0;
    while (this.#single(s + count, p, after)) {
      count += 1;
      this.spend(1);
    }
    for (; count >= 0; count--) {
      const end = this.#match(s + count, after + 1);
      if (end !== -1) return end;
    }
    return -1;
  }

  #shortest(start: number, p: number, after: number): number {
    for (let s = start; ; s++) {
      const end = this.#match(s, after + 1);
      if (end !== -1) return end;
      if (!this.#single(s, p, after)) return -1;
    }
  }

  #startCapture(s: number, p: number, length: number): number {
    if (this.level >= MAX_CAPTURES) throw new PatternError("too many captures");
    this.captureStart[this.level] = s;
    this.captureLength[this.level] = length;
    this.level += 1;
    const end = this.#match(s, p);
    if (end === -1) this.level -= 1;
    return end;
  }

  #endCapture(s: number, p: number): number {
    let open = this.level - 1;
    while (open >= 0 && this.captureLength[open] !== UNFINISHED) open -= 1;
    if (open < 0) throw new PatternError("invalid pattern capture");
    this.captureLength[open] = s - (this.captureStart[open] as number);
    const end = this.#match(s, p);
    if (end === -1) this.captureLength[open] = UNFINISHED;
    return end;
  }

  #backReference(s: number, digit: number): number {
    const index = digit - ZERO - 1;
    if (index < 0 || index >= this.level || this.captureLength[index] === UNFINISHED) {
      throw new PatternError(`invalid capture index %${index + 1}`);
    }
    // A position capture has no text; Lua takes its length for a huge number, which never fits.
    const length = this.captureLength[index] as number;
    if (length < 0 || this.#end - s < length) return -1;
    const start = this.captureStart[index] as number;
    this.spend(length);
    for (let i = 0; i < length; i++) {
      if (this.bytes[start + i] !== this.bytes[s + i]) return -1;
    }
    return s + length;
  }

  #balance(start: number, p: number): number {
    if (p >= this.#patternEnd - 1) throw new PatternError("malformed pattern (missing arguments to '%b')");
    const { bytes } = this;
    if (start >= this.#end || bytes[start] !== bytes[p]) return -1;
    const opener = bytes[p];
    const closer = bytes[p + 1];
    let open = 1;
    for (let s = start + 1; s < this.#end; s++) {
      this.spend(1);
      if (bytes[s] === closer) {
        open -= 1;
        if (open === 0) return s + 1;
      } else if (bytes[s] === opener) {
        open += 1;
      }
    }
    return -1;
  }
}

/** Whether a capture is still open at the end of its pattern, which is an error when its value is asked for. */
export const isUnfinished = (length: number): boolean => length === UNFINISHED;

const range = (from: string, to: string) => (byte: number) => byte >= code(from) && byte <= code(to);
const isLower = range("a", "z");
const isUpper = range("A", "Z");
const isDigit = range("0", "9");
const isGraph = range("!", "~");
const isAlpha = (byte: number): boolean => isLower(byte) || isUpper(byte);

/** The classes of the C locale, by the letter after `%`. */
const CLASSES: ReadonlyMap<number, (byte: number) => boolean> = new Map(
  Object.entries({
    a: isAlpha,
    c: (byte: number) => byte < 0x20 || byte === 0x7f,
    d: isDigit,
    g: isGraph,
    l: isLower,
    p: (byte: number) => isGraph(byte) && !isAlpha(byte) && !isDigit(byte),
    s: (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d),
    u: isUpper,
    w: (byte: number) => isAlpha(byte) || isDigit(byte),
    x: (byte: number) => isDigit(byte) || range("a", "f")(byte) || range("A", "F")(byte),
    z: (byte: number) => byte === 0,
  }).map(([letter, test]) => [code(letter), test]),
);

/** One bit a class, for each byte. */
const LETTERS = [...CLASSES.keys()];
const MEMBERSHIP = Uint16Array.from({ length: 256 }, (_, byte) =>
  LETTERS.reduce((bits, letter, i) => (CLASSES.get(letter)?.(byte) ? bits | (1 << i) : bits), 0),
);
/** For each byte after `%`: the bit of its class, or 0 where it stands for itself. */
const CLASS_BIT = Uint16Array.from({ length: 256 }, (_, byte) => {
  const index = LETTERS.indexOf(isUpper(byte) ? byte + 0x20 : byte);
  return index < 0 ? 0 : 1 << index;
});

function inClass(byte: number, letter: number): boolean {
  const bit = CLASS_BIT[letter] as number;
  if (bit === 0) return byte === letter;
  return (((MEMBERSHIP[byte] as number) & bit) !== 0) !== isUpper(letter);
}
