/**
 * Where in a value one is: the JSON pointer that messages and positions use.
 *
 * Owns: escaping, and the words for the value as a whole.
 */

/** Keys and 0-based indices from the root down. */
export type ValuePath = readonly (string | number)[];

/** RFC 6901. */
export function jsonPointer(path: ValuePath): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** For messages: `the result`, or `the result at /a/0`. */
export function placeIn(subject: string, path: ValuePath): string {
  return path.length === 0 ? subject : `${subject} at ${jsonPointer(path)}`;
}
