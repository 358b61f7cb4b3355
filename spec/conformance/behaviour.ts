/**
 * The vocabulary of vector dispatchers and externs: what a step's worker or a host function is told to do.
 */
import {
  deepEqual,
  type ExternFunction,
  externError,
  FLOW_ERROR_KINDS,
  FlowError,
  type FlowErrorKind,
  type FlowOutcome,
  isJsonObject,
  type Json,
  type JsonObject,
  ownValue,
} from "../../src/flow/index.ts";

/** What one dispatch does: waits, writes to the shared ctx meanwhile, and answers. */
export interface Reaction {
  readonly delayMs: number;
  readonly writes: readonly { readonly at: string; readonly value: Json }[];
  readonly outcome: FlowOutcome;
}

const passes = (value: Json): Reaction => ({ delayMs: 0, writes: [], outcome: { kind: "value", value } });
const fails = (message: string): Reaction => ({ delayMs: 0, writes: [], outcome: { kind: "error", message } });

/** The dispatcher of one run: counts calls where a behaviour is a sequence. */
export const dispatcherOf = (behaviours: JsonObject = {}): ((ref: string, input: Json) => Reaction) => {
  const calls = new Map<Json, number>();

  const react = (behaviour: Json, ref: string, input: Json): Reaction => {
    if (!isJsonObject(behaviour)) throw new Error(`behaviour of '${ref}' is not an object`);
    if (Object.hasOwn(behaviour, "returns")) return passes(behaviour["returns"] as Json);
    if (typeof behaviour["error"] === "string") return fails(behaviour["error"]);
    if (behaviour["echo"] === true) return passes(input);
    if (behaviour["uppercase"] !== undefined) {
      if (typeof input === "string") return passes(input.toUpperCase());
      if (behaviour["uppercase"] !== "strict") return passes(input);
      return fails(`dispatcher error for ref '${ref}': expect string, got ${JSON.stringify(input)}`);
    }
    if (behaviour["double"] === true && typeof input === "number") return passes(input * 2);
    if (Array.isArray(behaviour["sequence"])) {
      const nth = calls.get(behaviour) ?? 0;
      calls.set(behaviour, nth + 1);
      return react(behaviour["sequence"][Math.min(nth, behaviour["sequence"].length - 1)] as Json, ref, input);
    }
    if (Array.isArray(behaviour["by_input"])) {
      const cases = behaviour["by_input"] as readonly JsonObject[];
      const chosen = cases.find((entry) => deepEqual(entry["when"] as Json, input))?.["do"] ?? behaviour["default"];
      return chosen === undefined ? unknownRef(ref) : react(chosen, ref, input);
    }
    if (typeof behaviour["delay_ms"] === "number") {
      const then = react(behaviour["then"] as Json, ref, input);
      return { ...then, delayMs: then.delayMs + behaviour["delay_ms"] };
    }
    if (Array.isArray(behaviour["external_writes"])) {
      const then = react(behaviour["then"] as Json, ref, input);
      return { ...then, writes: [...(behaviour["external_writes"] as unknown as Reaction["writes"]), ...then.writes] };
    }
    throw new Error(`behaviour of '${ref}' is not in the vocabulary: ${JSON.stringify(behaviour)}`);
  };

  return (ref, input) => {
    const behaviour = ownValue(behaviours, ref) ?? ownValue(behaviours, "*");
    return behaviour === undefined ? unknownRef(ref) : react(behaviour, ref, input);
  };
};

const unknownRef = (ref: string): Reaction => fails(`dispatcher error for ref '${ref}': unknown ref`);

/** The host functions of one vector. */
export const externFunctions = (behaviours: JsonObject): Record<string, ExternFunction> =>
  Object.fromEntries(Object.entries(behaviours).map(([ref, behaviour]) => [ref, externFunction(ref, behaviour)]));

const externFunction = (ref: string, behaviour: Json): ExternFunction => {
  if (!isJsonObject(behaviour)) throw new Error(`extern '${ref}' is not an object`);
  if (Object.hasOwn(behaviour, "returns")) return () => behaviour["returns"] as Json;
  if (typeof behaviour["error"] === "string") {
    const text = behaviour["error"];
    return () => {
      throw errorFromText(text);
    };
  }
  if (typeof behaviour["arg"] === "number") {
    const index = behaviour["arg"];
    return (args) => {
      if (args[index] === undefined) throw externError(ref, `no argument ${index}`);
      return args[index];
    };
  }
  if (behaviour["args_list"] === true) return (args) => args;
  if (behaviour["builtin"] === "sqrt") return ([x]) => Math.sqrt(x as number);
  if (behaviour["builtin"] === "ln") return ([x]) => Math.log(x as number);
  throw new Error(`extern '${ref}' is not in the vocabulary: ${JSON.stringify(behaviour)}`);
};

/** The prefixes of the language's error texts. `<ref>` and `<op>` are captured. */
export const ERROR_PREFIXES: Readonly<Record<string, RegExp>> = {
  path_not_found: /^path not found: /,
  invalid_path: /^invalid path syntax/,
  non_bool_cond: /^branch cond must be boolean, got: /,
  type_error: /^type error in '([^']*)': /,
  arith_error: /^arithmetic error in '([^']*)': /,
  dispatcher_error: /^dispatcher error for ref '([^']*)': /,
  extern_error: /^extern error for ref '([^']*)': /,
};

/** The kind whose prefix an error text has. */
export const kindOfText = (text: string): FlowErrorKind | undefined =>
  FLOW_ERROR_KINDS.find((kind) => ERROR_PREFIXES[kind]?.test(text));

// A host function's error is one of the language, told from its text.
const errorFromText = (text: string): FlowError => {
  const kind = kindOfText(text);
  if (kind === undefined) throw new Error(`'${text}' has no error prefix`);
  const name = ERROR_PREFIXES[kind]?.exec(text)?.[1];
  if (name === undefined) return new FlowError(kind, text);
  return new FlowError(kind, text, kind === "type_error" || kind === "arith_error" ? { op: name } : { ref: name });
};
