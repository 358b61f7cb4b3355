/**
 * What the decoder says about a document that is not flow.ir: one FlowError `parse_error` for each problem, with the
 * JSON pointer of the value it is about and, where the author's intent is plain, the name that was meant.
 */
import { FlowError } from "./error.ts";
import type { JsonObject } from "./json.ts";
import { pointerToken } from "./json-inspect.ts";
import { cutAt } from "./json-render.ts";

/** A place in a document as a chain of tokens, rendered only when a problem needs it. */
export interface Trail {
  readonly parent: Trail | undefined;
  readonly token: string | number;
}

/** The JSON pointer of a trail below `base`. */
export const trailPointer = (trail: Trail | undefined, base: string): string => {
  const tokens: string[] = [];
  for (let step = trail; step !== undefined; step = step.parent) tokens.push(pointerToken(step.token));
  return base + tokens.reverse().join("");
};

/** Names of older drafts of the language, and what they are called now. */
const renamed: Readonly<Record<string, string>> = { ge: "gte", le: "lte", operands: "args", operand: "arg", of: "arg" };

const folded = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, "");

/** The known name that `name` is plainly meant to be: another spelling of it, or what it was renamed to. */
export const meantName = (name: string, known: readonly string[]): string | undefined => {
  const now = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
  return known.find((candidate) => candidate === now || folded(candidate) === folded(name));
};

/** What an unexpected value is called in a message. */
export const describe = (value: unknown): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  switch (typeof value) {
    case "object":
      return "an object";
    case "string":
      return `the string ${quoted(value)}`;
    case "number":
    case "boolean":
      return `${typeof value} ${value}`;
    default:
      return `a value that is not JSON (${typeof value})`;
  }
};

/** A name from the document, quoted and bounded. */
export const quoted = (name: string): string => `'${name.length > 80 ? `${cutAt(name, 80)}...` : name}'`;

/** Makes the error of one problem. */
export const parseProblem = (pointer: string, message: string, details?: JsonObject): FlowError =>
  new FlowError("parse_error", `parse error at ${pointer === "" ? "the root of the flow" : pointer}: ${message}`, {
    pointer,
    ...(details === undefined ? {} : { details }),
  });
