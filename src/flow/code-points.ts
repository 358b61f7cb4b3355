/**
 * Strings by code point: the order and the length the language gives them. JavaScript's own are by UTF-16 unit, which
 * puts everything above U+FFFF before U+E000 and counts it twice.
 */

/** Negative, zero or positive as `a` is before, equal to or after `b` in code point order (that of UTF-8 bytes). */
export const compareStrings = (a: string, b: string): number => {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
};

// Surrogates stand for code points above every other unit.
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** Number of code points; a lone surrogate counts as one. */
export const codePointCount = (text: string): number => {
  let count = text.length;
  for (let index = 1; index < text.length; index += 1) {
    if (isLow(text.charCodeAt(index)) && isHigh(text.charCodeAt(index - 1))) count -= 1;
  }
  return count;
};

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
