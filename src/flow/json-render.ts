/**
 * Values in messages: compact JSON, keys sorted so that a text never depends on their order, cut off at a bounded length.
 */
import { compareStrings } from "./code-points.ts";
import { isJsonObject, type Json, ownValue } from "./json.ts";

/** Characters of a rendered value at most, the ellipsis not counted. */
export const MAX_RENDERED = 200;

/** Renders a value for a message. */
export const renderJson = (value: Json, max: number = MAX_RENDERED): string => {
  const text = render(value, max);
  return text.length > max ? `${cutAt(text, max)}...` : text;
};

// Every level of nesting adds a character before it recurses, so `room` bounds the recursion as well as the text.
const render = (value: Json, room: number): string => {
  if (typeof value === "string") return JSON.stringify(cutAt(value, room + 1));
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = isJsonObject(value)
    ? Object.keys(value)
        .sort(compareStrings)
        .map((key) => [key, ownValue(value, key) as Json] as const)
    : value.slice(0, room + 1).map((element) => [undefined, element] as const);
  const [open, close] = isJsonObject(value) ? "{}" : "[]";
  let text = open as string;
  for (const [key, member] of members) {
    if (text.length > room) return text;
    if (text.length > 1) text += ",";
    if (key !== undefined) text += `${JSON.stringify(cutAt(key, room + 1))}:`;
    text += render(member, Math.max(0, room - text.length));
  }
  return text + close;
};

/** The first `length` code units, without splitting a surrogate pair. */
export const cutAt = (text: string, length: number): string => {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
};
