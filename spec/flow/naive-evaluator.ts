/**
 * A second evaluator, as plain as can be: recursive, copies the whole ctx wherever the language takes a snapshot, runs
 * lanes one after another. The machine with lanes in turn must agree with it on everything.
 *
 * Error texts come from the same factories as the machine's, so that a ctx that keeps one can be compared whole.
 */
import { callHostFunction } from "../../src/flow/evaluate/extern-call.ts";
import * as failures from "../../src/flow/failures.ts";
import {
  DEFAULT_LIMITS,
  deepEqual,
  type Externs,
  FlowError,
  type FlowExpr,
  type FlowNode,
  type FlowOutcome,
  type FlowPath,
  isJsonObject,
  type Json,
  type JsonObject,
  ROOT_KEY,
  renderJson,
  writePath,
} from "../../src/flow/index.ts";
import { WorkMeter } from "../../src/flow/work-meter.ts";

const copy = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

const read = (path: FlowPath, ctx: Json): Json => {
  let value = ctx;
  for (const key of path.segments) {
    const entries = isJsonObject(value) ? new Map(Object.entries(value)) : new Map<string, Json>();
    if (!entries.has(key)) throw failures.pathNotFound(path);
    value = entries.get(key) as Json;
  }
  return value;
};

const truthy = (value: Json): boolean => !(value === null || value === false);

const order = (a: Json, b: Json): number => {
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "string" && typeof b === "string") {
    return Math.sign(Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8")));
  }
  throw failures.typeError(
    "cmp",
    `cmp: both sides must be numbers or strings, got ${renderJson(a)} vs ${renderJson(b)}`,
  );
};

const arithmetic = (op: "add" | "sub" | "mul" | "div" | "mod", a: Json, b: Json): number => {
  for (const operand of [a, b]) {
    if (typeof operand !== "number") throw failures.typeError(op, `expected number, got ${renderJson(operand)}`);
  }
  const [x, y] = [a as number, b as number];
  if ((op === "div" || op === "mod") && y === 0) {
    throw failures.arithError(op, "arithmetic failure (division by zero)", "");
  }
  return { add: x + y, sub: x - y, mul: x * y, div: x / y, mod: x - Math.floor(x / y) * y }[op];
};

const length = (value: Json): number => {
  if (typeof value === "string") return [...value].length;
  if (Array.isArray(value)) return value.length;
  if (isJsonObject(value)) return Object.entries(value).length;
  throw failures.typeError("expr.len", `len: unsupported type ${renderJson(value)}`);
};

/** Evaluates an expression. */
export const evaluateNaively = (expr: FlowExpr, ctx: Json, externs: Externs): Json => {
  const go = (inner: FlowExpr) => evaluateNaively(inner, ctx, externs);
  switch (expr.op) {
    case "path":
      return read(expr.at, ctx);
    case "lit":
      return expr.value;
    case "and":
      for (const arg of expr.args) if (!truthy(go(arg))) return false;
      return true;
    case "or":
      for (const arg of expr.args) if (truthy(go(arg))) return true;
      return false;
    case "not":
      return !truthy(go(expr.arg));
    case "exists":
      try {
        return go(expr.arg) !== null;
      } catch (error) {
        if (error instanceof FlowError && error.kind === "path_not_found") return false;
        throw error;
      }
    case "len":
      return length(go(expr.arg));
    case "in": {
      const [needle, haystack] = [go(expr.needle), go(expr.haystack)];
      if (!Array.isArray(haystack)) {
        throw failures.typeError("expr.in", `in: haystack must be array, got ${renderJson(haystack)}`);
      }
      return haystack.filter((element: Json) => deepEqual(needle, element)).length > 0;
    }
    case "call_extern":
      return callHostFunction(
        externs,
        expr.ref,
        expr.args.map(go),
        { key: ROOT_KEY, ordinal: 0 },
        DEFAULT_LIMITS,
        new WorkMeter(1e9),
      );
    default: {
      const [a, b] = [go(expr.lhs), go(expr.rhs)];
      switch (expr.op) {
        case "eq":
          return deepEqual(a, b);
        case "ne":
          return !deepEqual(a, b);
        case "lt":
          return order(a, b) < 0;
        case "lte":
          return order(a, b) <= 0;
        case "gt":
          return order(a, b) > 0;
        case "gte":
          return order(a, b) >= 0;
        default:
          return arithmetic(expr.op, a, b);
      }
    }
  }
};

/** How a naive run ended. */
export interface NaiveRun {
  readonly ctx: Json;
  readonly error?: FlowError;
  readonly calls: readonly { readonly ref: string; readonly input: Json }[];
}

/** Runs a flow with lanes one after another. `answer` is asked once a dispatch. */
export const runNaively = (
  root: FlowNode,
  initial: Json,
  externs: Externs,
  answer: (ref: string, input: Json) => FlowOutcome,
): NaiveRun => {
  const calls: { ref: string; input: Json }[] = [];

  const targetPath = (target: FlowExpr, field: string): FlowPath => {
    if (target.op !== "path") throw failures.notAPath(field);
    return target.at;
  };

  // A box holds the ctx of one scope.
  const run = (node: FlowNode, box: { ctx: Json }): void => {
    const evaluate = (expr: FlowExpr) => copy(evaluateNaively(expr, box.ctx, externs));
    const write = (target: FlowExpr, field: string, value: Json) => {
      box.ctx = copy(writePath(targetPath(target, field), box.ctx, value));
    };
    switch (node.kind) {
      case "step": {
        const input = evaluate(node.in);
        calls.push({ ref: node.ref, input });
        const outcome = answer(node.ref, input);
        if (outcome.kind === "error") throw failures.dispatcherError(node.ref, outcome.message);
        if (outcome.kind === "value") write(node.out, "out", outcome.value);
        return;
      }
      case "let": {
        const value = evaluate(node.value);
        write(node.at, "at", value);
        return;
      }
      case "seq":
        for (const child of node.children) run(child, box);
        return;
      case "branch": {
        const cond = evaluate(node.cond);
        if (typeof cond !== "boolean") throw failures.nonBoolCond(cond, "");
        run(cond ? node.then : node.else, box);
        return;
      }
      case "loop": {
        write(node.counter, "counter", 0);
        for (let turn = 0; turn < node.max && truthy(evaluate(node.cond)); ) {
          run(node.body, box);
          turn += 1;
          write(node.counter, "counter", turn);
        }
        return;
      }
      case "try": {
        const before = copy(box.ctx);
        try {
          run(node.body, box);
        } catch (error) {
          if (!(error instanceof FlowError)) throw error;
          box.ctx = before;
          if (node.err_at !== undefined) write(node.err_at, "err_at", error.message);
          run(node.catch, box);
        }
        return;
      }
      case "fanout":
        write(node.out, "out", fanout(node, box, evaluate(node.items)));
    }
  };

  const fanout = (node: Extract<FlowNode, { kind: "fanout" }>, box: { ctx: Json }, items: Json): Json => {
    if (!Array.isArray(items)) throw failures.typeError("fanout.items", `expected array, got ${renderJson(items)}`);
    const { join } = node;
    if (items.length === 0 && (join === "any" || join === "race")) {
      throw failures.typeError(`fanout.${join}`, "requires at least one item");
    }
    const results: Json[] = [];
    let last: FlowError | undefined;
    for (const item of items as readonly Json[]) {
      const lane = { ctx: copy(box.ctx) };
      lane.ctx = copy(writePath(targetPath(node.bind, "bind"), lane.ctx, item));
      try {
        run(node.body, lane);
        if (join === "any" || join === "race") return lane.ctx;
        results.push(join === "all" ? lane.ctx : { status: "fulfilled", value: lane.ctx });
      } catch (error) {
        if (!(error instanceof FlowError) || join === "all" || join === "race") throw error;
        last = error;
        results.push({ status: "rejected", reason: error.message });
      }
    }
    if (join === "any") throw last as FlowError;
    return results;
  };

  const box = { ctx: copy(initial) };
  try {
    run(root, box);
    return { ctx: box.ctx, calls };
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    return { ctx: box.ctx, error, calls };
  }
};

/** A copy with the keys of every object in the opposite order. */
export const keysReversed = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(keysReversed);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value as JsonObject).map(([name, member]) => [name, keysReversed(member)] as const);
  return Object.fromEntries(entries.reverse());
};
