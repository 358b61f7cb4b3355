/**
 * From a linked document to a typed Blueprint, or to everything that is wrong with it at once.
 *
 * Owns: bounds, leftover refs, the schema, the version range, the id, whether `flow` is flow.ir.
 * Does not own: whether names resolve and the pieces fit together (the compiler).
 *
 * P1. A Blueprint is returned exactly where no diagnostic is an error.
 * P2. The document is not changed; the Blueprint may share parts with it.
 */
import parseVersion from "semver/functions/parse.js";
import { checkFlow, type FlowError, isJsonObject, type Json, type JsonObject } from "../flow/index.ts";
import { idProblem, PORTABLE_ID, portableId } from "./blueprint-id.ts";
import { complete } from "./conform.ts";
import { type Diagnostic, hasErrors } from "./diagnostic.ts";
import { type DocumentLimits, type DocumentRef, documentLimits, inspectDocument } from "./document-inspection.ts";
import { isWithin, valueAt } from "./json-pointer.ts";
import { diagnose } from "./lint-registry.ts";
import { validateDocument } from "./schema/validator.generated.ts";
import type { Blueprint } from "./schema.ts";
import { explainMistake } from "./schema-mistakes.ts";

/** The newest major version of the document format that is understood. */
export const SUPPORTED_MAJOR = 0;

/** Diagnostics returned at most; one more says how many were left out. */
const MAX_DIAGNOSTICS = 100;

/** How to parse. */
export interface ParseOptions {
  readonly limits?: DocumentLimits;
  /** Pointers to refs that could not be linked: nothing is said about what is at or below them. */
  readonly unlinked?: readonly string[];
}

/** What parsing yields. */
export interface ParsedBlueprint {
  /** Absent where a diagnostic is an error. */
  readonly blueprint?: Blueprint;
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses a linked document. Never throws for bad input. */
export function parseBlueprint(document: unknown, options: ParseOptions = {}): ParsedBlueprint {
  const inspected = inspectDocument(document, options.limits ?? documentLimits);
  if ("failure" in inspected) {
    const { message, pointer, tooLarge } = inspected.failure;
    return {
      diagnostics: [diagnose(tooLarge ? "limit-exceeded" : "wrong-type", { stage: "parse", message, pointer })],
    };
  }
  const unlinked = options.unlinked ?? [];
  const completed = complete(inspected.document);
  const found = [
    ...inspected.refs.map(leftoverRef),
    ...schemaDiagnostics(inspected.document, completed, inspected.refs),
    ...(isJsonObject(completed) ? fieldDiagnostics(completed) : []),
  ].filter(({ pointer }) => pointer === undefined || !unlinked.some((ref) => isWithin(pointer, ref)));
  const diagnostics = bounded(found);
  if (hasErrors(diagnostics) || unlinked.length > 0) return { diagnostics };
  return { blueprint: completed as unknown as Blueprint, diagnostics };
}

function schemaDiagnostics(document: Json, completed: Json, refs: readonly DocumentRef[]): readonly Diagnostic[] {
  if (validateDocument(completed)) return [];
  const mistakes = validateDocument.errors ?? [];
  // A ref where something else belongs is one mistake, not several.
  return mistakes
    .filter(({ instancePath }) => !refs.some((ref) => isWithin(instancePath, ref.pointer)))
    .map((mistake) => explainMistake(document, mistake))
    .filter((diagnostic) => diagnostic !== undefined);
}

function fieldDiagnostics(document: JsonObject): readonly Diagnostic[] {
  const { id, flow, schema_version: version } = document;
  return [
    ...(typeof version === "string" ? versionDiagnostics(version) : []),
    ...(typeof id === "string" ? idDiagnostics(id) : []),
    ...(flow === undefined
      ? []
      : checkFlow(flow, { basePointer: "/flow" }).map((error) => flowDiagnostic(document, error))),
  ];
}

function leftoverRef({ key, ref, pointer }: DocumentRef): Diagnostic {
  return diagnose("unexpanded-ref", {
    stage: "parse",
    message: `the ref ${key}=${ref} is not expanded`,
    pointer,
    help: "link the document first: load it from its file, or build it with its refs embedded",
  });
}

function versionDiagnostics(version: string): readonly Diagnostic[] {
  const at = { stage: "parse", pointer: "/schema_version" } as const;
  const parsed = parseVersion(version);
  if (parsed === null) {
    const message = `\`schema_version\` must be a full semantic version such as 0.1.0, not \`${version.slice(0, 80)}\``;
    return [diagnose("invalid-value", { ...at, message })];
  }
  if (parsed.major <= SUPPORTED_MAJOR) return [];
  return [
    diagnose("unsupported-schema-version", {
      ...at,
      message: `the document is of schema version ${version}; this host understands versions below ${SUPPORTED_MAJOR + 1}.0.0`,
      help: "run it on a newer swarm-host, or lower `schema_version` if the document uses nothing newer",
    }),
  ];
}

function idDiagnostics(id: string): readonly Diagnostic[] {
  if (PORTABLE_ID.test(id)) return [];
  const problem = idProblem(id);
  const proposal = portableId(id);
  const common = {
    stage: "parse",
    pointer: "/id",
    element: { type: "blueprint_root" },
    suggestion: {
      message: `call it \`${proposal}\``,
      patch: [{ op: "replace", path: "/id", value: proposal }],
      applicability: "maybe_incorrect",
    },
  } as const;
  if (problem !== undefined) {
    const message = `the id \`${id.slice(0, 100)}\` cannot name a Blueprint: ${problem}`;
    return [diagnose("invalid-id", { ...common, message, help: "use lower-case letters, digits, `.`, `_` and `-`" })];
  }
  return [
    diagnose("unportable-id", {
      ...common,
      message: `the id \`${id}\` is not portable: not every store and shell takes it as it is`,
      help: "start with a lower-case letter or a digit, go on with those and `.`, `_`, `-`, at most 100 in all",
    }),
  ];
}

function flowDiagnostic(document: JsonObject, error: FlowError): Diagnostic {
  const pointer = error.pointer ?? "/flow";
  const prefix = `parse error at ${pointer}: `;
  const message = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
  const target = missingHaltTarget(document, pointer, error);
  if (target !== undefined) {
    return diagnose("halted-at-missing", {
      stage: "parse",
      message: "a gate halts the flow but does not say where to write the halted stage",
      pointer,
      notes: [message],
      help: "give the pipeline a `halted_at` path",
      suggestion: {
        message: "write it to `$.halted_at`",
        patch: [{ op: "add", path: target.path, value: target.value }],
        applicability: "maybe_incorrect",
      },
    });
  }
  return diagnose("invalid-flow", { stage: "parse", message, pointer });
}

/**
 * Whether `error` is about the write target of a gate: an `assign` that is the `then` of a branch and lacks its path.
 * That is what a pipeline emits whose `halted_at` came out empty.
 */
function missingHaltTarget(
  document: Json,
  pointer: string,
  error: FlowError,
): { path: string; value: Json } | undefined {
  if (error.details?.["field"] !== "at" || !error.message.includes("missing field")) return undefined;
  const inPath = pointer.endsWith("/then/at");
  if (!inPath && !pointer.endsWith("/then")) return undefined;
  const node = inPath ? pointer.slice(0, -"/at".length) : pointer;
  const value = valueAt(document, node);
  if (!isJsonObject(value) || value["kind"] !== "assign") return undefined;
  return inPath
    ? { path: `${pointer}/at`, value: "$.halted_at" }
    : { path: `${pointer}/at`, value: { op: "path", at: "$.halted_at" } };
}

function bounded(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  if (diagnostics.length <= MAX_DIAGNOSTICS) return diagnostics;
  const rest = diagnostics.length - MAX_DIAGNOSTICS;
  // What is cut may hold the only error.
  const level = hasErrors(diagnostics) ? "error" : "warn";
  return [
    ...diagnostics.slice(0, MAX_DIAGNOSTICS),
    diagnose("limit-exceeded", { stage: "parse", level, message: `${rest} further findings are not shown` }),
  ];
}
