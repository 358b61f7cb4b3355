/**
 * From a file to raw JSON: `.json`, `.yaml`, `.yml`, and Lua scripts that build a document.
 *
 * Does not own: reading files and running scripts (ports), expanding refs (link.ts), what the document means (parse.ts).
 */
import { extname } from "node:path";
import type { Json } from "../flow/index.ts";
import { objectsForEmptyTables } from "./conform.ts";
import type { Diagnostic, SourcePosition } from "./diagnostic.ts";
import { type DocumentFiles, decodeText } from "./document-files.ts";
import { type DocumentLimits, documentLimits, inspectDocument } from "./document-inspection.ts";
import { type DocumentText, readDocumentText, tooLarge } from "./document-text.ts";
import { diagnose } from "./lint-registry.ts";
import { noSource, positionsByPointer } from "./source-map.ts";

/** An authoring script, to be run. */
export interface AuthoringScript {
  /** How errors and positions name it. */
  readonly file: string;
  readonly source: string;
}

/** Something a script warns about, and where, if that is known. */
export interface ScriptWarning {
  readonly message: string;
  readonly position?: SourcePosition;
}

/** What running an authoring script came to. */
export interface ScriptResult {
  /** What the script returned. An empty list stands for an empty table, whatever the table was meant to be. */
  readonly value: Json;
  /** Where the tables of `value` were made, by JSON pointer. */
  readonly positions?: Readonly<Record<string, SourcePosition>>;
  readonly warnings?: readonly ScriptWarning[];
  /** What the script printed. */
  readonly printed?: readonly string[];
}

/**
 * Runs a script. What the script does wrong is an Error with a `code` that starts with `lua_`, and where they are known
 * `chunk`, `line` and `traceback`; any other rejection is a defect and is passed on.
 */
export type RunScript = (script: AuthoringScript) => Promise<ScriptResult>;

/** What loading needs from outside. */
export interface LoadPorts {
  readonly files: DocumentFiles;
  /** Absent: Lua documents are refused. */
  readonly runScript?: RunScript;
}

/** A document as it was read from a file. */
export interface LoadedDocument extends DocumentText {
  readonly file: string;
  /** The file's text, for showing lines of it; absent where it could not be read. */
  readonly source?: string;
  /** What a script printed, to be shown beside the diagnostics. */
  readonly printed: readonly string[];
}

type Format = "json" | "yaml" | "lua";

const formats: Readonly<Record<string, Format>> = { ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".lua": "lua" };

/** Loads a document. Never throws for a bad file. */
export async function loadDocument(file: string, ports: LoadPorts, limits = documentLimits): Promise<LoadedDocument> {
  const format = formats[extname(file).toLowerCase()];
  if (format === undefined) {
    return refused(
      file,
      "unknown-format",
      `${file} is no Blueprint: its name must end in .json, .yaml, .yml or .bp.lua`,
    );
  }
  const read = await readText(file, ports.files, limits.maxBytes);
  if (typeof read !== "string") return { file, sourceMap: noSource, diagnostics: [read], printed: [] };
  if (format === "lua") return runLua({ file, source: read }, ports.runScript, limits);
  return { file, source: read, printed: [], ...(await readDocumentText(read, format, file, limits)) };
}

async function readText(file: string, files: DocumentFiles, maxBytes: number): Promise<string | Diagnostic> {
  const read = await files.read(file, maxBytes);
  const at = { stage: "load", position: { file, line: 1 } } as const;
  switch (read.kind) {
    case "file": {
      const text = decodeText(read.bytes);
      return text ?? diagnose("unreadable-file", { ...at, message: `${file} is no UTF-8 text` });
    }
    case "missing":
      return diagnose("unreadable-file", {
        stage: "load",
        message: `there is no file ${file}`,
        help: "check the path",
      });
    case "not_a_file":
      return diagnose("unreadable-file", { stage: "load", message: `${file} is not a file` });
    case "too_large":
      return tooLarge(file, read.size, maxBytes);
    case "unreadable":
      return diagnose("unreadable-file", { stage: "load", message: `${file} cannot be read: ${read.reason}` });
  }
}

async function runLua(
  script: AuthoringScript,
  run: RunScript | undefined,
  limits: DocumentLimits,
): Promise<LoadedDocument> {
  const { file, source } = script;
  if (run === undefined) {
    return refused(
      file,
      "unknown-format",
      `${file} is a Lua script, and scripts are not run here; build it to JSON first`,
    );
  }
  let result: ScriptResult;
  try {
    result = await run(script);
  } catch (error) {
    if (!isScriptError(error)) throw error;
    const { printed = [] } = error;
    return { file, source, sourceMap: noSource, diagnostics: [scriptFailure(file, error)], printed };
  }
  const printed = result.printed ?? [];
  const sourceMap = positionsByPointer(new Map([["", { file, line: 1 }], ...Object.entries(result.positions ?? {})]));
  const warnings = (result.warnings ?? []).map(({ message, position = { file, line: 1 } }) =>
    diagnose("script-warning", { stage: "load", message, position }),
  );
  const inspected = inspectDocument(result.value, limits);
  if ("failure" in inspected) {
    const { message, pointer } = inspected.failure;
    const position = sourceMap.position(pointer);
    const finding = { stage: "load", message, pointer, ...(position === undefined ? {} : { position }) } as const;
    return { file, source, sourceMap, printed, diagnostics: [...warnings, diagnose("limit-exceeded", finding)] };
  }
  const document = objectsForEmptyTables(inspected.document);
  return { file, source, sourceMap, printed, diagnostics: warnings, document };
}

interface ScriptError extends Error {
  readonly code: string;
  readonly chunk?: string;
  readonly line?: number;
  readonly traceback?: string;
  readonly printed?: readonly string[];
}

function isScriptError(error: unknown): error is ScriptError {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("lua_");
}

function scriptFailure(file: string, error: ScriptError): Diagnostic {
  const position = { file: error.chunk ?? file, line: error.line ?? 1 };
  const place = `${position.file}:${position.line}: `;
  return diagnose(error.code === "lua_syntax" ? "syntax-error" : "script-failed", {
    stage: "load",
    message: error.message.startsWith(place) ? error.message.slice(place.length) : error.message,
    position,
    notes: error.traceback === undefined ? [] : error.traceback.split("\n").filter((line) => line.trim() !== ""),
  });
}

function refused(file: string, kind: "unknown-format", message: string): LoadedDocument {
  return { file, sourceMap: noSource, diagnostics: [diagnose(kind, { stage: "load", message })], printed: [] };
}
