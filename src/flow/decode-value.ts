/**
 * Decoding the fields that hold neither nodes nor expressions: strings, counts, paths, joins and literals.
 */
import { describe, meantName, quoted } from "./decode-problem.ts";
import { FlowError } from "./error.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { inspectJson } from "./json-inspect.ts";
import type { FlowLimits } from "./limits.ts";
import type { FlowDialect } from "./node.ts";
import { FlowPath } from "./path.ts";
import { type FieldKind, JOIN_MODES, type JoinMode, MAX_COUNT } from "./wire.ts";

/** What values are held to. */
export interface ValueContext {
  readonly dialect: "any" | FlowDialect;
  readonly limits: FlowLimits;
}

/** Kinds of fields that hold values. */
export type ValueKind = Exclude<FieldKind, "node" | "nodes" | "expr" | "exprs" | "optional_expr">;

/** Says what is wrong with the value at hand. */
export type ReportProblem = (message: string, details?: JsonObject) => void;

/** Decodes a value; what it answers is only good where it reported nothing. */
export const decodeValue = (kind: ValueKind, raw: unknown, report: ReportProblem, context: ValueContext): unknown => {
  switch (kind) {
    case "string":
      if (typeof raw !== "string") report(`expected a string, found ${describe(raw)}`);
      return raw;
    case "count":
      if (!isCount(raw)) report(`expected an integer from 0 to ${MAX_COUNT}, found ${describe(raw)}`);
      return raw;
    case "path":
      return decodePath(raw, report, context);
    case "target":
      return Object.freeze({ op: "path", at: decodePath(raw, report, context) });
    case "join":
      return decodeJoin(raw, report);
    case "json":
      checkLiteral(raw, report, context.limits);
      return raw;
  }
};

const isCount = (raw: unknown): boolean =>
  Number.isInteger(raw) && (raw as number) >= 0 && (raw as number) <= MAX_COUNT;

const decodePath = (raw: unknown, report: ReportProblem, context: ValueContext): FlowPath | undefined => {
  if (typeof raw !== "string") {
    report(`expected a path (a string that starts with '$'), found ${describe(raw)}`);
    return undefined;
  }
  try {
    return FlowPath.parse(raw, { dialect: context.dialect, maxLength: context.limits.maxPathLength });
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    report(error.message, error.details);
    return undefined;
  }
};

// `{"all": null}` is the map form of `"all"`.
const decodeJoin = (raw: unknown, report: ReportProblem): JoinMode | undefined => {
  const entries = isJsonObject(raw) ? Object.entries(raw) : [];
  const [only] = entries;
  const name = only !== undefined && entries.length === 1 && only[1] === null ? only[0] : raw;
  const join = JOIN_MODES.find((mode) => mode === name);
  if (join === undefined) {
    const meant = typeof name === "string" ? meantName(name, JOIN_MODES) : undefined;
    const hint = meant === undefined ? "" : ` (did you mean '${meant}'?)`;
    const found = typeof name === "string" ? quoted(name) : describe(name);
    report(`unknown join ${found}${hint}, expected one of ${JOIN_MODES.join(", ")}`);
  }
  return join;
};

const checkLiteral = (raw: unknown, report: ReportProblem, limits: FlowLimits): void => {
  const inspection = inspectJson(raw, limits);
  if ("depth" in inspection) return;
  const { limit, message, pointer } = inspection.problem;
  const where = pointer === "" ? "" : ` at ${pointer} in it`;
  report(`the literal cannot be used${where}: ${message}${limit === undefined ? "" : ` (limit ${limit})`}`);
};
