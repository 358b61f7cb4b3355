/**
 * Strings across the boundary: a JavaScript string is a sequence of UTF-16 units, a Lua string a sequence of bytes.
 *
 * Owns: the one-to-one mapping between all JavaScript strings and WTF-8 bytes, where UTF-8 alone does not reach.
 * Does not own: the fast path for well-formed text (state.ts).
 *
 * T1  Well-formed strings are UTF-8. A lone surrogate is the three bytes UTF-8's scheme gives its number (WTF-8), so
 *     every JavaScript string survives the trip, and distinct strings stay distinct.
 * T2  Bytes that no JavaScript string maps to are refused, never replaced. Two halves of a pair, written one by one,
 *     are such bytes: the pair has its own four.
 */

/** Bytes of a string that is not well formed (T1). */
export function encodeWtf8(text: string): Buffer {
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.codePointAt(i) as number;
    if (unit > 0xffff) i += 1;
    if (!isSurrogate(unit)) continue;
    parts.push(Buffer.from(text.slice(start, i), "utf8"));
    parts.push(Buffer.from([0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]));
    start = i + 1;
  }
  parts.push(Buffer.from(text.slice(start), "utf8"));
  return Buffer.concat(parts);
}

/** The string whose WTF-8 these bytes are, or the offset of the first byte that does not fit (T2). */
export function decodeWtf8(bytes: Uint8Array): string | { readonly invalidAt: number } {
  const units: string[] = [];
  let previous = 0;
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] as number;
    const length = sequenceLength(lead);
    let code = length === 1 ? lead : lead & (0x7f >> length);
    for (let i = 1; i < length; i++) {
      const next = bytes[at + i];
      if (next === undefined || (next & 0xc0) !== 0x80) return { invalidAt: at };
      code = (code << 6) | (next & 0x3f);
    }
    const overlong = code < (SMALLEST[length] ?? Number.MAX_SAFE_INTEGER);
    const halves = isHigh(previous) && isLow(code);
    if (overlong || code > 0x10ffff || halves) return { invalidAt: at };
    units.push(String.fromCodePoint(code));
    previous = code;
    at += length;
  }
  return units.join("");
}

/** Smallest code for each length; shorter ones are overlong. */
const SMALLEST: Readonly<Record<number, number>> = { 1: 0, 2: 0x80, 3: 0x800, 4: 0x10000 };

/** Length of the sequence a lead byte starts; 0 where none does. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;
const isSurrogate = (unit: number): boolean => isHigh(unit) || isLow(unit);
