/**
 * Checking one vector: runs its body and compares with what it expects. Kinds, names and values are compared strictly;
 * error texts by their prefix, since their bodies are ours to word better.
 */
import {
  compileExpr,
  compileFlow,
  decodeExpr,
  decodeFlow,
  deepEqual,
  encodeExpr,
  encodeFlow,
  externMap,
  FlowError,
  type FlowNode,
  FlowPath,
  isJsonObject,
  type Json,
  noExterns,
  ownValue,
  walkNodes,
} from "../../src/flow/index.ts";
import { dispatcherOf, ERROR_PREFIXES, externFunctions, kindOfText } from "./behaviour.ts";
import { drive, type Mode } from "./drive.ts";
import type { Expectation, Vector } from "./vector.ts";

/** How a vector went: what does not match, and what was left uncompared and why. */
export interface Verdict {
  readonly mismatches: readonly string[];
  readonly notes: readonly string[];
}

/** Checks a vector. It passes where there is no mismatch. */
export const checkVector = (vector: Vector): Verdict => {
  const notes: string[] = [];
  return { mismatches: compare(vector, notes), notes };
};

const compare = (vector: Vector, notes: string[]): readonly string[] => {
  const dialect = vector.reference === undefined ? "0.3" : "0.2";
  const { expect } = vector;
  if (vector.node !== undefined) {
    const modes: readonly Mode[] = vector.mode === undefined ? ["sync", "async"] : [vector.mode];
    return modes.flatMap((mode) => checkRun(vector, dialect, mode, notes).map((mismatch) => `${mode}: ${mismatch}`));
  }
  if (vector.expr !== undefined) {
    const { expr, ctx = {} } = vector;
    const externs = vector.externs === undefined ? noExterns : externMap(externFunctions(vector.externs));
    return checkValue(expect, () => compileExpr(decodeExpr(expr, { dialect })).evaluate(ctx, externs));
  }
  if (vector.parse_node !== undefined) {
    return checkCanonical(expect, () => encodeFlow(decodeFlow(vector.parse_node, { dialect }), dialect));
  }
  if (vector.parse_expr !== undefined) {
    return checkCanonical(expect, () => encodeExpr(decodeExpr(vector.parse_expr, { dialect }), dialect));
  }
  if (vector.path !== undefined) return checkPath(vector.path, dialect, expect);
  return ["the vector has no body this runner knows"];
};

const checkRun = (vector: Vector, dialect: "0.2" | "0.3", mode: Mode, notes: string[]): readonly string[] => {
  const expect = mode === "async" ? (vector.expect_async ?? vector.expect) : vector.expect;
  const program = compileFlow(decodeFlow(vector.node, { dialect }));
  const externs = vector.externs === undefined ? noExterns : externMap(externFunctions(vector.externs));
  const { machine, calls } = drive(program, vector.ctx ?? {}, mode, dispatcherOf(vector.dispatch), externs);
  const mismatches: string[] = [];
  if (machine.status === "running") mismatches.push("still running");
  mismatches.push(...checkError(expect, machine.error));
  const ctx = machine.error === undefined ? expect.ctx : expect.ctx_after_error;
  if (ctx !== undefined) mismatches.push(...checkCtx(ctx, machine.ctx, expect.error_text_at ?? []));
  const { dispatch_count: count = calls.length, dispatch_calls: expectedCalls = calls } = expect;
  if (count === calls.length && deepEqual(calls, expectedCalls)) return mismatches;
  if (mode === "async" && vector.expect_async === undefined && calls.length < count && losersPossible(program.root)) {
    notes.push(`async: ${calls.length} dispatches, where the synchronous evaluator makes ${count} for lanes that lose`);
    return mismatches;
  }
  return [...mismatches, `dispatched ${JSON.stringify(calls)}, expected ${count}: ${JSON.stringify(expectedCalls)}`];
};

/**
 * Whether lanes can lose: then an expectation shared by both evaluators says nothing of how many dispatches the losers
 * of the asynchronous one made before the fanout was decided. Ours may make fewer: a lane that settles without a step
 * decides the fanout before the first dispatch, which the vectors' own evaluator makes while it starts the lanes.
 */
const losersPossible = (root: FlowNode): boolean => {
  let possible = false;
  walkNodes(root, ({ node }) => {
    if (node.kind === "fanout" && node.join !== "all_settled") possible = true;
  });
  return possible;
};

const checkCtx = (expected: Json, actual: Json, errorTexts: readonly string[]): readonly string[] => {
  const mismatches: string[] = [];
  let comparable = actual;
  for (const pointer of errorTexts) {
    const theirs = valueAt(expected, pointer);
    const ours = valueAt(actual, pointer);
    const kind = typeof theirs === "string" ? kindOfText(theirs) : undefined;
    const same = typeof ours === "string" && kind !== undefined && prefixOf(ours) === prefixOf(theirs as string);
    if (!same)
      mismatches.push(`error text at ${pointer} is ${JSON.stringify(ours)}, expected ${JSON.stringify(theirs)}`);
    else comparable = withValueAt(comparable, pointer.split("/").slice(1), theirs as string);
  }
  if (!deepEqual(comparable, expected)) {
    mismatches.push(`ctx ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
  }
  return mismatches;
};

const prefixOf = (text: string): string | undefined => {
  const kind = kindOfText(text);
  return kind === undefined ? undefined : ERROR_PREFIXES[kind]?.exec(text)?.[0];
};

const tokenOf = (token: string): string => token.replaceAll("~1", "/").replaceAll("~0", "~");

const valueAt = (value: Json, pointer: string): Json | undefined =>
  pointer
    .split("/")
    .slice(1)
    .reduce<Json | undefined>((at, token) => {
      if (Array.isArray(at)) return at[Number(token)];
      return isJsonObject(at) ? ownValue(at, tokenOf(token)) : undefined;
    }, value);

const withValueAt = (value: Json, [token, ...rest]: readonly string[], leaf: Json): Json => {
  if (token === undefined) return leaf;
  if (Array.isArray(value)) {
    return value.with(Number(token), withValueAt(value[Number(token)] as Json, rest, leaf));
  }
  if (!isJsonObject(value)) return value;
  const key = tokenOf(token);
  return { ...value, [key]: withValueAt(ownValue(value, key) ?? null, rest, leaf) };
};

const checkError = (expect: Expectation, error: FlowError | undefined): readonly string[] => {
  if (expect.error_kind === undefined) return error === undefined ? [] : [`failed: ${error.message}`];
  if (error === undefined) return [`no error, expected ${expect.error_kind}: ${expect.error_message}`];
  const mismatches: string[] = [];
  if (error.kind !== expect.error_kind) {
    mismatches.push(`${error.kind} (${error.message}), expected ${expect.error_kind}: ${expect.error_message}`);
  }
  if (expect.error_op !== undefined && error.op !== expect.error_op) {
    mismatches.push(`error op '${error.op}', expected '${expect.error_op}'`);
  }
  if (expect.error_ref !== undefined && error.ref !== expect.error_ref) {
    mismatches.push(`error ref '${error.ref}', expected '${expect.error_ref}'`);
  }
  const prefix = ERROR_PREFIXES[expect.error_kind];
  if (prefix !== undefined && !prefix.test(error.message))
    mismatches.push(`error text '${error.message}' lacks ${prefix}`);
  return mismatches;
};

const attempt = <Result>(run: () => Result): { readonly result?: Result; readonly error?: FlowError } => {
  try {
    return { result: run() };
  } catch (error) {
    if (error instanceof FlowError) return { error };
    throw error;
  }
};

const checkValue = (expect: Expectation, run: () => Json): readonly string[] => {
  const { result, error } = attempt(run);
  if (result === undefined || expect.error_kind !== undefined) return checkError(expect, error);
  const matches =
    expect.value_approx === undefined
      ? deepEqual(result, expect.value as Json)
      : Math.abs((result as number) - expect.value_approx) <= (expect.tolerance ?? 0);
  return matches
    ? []
    : [`value ${JSON.stringify(result)}, expected ${JSON.stringify(expect.value ?? expect.value_approx)}`];
};

const checkCanonical = (expect: Expectation, run: () => Json): readonly string[] => {
  const { result, error } = attempt(run);
  if (result === undefined || expect.canonical === undefined) return checkError(expect, error);
  return deepEqual(result, expect.canonical)
    ? []
    : [`re-encoded as ${JSON.stringify(result)}, expected ${JSON.stringify(expect.canonical)}`];
};

const checkPath = (text: string, dialect: "0.2" | "0.3", expect: Expectation): readonly string[] => {
  const { result: path, error } = attempt(() => FlowPath.parse(text, { dialect }));
  if (path === undefined || expect.error_kind !== undefined) {
    const reason = error?.details?.["reason"];
    const reasoned = expect.reason === undefined || reason === expect.reason;
    return [...checkError(expect, error), ...(reasoned ? [] : [`reason '${reason}', expected '${expect.reason}'`])];
  }
  const mismatches: string[] = [];
  if (expect.root !== undefined && path.root !== expect.root)
    mismatches.push(`root ${path.root}, expected ${expect.root}`);
  if (expect.segments !== undefined && !deepEqual(path.segments, expect.segments)) {
    mismatches.push(`segments ${JSON.stringify(path.segments)}, expected ${JSON.stringify(expect.segments)}`);
  }
  // Ours must always parse again to the same keys. Where the reference's own text does not, it is nothing to match.
  const again = attempt(() => FlowPath.parse(path.text, { dialect })).result;
  if (again === undefined || !deepEqual(again.segments, path.segments)) {
    mismatches.push(`canonical text '${path.text}' does not parse to the same path`);
  }
  if (expect.reparse_ok !== false && expect.canonical !== undefined && path.text !== expect.canonical) {
    mismatches.push(`canonical '${path.text}', expected '${expect.canonical}'`);
  }
  return mismatches;
};
